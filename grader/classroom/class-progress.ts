import { colour } from '../../system/terminal/colour.ts';
import { print } from '../../system/terminal/print.ts';
import { cut } from '../../system/terminal/width.ts';
import { type StudentRecord, totalOf } from './student-record.ts';

/** How far a class run has come: a line that is overwritten where somebody looks, else a line for each student. */
export class ClassProgress {
  readonly #of: number;
  readonly #before: number;
  readonly #started = Date.now();
  readonly #active = new Set<string>();
  readonly #live = process.stderr.isTTY === true && !process.env.CI;
  #done: number;

  /** How many have been graded, in this run and before. */
  get done(): number {
    return this.#done;
  }

  /** @param before how many had been graded in an earlier run */
  constructor(of: number, before: number) {
    this.#of = of;
    this.#before = before;
    this.#done = before;
  }

  start(student: string): void {
    this.#active.add(student);
    this.#show();
  }

  finish(record: StudentRecord): void {
    const { student, status, seconds } = record;
    this.#active.delete(student);
    this.#done++;
    if (this.#live) {
      this.#show();
      return;
    }
    const count = `${String(this.#done).padStart(String(this.#of).length)} of ${this.#of}`;
    print(
      `${count}  ${student}: ${status}, ${totalOf(record).points} points, ${seconds.toFixed(1)} s`,
    );
  }

  clear(): void {
    if (this.#live) process.stderr.write('\r\u001b[K');
    else print('');
  }

  #show(): void {
    if (!this.#live) return;
    const names = [...this.#active].join(', ');
    const text = `${this.#done} of ${this.#of}${this.#timeLeft()}   ${names}`;
    process.stderr.write(`\r${colour.dim(cut(text, (process.stderr.columns || 80) - 1))}\u001b[K`);
  }

  #timeLeft(): string {
    const done = this.#done - this.#before;
    if (done === 0) return '';
    const seconds = ((Date.now() - this.#started) / 1000 / done) * (this.#of - this.#done);
    return seconds < 90
      ? `   ${Math.ceil(seconds)} s left`
      : `   ${Math.ceil(seconds / 60)} min left`;
  }
}
