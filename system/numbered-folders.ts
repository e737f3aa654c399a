import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from './did-you-mean.ts';
import { UserError } from './process/user-error.ts';

const NUMBERED = /^(\d\d)-(.+)$/;

/** A folder such as `04-consumer-groups`: the number is the order. */
export interface NumberedFolder {
  readonly number: number;
  /** What follows the number: `consumer-groups`. */
  readonly slug: string;
  readonly name: string;
  readonly path: string;
  /** The heading of its README, without the number; the folder's name where there is none. */
  readonly title: string;
}

/** The numbered folders in `root`, in order. */
export function readNumberedFolders(root: string): NumberedFolder[] {
  return readdirSync(root)
    .sort()
    .flatMap((name) => {
      const [, number, slug] = NUMBERED.exec(name) ?? [];
      if (!number || !slug) return [];
      const path = join(root, name);
      return [{ number: Number(number), slug, name, path, title: readTitle(path) ?? name }];
    });
}

/**
 * The one that `wanted` means: its number (`3`, `03`), or any unmistakable part of one of its names.
 *
 * @param namesOf the first one is shown
 * @throws UserError when none, or more than one, is meant
 */
export function findNumbered<Thing extends { readonly number: number }>(
  wanted: string,
  kind: string,
  things: readonly Thing[],
  namesOf: (thing: Thing) => readonly string[],
): Thing {
  const text = wanted.toLowerCase();
  const meant = things.filter((thing) =>
    /^\d+$/.test(wanted)
      ? thing.number === Number(wanted)
      : namesOf(thing).some((name) => name.includes(text)),
  );
  return onlyOne(meant, things, (thing) => `${thing.number} (${namesOf(thing)[0]})`, {
    several: `'${wanted}' could be ${kind}`,
    none: `There is no ${kind} '${wanted}'; there are`,
    instead: didYouMean(
      wanted,
      things.map((thing) => namesOf(thing)[0] ?? ''),
    ),
  });
}

/**
 * The only one that is meant.
 *
 * @param words what the choice stands behind, when several are meant or none is; and what may have been meant instead
 * @throws UserError when there is not exactly one
 */
export function onlyOne<Thing>(
  meant: readonly Thing[],
  all: readonly Thing[],
  shown: (thing: Thing) => string,
  words: { readonly several: string; readonly none: string; readonly instead?: string },
): Thing {
  const [first, ...more] = meant;
  if (!first) {
    const instead = words.instead && `\n${words.instead}`;
    throw new UserError(`${words.none} ${all.map(shown).join(', ')}.${instead}`);
  }
  if (more.length > 0) throw new UserError(`${words.several} ${meant.map(shown).join(' or ')}.`);
  return first;
}

function readTitle(folder: string): string | undefined {
  const readme = join(folder, 'README.md');
  if (!existsSync(readme)) return undefined;
  return /^# +(?:\d+\W+)?(.+)$/m.exec(readFileSync(readme, 'utf8'))?.[1];
}
