/** The AbortSignals of a host's loops. A spec knows them by number. */
export class Signals {
  readonly #controllers = new Map<number, AbortController>();
  readonly #loops = new Map<number, Promise<unknown>>();
  #running = 0;

  /** Runs a call with real signals in its arguments, and remembers who has which. */
  during<Result>(args: unknown[], call: (args: unknown[]) => Result): Result {
    const ids: number[] = [];
    const result = call(args.map((argument) => this.#withSignals(argument, ids)));
    for (const id of ids) {
      this.#running++;
      const over = settled(result).then(() => {
        this.#running--;
      });
      this.#loops.set(id, Promise.all([this.#loops.get(id), over]));
    }
    return result;
  }

  /** Aborts; resolves when every loop that has the signal has returned. */
  async abort(id: number): Promise<void> {
    this.#controller(id).abort();
    await this.#loops.get(id);
  }

  /** How many calls with a signal have not returned yet. */
  get running(): number {
    return this.#running;
  }

  /** Whether any call had a signal. */
  get hadLoops(): boolean {
    return this.#loops.size > 0;
  }

  #withSignals(value: unknown, ids: number[]): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if ('$signal' in value) {
      const id = Number(value.$signal);
      ids.push(id);
      return this.#controller(id).signal;
    }
    if ('$callback' in value || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, this.#withSignals(part, ids)]),
    );
  }

  #controller(id: number): AbortController {
    const controller = this.#controllers.get(id) ?? new AbortController();
    this.#controllers.set(id, controller);
    return controller;
  }
}

/** Whether a reference to a signal is in these arguments, or in an object among them. */
export function hasSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return '$signal' in value || Object.values(value).some(hasSignal);
}

async function settled(result: unknown): Promise<void> {
  try {
    await result;
  } catch {
    // How it came out is told to whoever called it; here it only matters that it is over.
  }
}
