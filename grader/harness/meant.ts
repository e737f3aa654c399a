import type { Diary } from './diary.ts';
import { unescaped } from './escaped.ts';
import type { Recorded } from './recorded.ts';
import type { About } from './unmet.ts';

/** The first ids and keys of many stand for the others. */
const MOST_NAMES = 3;
/** A handler begins after the read that has brought its entry: by two clocks that may differ a little. */
const CLOCKS_DIFFER_MS = 2;
const READS = /^(xreadgroup|xautoclaim|xclaim)$/i;

/** The ids and keys that a failure is about: of very many, the first. */
export function namesOf({ entries = [], keys = [] }: About): ReadonlySet<string> {
  return new Set([...entries.slice(0, MOST_NAMES), ...keys.slice(0, MOST_NAMES)]);
}

/**
 * The commands that name one of these, and the reads right before a handler began with one of them.
 *
 * @param stream the stream that the ids are of, when that is known: those of another may be the same
 */
export function commandsNaming(
  names: ReadonlySet<string>,
  commands: readonly Recorded[],
  diary: Diary,
  stream?: string,
): ReadonlySet<Recorded> {
  const reads = commands.filter(isRead);
  const before = diary.moments
    .filter(({ deed, of }) => deed === 'begins' && names.has(of))
    .map(({ worker, at }) =>
      reads.findLast(
        (one) => senderOf(one) === worker && diary.since(one.at) <= at + CLOCKS_DIFFER_MS,
      ),
    );
  const naming = commands.filter(({ args }) => {
    const words = args.map(unescaped);
    return words.some((word) => names.has(word)) && (!stream || words.includes(stream));
  });
  return new Set([...before.filter((one) => one !== undefined), ...naming]);
}

/** Whether it gives a worker entries of a group. */
export function isRead({ args: [command = ''] }: Recorded): boolean {
  return READS.test(command);
}

/** The worker that has sent it, or the script that has run it. */
export function senderOf({ sender, worker }: Recorded): string {
  return sender ?? worker;
}
