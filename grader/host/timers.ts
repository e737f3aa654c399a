// Stands in for the global timers in the host's bundle, ioredis included, but not in the submission. What keeps a
// process alive is then the submission's own: ioredis leaves a timer behind when a blocked read is cut off.
const start = globalThis.setTimeout;

/** As the global function, but the timer does not count as something that is still going on. */
export const setTimeout: typeof globalThis.setTimeout = Object.assign(
  <Args extends unknown[]>(
    callback: (...args: Args) => void,
    milliseconds?: number,
    ...args: Args
  ) => start(callback, milliseconds, ...args).unref(),
  { __promisify__: start.__promisify__ },
);
