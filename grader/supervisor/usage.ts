import { readFileSync } from 'node:fs';
import pidusage from 'pidusage';

/** What a process, and all that came out of it, takes of the machine. */
export interface Usage {
  readonly bytes: number;
  /** The processor time that it has had so far, in milliseconds. */
  readonly cpuMs: number;
  /** How many they are. */
  readonly processes: number;
}

/** Nothing at all for a process that has ended. */
export async function usageOf(pid: number): Promise<Usage> {
  const family = familyOf(pid);
  const usages = Object.values(await pidusage(family).catch(() => ({})));
  return {
    bytes: usages.reduce((sum, usage) => sum + (usage?.memory ?? 0), 0),
    cpuMs: usages.reduce((sum, usage) => sum + (usage?.ctime ?? 0), 0),
    processes: family.length,
  };
}

/** A process and all that came out of it, where /proc tells; else that process alone. */
function familyOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(familyOf)];
  } catch {
    return [pid];
  }
}
