import { eventually } from './unmet.ts';

/** A call of a handler that the submission was given. */
export interface Call<Item> {
  readonly id: string;
  readonly item: Item;
  readonly worker: string;
  /** When it came, in milliseconds. */
  readonly at: number;
  /** Whether the handler has succeeded: it may still run, have thrown, or have died with its worker. */
  done: boolean;
  /** When it has succeeded. */
  doneAt?: number;
}

/** What the submission has handed to the spec's handlers. */
export class Handled<Item> {
  readonly calls: Call<Item>[] = [];

  /** A handler for one worker; `work` is what it does with an item. */
  by(worker: string, work: (id: string) => unknown = () => {}) {
    return async (item: Item, id: string): Promise<void> => {
      const call: Call<Item> = { id, item, worker, at: performance.now(), done: false };
      this.calls.push(call);
      await work(id);
      call.done = true;
      call.doneAt = performance.now();
    };
  }

  get ids(): string[] {
    return this.calls.map(({ id }) => id);
  }

  get workers(): string[] {
    return [...new Set(this.calls.map(({ worker }) => worker))].sort();
  }

  of(id: string): Call<Item>[] {
    return this.calls.filter((call) => call.id === id);
  }

  times(id: string): number {
    return this.of(id).length;
  }

  /** Waits until each of these has reached a handler. */
  async include(ids: Iterable<string>): Promise<void> {
    await this.#allOf(ids, () => true, 'to reach a handler');
  }

  /** Waits until for each of these a handler has succeeded. */
  async complete(ids: Iterable<string>): Promise<void> {
    await this.#allOf(ids, ({ done }) => done, 'to be handled to the end');
  }

  async #allOf(
    ids: Iterable<string>,
    counts: (call: Call<Item>) => boolean,
    what: string,
  ): Promise<void> {
    const wanted = [...ids];
    const missing = () => {
      const handled = new Set(this.calls.filter(counts).map(({ id }) => id));
      return wanted.filter((id) => !handled.has(id));
    };
    await eventually(
      () => missing().length === 0,
      {
        expected: `${wanted.length === 1 ? 'the entry' : `all ${wanted.length} entries`} ${what}`,
        happened: () => {
          const [first, ...more] = missing();
          if (!first) return 'that came too late';
          return `${first} never did${more.length > 0 ? `, and ${more.length} more` : ''}`;
        },
        about: () => ({ entries: missing() }),
      },
      () => this.calls.filter(counts).length,
    );
  }

  /** Waits until this one has been handled a second time. */
  async includeAgain(id: string, expected: string): Promise<void> {
    await eventually(() => this.times(id) > 1, {
      expected,
      happened: `${id} was handled once, and not again`,
      about: { entries: [id] },
    });
  }

  /** Waits for the first one. */
  async includeAny(expected: string): Promise<void> {
    await eventually(() => this.calls.length > 0, { expected, happened: 'nothing came' });
  }
}

/** A handler waits at a latch until the spec opens it. */
export class Latch {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
