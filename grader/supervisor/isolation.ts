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
}
