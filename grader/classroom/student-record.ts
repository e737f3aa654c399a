import { stripVTControlCharacters } from 'node:util';
import type { Exercise } from '../exercises.ts';
import { type RequirementResult, total } from '../result.ts';
import type { FileResult } from './class-messages.ts';
import type { ClassSubmission } from './find-submission.ts';
import type { Graded } from './grading-process.ts';

/** `missing`: nothing was handed in; `stopped`: not all of it could be graded, and the rest counts as not passed. */
export type StudentStatus = 'graded' | 'missing' | 'stopped';

/** How one student's work came out: what the CSV has a row for. Plain data; written as JSON and read back. */
export interface StudentRecord {
  readonly student: string;
  readonly status: StudentStatus;
  /** When: ISO 8601, UTC. Undefined when nothing was handed in. */
  readonly handedIn?: string | undefined;
  readonly seed: number;
  readonly seconds: number;
  /** Of the files that were graded: another one means that they have changed. */
  readonly digest: string;
  readonly notes: readonly string[];
  readonly exercises: readonly ExerciseRecord[];
}

export interface ExerciseRecord extends FileResult {
  /** Undefined when nothing was handed in for it. */
  readonly file: string | undefined;
  readonly points: number;
  readonly of: number;
}

/** Puts together what is known of a student. What has not passed, for whatever reason, earns nothing and says why. */
export function recordOf(
  { student, files, zipped, refused, instead, handedIn, notes }: ClassSubmission,
  { results: graded, stopped }: Graded,
  exercises: readonly Exercise[],
  about: Pick<StudentRecord, 'seed' | 'seconds' | 'digest'>,
): StudentRecord {
  const records = exercises.map((exercise): ExerciseRecord => {
    const own = graded.find((result) => result.exercise === exercise.name);
    const file = files[exercise.name];
    const refusal = refused[exercise.name];
    const reason = file
      ? (stopped ?? 'it was not graded')
      : ['nothing was handed in', ...instead].join('; ');
    const results = exercise.requirements.map(
      (requirement): RequirementResult =>
        own?.results.find((result) => result.requirement.id === requirement.id) ?? {
          requirement,
          verdict: refusal
            ? { status: 'crashed', happened: refusal }
            : { status: file ? 'timed out' : 'not started', happened: reason },
          milliseconds: 0,
        },
    );
    return {
      exercise: exercise.name,
      file: file && (zipped[exercise.name] ?? file),
      results,
      typeProblems: own?.typeProblems ?? [],
      ...total(results),
    };
  });
  const missing = exercises
    .filter(({ name }) => !files[name] && !refused[name])
    .map(({ fileName }) => fileName);
  const nothing = missing.length === exercises.length;
  return {
    student,
    status: nothing ? 'missing' : stopped ? 'stopped' : 'graded',
    handedIn,
    ...about,
    notes: [
      ...notes,
      ...Object.values(refused),
      ...(missing.length > 0 ? [`no ${missing.join(', ')}`] : []),
      ...instead,
      ...(stopped ? [stopped] : []),
      ...records.flatMap(brokenFile),
    ],
    exercises: records,
  };
}

/** All exercises together. */
export function totalOf({ exercises }: StudentRecord): { points: number; of: number } {
  return total(exercises.flatMap(({ results }) => results));
}

/** A file that cannot be loaded fails everything for one reason, which is worth a note. */
function brokenFile({ exercise, results, file }: ExerciseRecord): string[] {
  const [first] = results;
  const reason = first?.verdict.happened;
  const isBroken =
    file &&
    results.every(({ verdict }) => verdict.status === 'crashed' && verdict.happened === reason);
  return isBroken ? [`${exercise}: ${stripVTControlCharacters(reason?.split('\n')[0] ?? '')}`] : [];
}
