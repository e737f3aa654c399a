import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readExercises } from '../../grader/exercises.ts';
import { readBase } from '../support/base.ts';
import { type Wrong, writeWrong } from './wrong/wrong.ts';

interface Submission {
  readonly name: string;
  readonly code: string;
}

const RIGHT = new URL('right/', import.meta.url);
const WRONG = new URL('wrong/', import.meta.url);

export const EXERCISES = readExercises().map(({ name }) => name);

/** All wrong submissions of each exercise, whatever files they are in. */
const ALL_WRONG = new Map<string, readonly Wrong[]>();
for (const exercise of EXERCISES) ALL_WRONG.set(exercise, await readWrong(exercise));

/** The correct submissions of an exercise in other styles than the base, by their file's name. */
export function rightOnes(exercise: string): Submission[] {
  const folder = new URL(`${exercise}/`, RIGHT);
  return filesIn(folder).map((file) => ({
    name: file,
    code: readFileSync(new URL(file, folder), 'utf8'),
  }));
}

/** The wrong submissions of an exercise, with what they fail. */
export function wrongOnes(exercise: string): (Wrong & Submission)[] {
  return (ALL_WRONG.get(exercise) ?? []).map((one) => {
    const correct = one.base ? readFileSync(new URL(one.base, RIGHT), 'utf8') : readBase(exercise);
    const origin = one.base ? ` (${one.base})` : '';
    return { ...one, name: `${one.mistake}${origin}`, code: writeWrong(correct, one) };
  });
}

/**
 * Some of the wrong submissions: at least two for each requirement, those that fail the fewest first, and no fewer than
 * `count`. The more a submission fails, the longer it takes to grade, and the less it says about the grader; what is a matter of
 * who is quicker says less, too.
 */
export function representative<One extends Wrong>(
  wrong: readonly One[],
  ids: readonly string[],
  count: number,
): One[] {
  const blur = ({ fails, mayFail = [] }: One) => fails.length + mayFail.length;
  const sharpest = wrong.toSorted((a, b) => blur(a) - blur(b));
  const chosen = new Set<One>();
  const covered = (id: string) => [...chosen].filter(({ fails }) => fails.includes(id)).length;
  for (const id of ids) {
    for (const one of sharpest) {
      if (covered(id) < 2 && one.fails.includes(id)) chosen.add(one);
    }
  }
  for (const one of sharpest) if (chosen.size < count) chosen.add(one);
  return wrong.filter((one) => chosen.has(one));
}

async function readWrong(exercise: string): Promise<Wrong[]> {
  const folder = new URL(`${exercise}/`, WRONG);
  const all: Wrong[] = [];
  for (const file of filesIn(folder)) {
    const module: { wrong: readonly Wrong[] } = await import(new URL(file, folder).href);
    all.push(...module.wrong);
  }
  return all;
}

function filesIn(folder: URL): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
