import { type Exercise, readExercises } from '../../grader/exercises.ts';
import type { NumberedRequirement } from '../../grader/requirement.ts';
import { type Chapter, readChapters } from '../book/chapters.ts';
import { isUntouched } from './backups.ts';
import { type Progress, progressOf, readProgress } from './progress-file.ts';

/** Where a learner stands with one exercise, as of the last grading. */
export interface Standing {
  readonly exercise: Exercise;
  readonly passed: readonly NumberedRequirement[];
  readonly open: readonly NumberedRequirement[];
  readonly points: number;
  readonly of: number;
  readonly hints: number;
  /** All have passed, and together: in one grading of one file. */
  readonly solved: boolean;
}

/** What to do next, and the command that does it. */
export interface Suggestion {
  readonly what: string;
  readonly command: string;
}

export function readStandings(progress: Progress): Standing[] {
  return readExercises().map((exercise) => standingOf(exercise, progress));
}

export function standingOf(exercise: Exercise, progress: Progress): Standing {
  const known = progressOf(progress, exercise.name);
  const all = exercise.requirements;
  const passed = all.filter(({ id }) => known.passed[id] === true);
  const open = all.filter((one) => !passed.includes(one));
  return {
    exercise,
    passed,
    open,
    points: sumOfPoints(passed),
    of: sumOfPoints(all),
    hints: all.reduce((sum, { id }) => sum + (known.hints[id] ?? 0), 0),
    solved: known.solved && open.length === 0,
  };
}

/**
 * What to do next, as things stand: everything that says so asks here. What has been begun comes first; then the chapters that
 * the next exercise builds on, in their order; then that exercise.
 */
export function nextStep(
  progress = readProgress(),
  standings: readonly Standing[] = readStandings(progress),
): Suggestion {
  const begun = standings.find(
    ({ exercise, passed, solved }) => !solved && (passed.length > 0 || !isUntouched(exercise)),
  );
  if (begun) {
    const [next] = begun.open;
    const { number, title, name } = begun.exercise;
    if (!next) {
      return { what: `Grade exercise ${number} as a whole`, command: `npm run grade ${name}` };
    }
    const what = `Go on with exercise ${number}, ${title}, at requirement ${next.number}`;
    return { what, command: `npm run learn ${name}` };
  }
  const unplayed = readChapters().find(({ number }) => !progress.chapters.includes(number));
  const unsolved = standings.find(({ solved }) => !solved);
  if (unplayed && (!unsolved || buildsOn(unsolved.exercise, unplayed))) {
    const { number, title } = unplayed;
    return { what: `Play chapter ${number}, ${title}`, command: `npm run chapter ${number}` };
  }
  if (unsolved) {
    const { number, title, name } = unsolved.exercise;
    return { what: `Begin exercise ${number}, ${title}`, command: `npm run learn ${name}` };
  }
  const command = `npm run diff ${standings[0]?.exercise.name}`;
  return { what: 'All is done. Compare with the solutions', command };
}

function buildsOn(exercise: Exercise, chapter: Chapter): boolean {
  return exercise.requirements.some(({ lesson }) => lesson.chapter >= chapter.number);
}

function sumOfPoints(requirements: readonly NumberedRequirement[]): number {
  return requirements.reduce((sum, { points }) => sum + points, 0);
}
