/** The AbortSignals of a host's loops. A spec knows them by number. */
export class Signals {
  readonly #controllers = new Map<number, AbortController>();
  #hadLoops = false;

  /** These arguments with real signals in them. */
  given(args: unknown[]): unknown[] {
    this.#hadLoops ||= hasSignal(args);
    return args.map((argument) => this.#withSignals(argument));
  }

  abort(id: number): void {
    this.#controller(id).abort();
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
