import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from '../system/did-you-mean.ts';
import { loadTypeScript } from '../system/load-typescript.ts';
import {
  findNumbered,
  type NumberedFolder,
  readNumberedFolders,
} from '../system/numbered-folders.ts';
import { EXERCISES, GRADER, SOLUTIONS } from '../system/paths.ts';
import { UserError } from '../system/process/user-error.ts';
import type { NumberedRequirement, Requirement } from './requirement.ts';

/** A folder under `exercises/`, with the folders of the same name under `solutions/` and `grader/`. */
export interface Exercise {
  readonly number: number;
  /** The folder's name: `01-order-processing`. */
  readonly folder: string;
  /** The heading of its README, without the number. */
  readonly title: string;
  /** The name of its one file: `orders.ts`. */
  readonly fileName: string;
  /** The name that is shown in commands: `orders`. */
  readonly name: string;
  readonly file: string;
  /** Not there in a handout. */
  readonly solution: string;
  /** The text that `file` begins with, for those who want to begin again. */
  readonly starter: string;
  readonly spec: string;
  readonly requirements: readonly NumberedRequirement[];
  /** What somebody knows who has solved it. */
  readonly learned: string | undefined;
}

/** All exercises, in order, as the folders say. */
export function readExercises(): Exercise[] {
  return readNumberedFolders(EXERCISES).map(readExercise);
}

/**
 * The exercise that `wanted` means: its number (`1`, `01`), its name, or any unmistakable part of its folder's name.
 *
 * @throws UserError when no exercise, or more than one, is meant
 */
export function findExercise(wanted: string): Exercise {
  return findNumbered(wanted, 'exercise', readExercises(), ({ name, fileName, folder }) => [
    name,
    fileName,
    folder,
  ]);
}

/**
 * The exercises that `wanted` means: several with commas between them (`1,2`, `orders,cart`), all when it is undefined.
 *
 * @throws UserError when one of them means no exercise, or more than one
 */
export function findExercises(wanted: string | undefined): Exercise[] {
  const names = wanted?.split(',').map((name) => findExercise(name.trim()).name);
  return readExercises().filter(({ name }) => names?.includes(name) ?? true);
}

/**
 * The requirement of `exercise` with this number, as typed.
 *
 * @throws UserError when the exercise has no such requirement
 */
export function findRequirement(exercise: Exercise, wanted: string): NumberedRequirement {
  const requirement = exercise.requirements[Number(wanted) - 1];
  if (requirement) return requirement;
  const instead = didYouMean(
    wanted,
    exercise.requirements.map(({ number }) => `${number}`),
  );
  throw new UserError(
    `Exercise ${exercise.name} has no requirement '${wanted}'; it has 1 to ${exercise.requirements.length}.${instead && ` ${instead}`}`,
  );
}

function readExercise({ number, name: folder, title }: NumberedFolder): Exercise {
  // The solution's file gives the name: a learner's own may have been moved away. A handout has no solutions.
  const home = existsSync(SOLUTIONS) ? SOLUTIONS : EXERCISES;
  const code = readdirSync(join(home, folder)).filter((file) => file.endsWith('.ts'));
  const [fileName] = code;
  if (!fileName || code.length > 1) {
    throw new UserError(
      `${join(home, folder)} has to hold one .ts file, the exercise's; it holds ${code.join(', ') || 'none'}.`,
    );
  }
  const spec = join(GRADER, folder, 'spec.ts');
  for (const needed of [spec, join(GRADER, folder, 'requirements.ts')]) {
    if (!existsSync(needed)) throw new UserError(`The exercise ${folder} has no ${needed}.`);
  }
  // Not with `import()`: what is asked for is known only now, and a caller should not have to wait.
  const module: { requirements: readonly Requirement[]; learned?: string } = loadTypeScript(
    join(GRADER, folder, 'requirements.ts'),
  );
  return {
    number,
    folder,
    title,
    fileName,
    name: fileName.replace(/\.ts$/, ''),
    file: join(EXERCISES, folder, fileName),
    solution: join(SOLUTIONS, folder, fileName),
    starter: join(GRADER, folder, 'starter.ts'),
    spec,
    requirements: module.requirements.map((one, index) => ({ number: index + 1, ...one })),
    learned: module.learned,
  };
}
