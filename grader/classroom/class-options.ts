import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { UserError } from '../../system/process/user-error.ts';
import { readDue } from './due.ts';
import { readWall, type Wall } from './isolation/walls.ts';
import type { Keep } from './keep.ts';
import { checkWritable } from './results/check-writable.ts';

const USUAL_OUT = 'grades';
const USUAL_LIMIT_SECONDS = 300;

/** The options of a class run, each with a value. */
export const CLASS_OPTIONS = [
  'class',
  'out',
  'jobs',
  'limit',
  'shard',
  'docker',
  'walls',
  'student',
  'keep',
  'due',
  'html',
] as const;
export const CLASS_FLAGS = ['resume', 'similar', 'no-points'] as const;

/** What was typed. */
export interface ClassArguments {
  readonly value: (option: (typeof CLASS_OPTIONS)[number]) => string | undefined;
  readonly has: (flag: (typeof CLASS_FLAGS)[number]) => boolean;
  /** The folders whose results are to be joined. */
  readonly merge: readonly string[] | undefined;
  /** The exercises that were named, as `1,2`. */
  readonly wanted: string | undefined;
  /** The one requirement that was named. */
  readonly requirement: string | undefined;
  readonly seed: number;
  /** Whether the seed was typed. */
  readonly hasSeed: boolean;
}

/** What was meant by it. */
export interface ClassOptions {
  /** Where the results go. */
  readonly out: string;
  readonly jobs: number;
  readonly limitMs: number;
  readonly keep: Keep;
  /** ISO 8601, UTC. */
  readonly due: string | undefined;
  /** Which part of the class, and of how many. */
  readonly shard: { readonly number: number; readonly count: number };
  /** What has to stand between submissions and this machine; without it, the best that there is. */
  readonly wall: Wall | undefined;
  /** The page to write at the end, and whether points stand on it. */
  readonly page: { readonly file: string; readonly hasPoints: boolean } | undefined;
}

/**
 * Reads the options of a class run: everything that can be wrong with them is told before the work begins.
 *
 * @throws UserError when one makes no sense, or a file could not be written
 */
export function readClassOptions({ value, has, merge }: ClassArguments): ClassOptions {
  const out = resolve(value('out') ?? USUAL_OUT);
  const folder = value('class');
  if (!merge && !existsSync(resolve(folder ?? ''))) {
    throw new UserError(`There is no folder ${resolve(folder ?? '')}.`);
  }
  const due = value('due');
  const html = value('html');
  if (html !== undefined) checkWritable(html, out);
  if (has('no-points') && html === undefined) {
    throw new UserError(
      '--no-points leaves the points out of the page: it belongs to --html FILE.',
    );
  }
  const wall = readWall(value('walls'));
  if (wall && value('docker') !== undefined) {
    throw new UserError('--walls and --docker do not go together.');
  }
  return {
    out,
    wall,
    jobs: wholeNumber('--jobs', value('jobs'), availableParallelism()),
    limitMs: limitOf(value('limit')),
    keep: keepOf(value('keep')),
    due: due === undefined ? undefined : readDue(due),
    shard: shardOf(value('shard')),
    page: html === undefined ? undefined : { file: resolve(html), hasPoints: !has('no-points') },
  };
}

/** How long one student's work may take, in milliseconds: `--limit` is in seconds. */
export function limitOf(text: string | undefined): number {
  return wholeNumber('--limit', text, USUAL_LIMIT_SECONDS) * 1000;
}

function keepOf(text: string | undefined): Keep {
  if (text === undefined || text === 'latest') return 'latest';
  if (text === 'best') return text;
  throw new UserError(`--keep is best or latest, not '${text}'.`);
}

function shardOf(text: string | undefined): ClassOptions['shard'] {
  if (text === undefined) return { number: 1, count: 1 };
  const [, part = '', of = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [number, count] = [Number(part), Number(of)];
  if (number >= 1 && number <= count) return { number, count };
  throw new UserError(`--shard is a part of a number of parts, such as 2/4, not '${text}'.`);
}

function wholeNumber(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new UserError(`${option} is a whole number, 1 or more, not '${text}'.`);
}
