import type { Isolation } from '../../supervisor/isolation.ts';
import { LimitedProcesses } from './limited-processes.ts';
import { Sandbox } from './sandbox.ts';

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
