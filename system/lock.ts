import lockfile from 'proper-lockfile';

/** Something that only one command holds at a time. */
export interface Lock {
  /** Aborted when another command has taken the lock: it held this one for dead, which a laptop's sleep can bring about. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Makes this command the only one that holds `path`, a folder that comes into being beside what it protects.
 *
 * @param patience how often to try again, and how long to wait in between
 * @throws the system's error, ELOCKED when another command holds it to the end of one's patience
 */
export async function takeLock(
  path: string,
  patience?: { readonly retries: number; readonly everyMs: number },
): Promise<Lock> {
  const lost = new AbortController();
  const release = await lockfile.lock(path, {
    lockfilePath: path,
    realpath: false,
    retries: patience && { retries: patience.retries, factor: 1, minTimeout: patience.everyMs },
    // Left to itself, it throws from a timer, where nobody can catch it.
    onCompromised: (error) => lost.abort(error),
  });
  return {
    lost: lost.signal,
    release: async () => {
      if (!lost.signal.aborted) await release();
    },
  };
}
