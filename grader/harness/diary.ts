const ENTRY_ID = /^\d+-\d+$/;

/** What a worker does, or what is done to it. */
export type Deed =
  /** A function that runs until it is told to stop. */
  | 'starts'
  | 'is told to stop'
  | 'returns'
  | 'fails'
  | 'is killed'
  | 'is paused'
  | 'is woken'
  /** A handler of the check, for an entry. */
  | 'begins'
  | 'ends'
  | 'throws';

/** What a worker is from then on. */
const FATES: ReadonlySet<Deed> = new Set([
  ...(['starts', 'returns', 'fails', 'is killed', 'is paused', 'is woken'] as const),
]);

/** Something that has happened while a requirement was checked. */
export interface Moment {
  /** Milliseconds since the check began. */
  readonly at: number;
  readonly worker: string;
  readonly deed: Deed;
  /** The id of the entry that a handler has; of a function, its name. */
  readonly of: string;
}

/** Writes down what workers do while a requirement is checked: cheap, for it is read only when that fails. */
export class Diary {
  readonly moments: Moment[] = [];
  readonly #began = performance.now();
  readonly #epoch = epochNow();

  note(worker: string, deed: Deed, of = ''): void {
    this.moments.push({ at: this.now(), worker, deed, of });
  }

  /** Milliseconds since the check began. */
  now(): number {
    return performance.now() - this.#began;
  }

  /** The same, of a time of the server's clock, in milliseconds since 1970: it is the same machine. */
  since(epochMs: number): number {
    return epochMs - this.#epoch;
  }

  /** What became of a worker in the end; undefined when it is at work, as far as anybody knows. */
  fateOf(worker: string): Moment | undefined {
    const last = this.moments.findLast((one) => one.worker === worker && FATES.has(one.deed));
    return last && last.deed !== 'starts' && last.deed !== 'is woken' ? last : undefined;
  }

  /** The last worker whose handler has begun with an entry and not come to its end; undefined when there is none. */
  holderOf(entry: string): string | undefined {
    const last = this.moments.findLast(({ of }) => of === entry);
    return last?.deed === 'begins' ? last.worker : undefined;
  }

  /**
   * A worker calls back with these arguments. It is a handler's call if one of them is the id of an entry, and others are of no
   * interest. Returns what notes its end.
   */
  handler(worker: string, args: readonly unknown[]): { ends(): void; throws(): void } {
    const id = args.find((one): one is string => typeof one === 'string' && ENTRY_ID.test(one));
    if (id === undefined) return { ends: () => {}, throws: () => {} };
    this.note(worker, 'begins', id);
    return {
      ends: () => this.note(worker, 'ends', id),
      throws: () => this.note(worker, 'throws', id),
    };
  }
}

/** Now, in milliseconds since 1970 and parts of them; whole ones, when the machine has slept since this process began. */
function epochNow(): number {
  const exact = performance.timeOrigin + performance.now();
  return Math.abs(exact - Date.now()) < 2 ? exact : Date.now();
}
