import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Exercise } from '../exercises.ts';
import type { RequirementResult } from '../result.ts';
import type { StudentRecord } from './student-record.ts';

/** In bytes. File systems grant 255, of which the ending and a draft's ending take some. */
const LONGEST_NAME = 200;
/** What is said of a failure in a sentence. */
const LONGEST_SAID = 400;
const DRAFT = /\.(\d+)\.new$/;

/** What a folder of results has on its students. */
export interface Records {
  readonly records: readonly StudentRecord[];
  /** Files that make no sense: a disk that filled up, a machine that lost its power. Their students are graded again. */
  readonly damaged: readonly string[];
}

/** The records that runs have left in a folder, without the details: a class of hundreds is kept in memory. */
export function readRecords(folder: string, exercises: readonly Exercise[]): Records {
  const records: StudentRecord[] = [];
  const damaged: string[] = [];
  for (const file of recordFiles(folder)) {
    const record = readRecord(file);
    if (record) records.push(withoutDetails(record, exercises));
    else damaged.push(file);
  }
  return { records, damaged };
}

/** Every record of a folder in full, one at a time. Damaged ones are left out. */
export function* fullRecords(folder: string): Generator<StudentRecord> {
  for (const file of recordFiles(folder)) {
    const record = readRecord(file);
    if (record) yield record;
  }
}

/** One record in full; undefined when there is none, or when it makes no sense. */
export function readRecord(file: string): StudentRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What our own file must hold to be whole: it was written at once, so that the first and last fields speak for the others. */
function isRecord(value: unknown): value is StudentRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'student' in value &&
    typeof value.student === 'string' &&
    'exercises' in value &&
    Array.isArray(value.exercises)
  );
}

function recordFiles(folder: string): string[] {
  const students = join(folder, 'students');
  if (!existsSync(students)) return [];
  const names = readdirSync(students).filter((name) => name.endsWith('.json'));
  return names.map((name) => join(students, name));
}

/** What is told of a student in a row, on the page and in the summary: how each requirement came out, in a sentence. */
export function withoutDetails(
  record: StudentRecord,
  exercises: readonly Exercise[],
): StudentRecord {
  const known = exercises.flatMap(({ requirements }) => requirements);
  const short = ({ requirement, verdict, milliseconds }: RequirementResult): RequirementResult => ({
    requirement:
      known.find(({ id, title }) => id === requirement.id && title === requirement.title) ??
      requirement,
    verdict: { status: verdict.status, happened: verdict.happened?.slice(0, LONGEST_SAID) },
    milliseconds,
  });
  return {
    ...record,
    exercises: record.exercises.map((one) => ({
      ...one,
      typeProblems: [],
      results: one.results.map(short),
    })),
  };
}

/** Removes what a run that was killed had begun to write. Another run may be writing still. */
export function removeDrafts(folder: string): void {
  for (const place of [folder, join(folder, 'students')]) {
    for (const name of existsSync(place) ? readdirSync(place) : []) {
      const [, pid] = DRAFT.exec(name) ?? [];
      if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(place, name), { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The student's name, or what of it fits into the name of a file, with something that tells it from others. */
export function reportName(student: string): string {
  if (Buffer.byteLength(student) <= LONGEST_NAME) return student;
  const mark = createHash('sha256').update(student).digest('hex').slice(0, 8);
  const signs = [...student];
  while (Buffer.byteLength(signs.join('')) > LONGEST_NAME) signs.pop();
  return `${signs.join('')} ${mark}`;
}
