import { readFileSync } from 'node:fs';

/** Why submissions cannot be shut in on this machine. */
export interface NoSandbox {
  readonly reason: string;
  /** What an administrator could do about it, where that is known. */
  readonly advice?: string;
}

/** The switches by which Linux systems keep namespaces from ordinary users: where they are, what forbids, what allows. */
const SWITCHES = [
  ['kernel.unprivileged_userns_clone', '0', '1'],
  ['user.max_user_namespaces', '0', '15000'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
] as const;

/**
 * The cause, in what a sandbox that did not start has printed: what failed is said first, where to look for more comes last.
 *
 * @param code what it ended with
 */
export function whyNoNamespaces(output: string, code: number): NoSandbox {
  const lines = output.split('\n').map((line) => line.trim());
  const cause = lines.find((line) => line !== '' && !line.startsWith('dmesg(1)'));
  if (cause?.startsWith('spawn ') && cause.includes('ENOENT')) {
    return {
      reason: 'there is no program unshare on this machine',
      advice: 'install the package util-linux',
    };
  }
  return { reason: cause ?? `unshare ended with ${code} and said nothing`, advice: forbidding() };
}

/** What switches namespaces on where a switch forbids them. */
function forbidding(): string | undefined {
  for (const [name, forbids, allows] of SWITCHES) {
    if (settingOf(name) === forbids) return `type as root: sysctl -w ${name}=${allows}`;
  }
  return undefined;
}

function settingOf(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replace('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
