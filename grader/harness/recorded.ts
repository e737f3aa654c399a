/** A command that a worker has sent. */
export interface Recorded {
  /** Its name; `(script)` when a script has run the command, and `(unnamed)` for a connection that has not said whose it is. */
  readonly worker: string;
  /** Of what a script has run: who has sent the script. */
  readonly sender?: string;
  /** Of EVAL and EVALSHA: what the script is called. */
  readonly script?: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  /** As MONITOR shows them: bytes that cannot be printed are escaped, for redis-cli to read back. */
  readonly args: readonly string[];
}
