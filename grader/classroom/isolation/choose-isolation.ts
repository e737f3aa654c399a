import { LimitedProcesses } from './limited-processes.ts';
import { Sandbox } from './sandbox.ts';

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

/**
 * The best isolation that this machine offers: namespaces, or else another user (for root alone, as in most containers), or else
 * limits.
 *
 * @param folder what submissions read: the host, and their own bundles
 */
export async function chooseIsolation(folder: string): Promise<Isolation | undefined> {
  if (process.platform === 'win32') return undefined;
  const sandbox = await Sandbox.open(folder);
  if (sandbox instanceof Sandbox) return sandbox;
  return LimitedProcesses.open(folder, sandbox.reason);
}

/** What keeps submissions from the rest of the machine, in a line. */
export function describeProtection(isolation: Isolation | undefined): string {
  return `Protection: ${isolation?.description ?? 'none but processes of their own. Submissions can do what you can.'}`;
}
