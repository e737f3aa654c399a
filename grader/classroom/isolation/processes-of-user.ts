import { readdirSync, readFileSync } from 'node:fs';

/** A process, as /proc tells of it. */
export interface UsersProcess {
  readonly pid: number;
  readonly parent: number;
  readonly bytes: number;
}

/** All processes of a user, wherever they have gone and whoever is their parent by now; none where there is no /proc. */
export function processesOf(uid: number): UsersProcess[] {
  return numbersIn('/proc').flatMap((pid): UsersProcess[] => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      // Four: as whom it was started, as whom it acts, and two more. Any of them will do.
      const users = /^Uid:\s*(.+)$/m.exec(status)?.[1]?.split('\t').map(Number) ?? [];
      if (!users.includes(uid)) return [];
      const bytes = numberAfter('VmRSS', status) * 1024;
      return [{ pid, parent: numberAfter('PPid', status), bytes }];
    } catch {
      // It has ended.
      return [];
    }
  });
}

/** Those that have not come out of any of these processes, or have left them. */
export function adopted(all: readonly UsersProcess[], hosts: readonly number[]): UsersProcess[] {
  const family = new Set(hosts);
  let before: number;
  do {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  } while (family.size > before);
  return all.filter(({ pid }) => !family.has(pid));
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

function numberAfter(name: string, status: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}
