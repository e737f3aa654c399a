/** The AbortSignals of a host's loops. A spec knows them by number. */
export class Signals {
  readonly #controllers = new Map<number, AbortController>();
  #running = 0;
  #hadLoops = false;

  /** Runs a call with real signals in its arguments. */
  async during(args: unknown[], call: (args: unknown[]) => unknown): Promise<unknown> {
    if (!hasSignal(args)) return call(args);
    this.#hadLoops = true;
    this.#running++;
    try {
      return await call(args.map((argument) => this.#withSignals(argument)));
    } finally {
      this.#running--;
    }
  }

  abort(id: number): void {
    this.#controller(id).abort();
  }

  /** How many calls with a signal have not returned yet. */
  get running(): number {
    return this.#running;
  }

  /** Whether any call had a signal. */
  get hadLoops(): boolean {
    return this.#hadLoops;
  }

  #withSignals(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if ('$signal' in value) return this.#controller(Number(value.$signal)).signal;
    if ('$callback' in value || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, this.#withSignals(part)]),
    );
  }

  #controller(id: number): AbortController {
    const controller = this.#controllers.get(id) ?? new AbortController();
    this.#controllers.set(id, controller);
    return controller;
  }
}

/** The signals in these arguments, or in objects among them, by number. */
export function signalsIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('$signal' in value) return [Number(value.$signal)];
  return Object.values(value).flatMap(signalsIn);
}

export function hasSignal(value: unknown): boolean {
  return signalsIn(value).length > 0;
}
