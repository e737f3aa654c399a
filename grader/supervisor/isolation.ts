/** What stands between the processes of a submission and the machine that they run on. */
export interface Isolation {
  /** One sentence for whoever reads the results. */
  readonly description: string;
  /** Without a network, Redis has to come in through a Unix socket. */
  readonly hasNetwork: boolean;
  /** Where a submission may write. */
  readonly temporary: string;
  /** The user that it runs as, when that is not one's own. */
  readonly identity?: { readonly uid: number; readonly gid: number };
  /** The command that runs this one inside. */
  wrap(
    command: string,
    args: readonly string[],
  ): { readonly command: string; readonly args: readonly string[] };
  /** Ends what submissions have left running, and removes what they have left, where that does not go with them. */
  sweep?(): Promise<void>;
  /**
   * What submissions take too much of together, beyond what belongs to one of the hosts; undefined while all is well.
   *
   * @param hosts the processes of all hosts
   */
  excess?(hosts: readonly number[]): string | undefined;
}
