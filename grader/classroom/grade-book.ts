import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import { writeWhole } from '../../system/write-whole.ts';
import { type Exercise, findExercises } from '../exercises.ts';
import { type StudentRecord, totalOf } from './student-record.ts';
import { studentReport } from './student-report.ts';
import { byStudent } from './submissions.ts';

const VERSION = 1;
/** In bytes. File systems grant 255, of which the ending and a draft's ending take some. */
const LONGEST_NAME = 200;

/** What is the same for everybody in a run. */
export interface Run {
  readonly seed: number;
  readonly exercises: readonly Exercise[];
}

interface RunFile {
  readonly version: number;
  readonly seed: number;
  /** Their names. */
  readonly exercises: readonly string[];
}

/** The folder that a class run writes to: `grades.csv`, and for each student a report, as Markdown and as JSON. */
export class GradeBook {
  readonly folder: string;
  readonly run: Run;
  readonly #records = new Map<string, StudentRecord>();

  private constructor(folder: string, run: Run) {
    this.folder = folder;
    this.run = run;
  }

  /** @throws UserError when the folder holds the results of another run, which would be overwritten */
  static begin(folder: string, run: Run): GradeBook {
    if (existsSync(join(folder, 'run.json'))) {
      throw new UserError(
        `${folder} holds the results of an earlier run. To go on with it: --resume\n` +
          'To begin again, name another folder with --out, or remove that one.',
      );
    }
    const book = new GradeBook(folder, run);
    const exercises = run.exercises.map(({ name }) => name);
    const about: RunFile = { version: VERSION, seed: run.seed, exercises };
    book.#write('run.json', `${JSON.stringify(about)}\n`);
    book.#writeCsv();
    return book;
  }

  /**
   * Goes on with a run that was interrupted: with what has been graded by then.
   *
   * @throws UserError when no run has written to this folder
   */
  static resume(folder: string): GradeBook {
    const book = new GradeBook(folder, readRun(folder));
    for (const record of readRecords(folder)) book.#records.set(record.student, record);
    return book;
  }

  get records(): StudentRecord[] {
    return [...this.#records.values()].sort(byStudent);
  }

  /** What is on record of a student, when it was earned by these very files. */
  find(student: string, digest: string): StudentRecord | undefined {
    const record = this.#records.get(student);
    return record?.digest === digest ? record : undefined;
  }

  /** Enters a student. The CSV is whole, and valid, at every moment. */
  enter(record: StudentRecord): void {
    this.#records.set(record.student, record);
    const report = join('students', reportName(record.student));
    this.#write(`${report}.json`, `${JSON.stringify(record, null, 2)}\n`);
    this.#write(`${report}.md`, studentReport(record, this.run.exercises));
    this.#writeCsv();
  }

  #writeCsv(): void {
    const names = this.run.exercises.map(({ name }) => name);
    const rows = this.records.map((record) => {
      const { student, status, exercises, handedIn, seconds, notes } = record;
      const points = names.map((name) => exercises.find((one) => one.exercise === name)?.points);
      const { points: total } = totalOf(record);
      return [student, status, ...points, total, handedIn, seconds.toFixed(1), notes.join('; ')];
    });
    const columns = ['student', 'status', ...names, 'total', 'handed in', 'seconds', 'note'];
    // A name that begins with `=` is a formula to a spreadsheet.
    this.#write('grades.csv', stringify([columns, ...rows], { escape_formulas: true }));
  }

  #write(name: string, text: string): void {
    const path = join(this.folder, name);
    try {
      mkdirSync(join(path, '..'), { recursive: true });
      writeWhole(path, text);
    } catch (error) {
      throw fileSystemTrouble(error, `write ${path}`);
    }
  }
}

/** The student's name, or what of it fits into the name of a file, with something that tells it from others. */
function reportName(student: string): string {
  if (Buffer.byteLength(student) <= LONGEST_NAME) return student;
  const mark = createHash('sha256').update(student).digest('hex').slice(0, 8);
  const signs = [...student];
  while (Buffer.byteLength(signs.join('')) > LONGEST_NAME) signs.pop();
  return `${signs.join('')} ${mark}`;
}

/** The records that a run has left in its folder; half-written files are none. */
export function readRecords(folder: string): StudentRecord[] {
  const students = join(folder, 'students');
  if (!existsSync(students)) return [];
  return readdirSync(students)
    .filter((name) => name.endsWith('.json'))
    .map((name): StudentRecord => JSON.parse(readFileSync(join(students, name), 'utf8')));
}

/** @throws UserError when no run has written to this folder, or one about exercises that are not here */
export function readRun(folder: string): Run {
  const file = join(folder, 'run.json');
  const found = readRunFile(file);
  if (found?.version !== VERSION) {
    throw new UserError(`${folder} holds no results of a class run (there is no ${file}).`);
  }
  return { seed: found.seed, exercises: findExercises(found.exercises.join()) };
}

function readRunFile(file: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // There is none, or it makes no sense.
    return undefined;
  }
}
