import { type RequirementResult, total } from '../result.ts';
import type { ExerciseRecord, StudentRecord } from './student-record.ts';

/** Which of two gradings of the same student counts. */
export type Keep = 'best' | 'latest';

/** One requirement, graded again. */
export interface Regraded {
  /** The exercise's name. */
  readonly exercise: string;
  readonly result: RequirementResult;
}

/** What stands in the grade book when a student with an earlier record has been graded again. */
export function keepOf(earlier: StudentRecord, now: StudentRecord, keep: Keep): StudentRecord {
  if (keep === 'latest') return now;
  const kept: string[] = [];
  const exercises = now.exercises.map((one) => {
    const old = earlier.exercises.find(({ exercise }) => exercise === one.exercise);
    if (!old || old.points <= one.points) return one;
    kept.push(`${one.exercise}: the earlier result is kept, it is better`);
    return old;
  });
  if (kept.length === 0) return now;
  const isAllEarlier = exercises.every((one) => earlier.exercises.includes(one) || !one.file);
  return {
    ...now,
    status: now.status === 'missing' ? earlier.status : now.status,
    handedIn: isAllEarlier ? earlier.handedIn : now.handedIn,
    notes: [...now.notes, ...kept],
    exercises,
  };
}

/** A student's record with one requirement graded again, and all else as it was. */
export function withRequirement(
  record: StudentRecord,
  { exercise, result }: Regraded,
  keep: Keep,
): StudentRecord {
  const renewed = (one: ExerciseRecord): ExerciseRecord => {
    const results = one.results.map((old) => {
      if (old.requirement.id !== result.requirement.id) return old;
      return keep === 'best' && old.verdict.status === 'passed' ? old : result;
    });
    return { ...one, results, ...total(results) };
  };
  return {
    ...record,
    exercises: record.exercises.map((one) => (one.exercise === exercise ? renewed(one) : one)),
  };
}
