import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import { writeWhole } from '../../system/write-whole.ts';
import { ClassLog } from './class-log.ts';
import {
  readRecord,
  readRecords,
  removeDrafts,
  reportName,
  withoutDetails,
} from './class-records.ts';
import { minutesLate } from './due.ts';
import { hasRun, namesOf, RUN_FILE, type Run, readRun, runFile } from './run-file.ts';
import { type StudentRecord, totalOf } from './student-record.ts';
import { studentReport } from './student-report.ts';
import { byStudent } from './submissions.ts';

/**
 * The folder that a class run writes to: `grades.csv`, a log, and for each student a report, as Markdown and as JSON. Every file
 * is whole at every moment, and a student's JSON is written last: who has one, has all.
 */
export class GradeBook {
  readonly folder: string;
  readonly run: Run;
  readonly log: ClassLog;
  readonly #records = new Map<string, StudentRecord>();

  private constructor(folder: string, run: Run) {
    this.folder = folder;
    this.run = run;
    this.log = new ClassLog(folder);
  }

  /** @throws UserError when the folder holds the results of another run, which would be overwritten */
  static begin(folder: string, run: Run): GradeBook {
    if (hasRun(folder)) {
      throw new UserError(
        `${folder} holds the results of an earlier run. To go on with it: --resume\n` +
          'To begin again, name another folder with --out, or remove that one.',
      );
    }
    const book = new GradeBook(folder, run);
    removeDrafts(folder);
    book.#write(RUN_FILE, runFile(run));
    book.#writeCsv();
    book.log.add(`begun: ${namesOf(run)}, seed ${run.seed}`);
    return book;
  }

  /**
   * Goes on with a run that was interrupted, or is over: with what has been graded by then.
   *
   * @param due another time than the one on record
   * @throws UserError when no run has written to this folder
   */
  static resume(folder: string, due?: string): GradeBook {
    const earlier = readRun(folder);
    const run = due === undefined ? earlier : { ...earlier, due };
    const book = new GradeBook(folder, run);
    removeDrafts(folder);
    const { records, damaged } = readRecords(folder, run.exercises);
    for (const record of records) book.#records.set(record.student, record);
    if (due !== earlier.due) book.#write(RUN_FILE, runFile(run));
    // It may be a student behind.
    book.#writeCsv();
    book.log.add(`gone on: ${namesOf(run)}, ${records.length} have been graded`);
    for (const file of damaged) book.log.add(`damaged, and graded again: ${file}`);
    return book;
  }

  /** Everybody on record, in the order of a class, without the details of the failures. */
  get records(): StudentRecord[] {
    return [...this.#records.values()].sort(byStudent);
  }

  /** What is on record of a student, when it was earned by these very files. */
  find(student: string, digest: string): StudentRecord | undefined {
    const record = this.#records.get(student);
    return record?.digest === digest ? record : undefined;
  }

  /** What is on record of a student, in full. */
  read(student: string): StudentRecord | undefined {
    return readRecord(join(this.folder, this.#report(student, 'json')));
  }

  /** Enters a student. */
  enter(record: StudentRecord): void {
    const { student, status, seconds } = record;
    this.#write(this.#report(student, 'md'), studentReport(record, this.run.exercises));
    this.#write(this.#report(student, 'json'), `${JSON.stringify(record, null, 2)}\n`);
    this.#records.set(student, withoutDetails(record, this.run.exercises));
    this.#writeCsv();
    const { points, of } = totalOf(record);
    this.log.add(`${student}: ${status}, ${points} of ${of} points, ${seconds.toFixed(1)} s`);
  }

  #report(student: string, ending: string): string {
    return join('students', `${reportName(student)}.${ending}`);
  }

  #writeCsv(): void {
    const { due, exercises } = this.run;
    const names = exercises.map(({ name }) => name);
    const rows = this.records.map((record) => {
      const { student, status, handedIn, seconds, notes } = record;
      const points = names.map(
        (name) => record.exercises.find((one) => one.exercise === name)?.points,
      );
      const late = due === undefined ? [] : [minutesLate(handedIn, due)];
      return [
        ...[student, status, ...points, totalOf(record).points, handedIn, ...late],
        ...[seconds.toFixed(1), notes.join('; ')],
      ];
    });
    const late = due === undefined ? [] : ['minutes late'];
    const columns = [
      'student',
      'status',
      ...names,
      'total',
      'handed in',
      ...late,
      'seconds',
      'note',
    ];
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
