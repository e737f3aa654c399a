import { didYouMean } from '../../system/did-you-mean.ts';
import { UserError } from '../../system/process/user-error.ts';
import { findExercise, findExercises, findRequirement } from '../exercises.ts';
import type { ClassArguments, ClassOptions } from './class-options.ts';
import type { ClassSubmission } from './find-submission.ts';
import type { OneRequirement } from './grade-student.ts';
import { hasRun, namesOf, type Run, readRun } from './run-file.ts';

/** What a run is about, and the one requirement of it that is to be graded again. */
export interface Plan {
  readonly run: Run;
  /** Whether it has begun: there are results to be gone on with. */
  readonly hasBegun: boolean;
  readonly only: OneRequirement | undefined;
}

/**
 * What is to be graded: the rest of a run that has results already, a part of it again, or all of a new one.
 *
 * @throws UserError when what was typed is not what the results are about
 */
export function planOf(typed: ClassArguments, { out, due }: ClassOptions): Plan {
  if (goesOn(typed, out)) return { hasBegun: true, ...runToGoOnWith(readRun(out), typed, out) };
  const exercises = findExercises(typed.wanted);
  return { run: { seed: typed.seed, exercises, due }, hasBegun: false, only: undefined };
}

/** Whether the results that are there are to be gone on with. */
function goesOn({ has, value, requirement }: ClassArguments, out: string): boolean {
  if (has('resume')) return true;
  if (requirement !== undefined && !hasRun(out)) {
    throw new UserError(
      `${out} holds no results of a class run. One requirement alone is graded into results that are there: grade the class first, or name their folder with --out.`,
    );
  }
  return requirement !== undefined || (value('student') !== undefined && hasRun(out));
}

/** @throws UserError when what was typed is not what the results are about */
function runToGoOnWith(run: Run, typed: ClassArguments, out: string): Omit<Plan, 'hasBegun'> {
  const { wanted, requirement, seed, hasSeed } = typed;
  if (hasSeed && seed !== run.seed) {
    throw new UserError(
      `${out} was graded with the seed ${run.seed}, and so is the rest of it. For another seed, name another folder with --out.`,
    );
  }
  if (wanted !== undefined && requirement !== undefined) {
    const exercise = findExercise(wanted);
    const only = { exercise, requirement: findRequirement(exercise, requirement) };
    if (run.exercises.some(({ name }) => name === exercise.name)) return { run, only };
  } else if (
    wanted === undefined ||
    namesOf({ exercises: findExercises(wanted) }) === namesOf(run)
  ) {
    return { run, only: undefined };
  }
  throw new UserError(
    `${out} holds the results of a run about ${namesOf(run)}, which --resume goes on with. For ${wanted}, name another folder with --out.`,
  );
}

/**
 * The student that `wanted` means: the whole name, or any unmistakable part of it.
 *
 * @throws UserError when nobody is meant, or more than one
 */
export function findStudent(all: readonly ClassSubmission[], wanted: string): string {
  const names = all.map(({ student }) => student);
  if (names.includes(wanted)) return wanted;
  const found = names.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  throw new UserError(
    only === undefined
      ? `There is no student '${wanted}' in this class. ${didYouMean(wanted, names)}`.trim()
      : `'${wanted}' could be ${found.slice(0, 5).join(' or ')}.`,
  );
}

/** Every so many-th student: of `2/4`, the second quarter, and the same in every run. */
export function shardOf<Submission>(
  all: readonly Submission[],
  { number, count }: ClassOptions['shard'],
): readonly Submission[] {
  return all.filter((_, index) => index % count === number - 1);
}
