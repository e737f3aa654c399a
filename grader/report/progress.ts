import { colour } from '../../workbook/terminal/colour.ts';
import type { Exercise } from '../catalogue.ts';

/** How far the grading has come: one line that is overwritten, and nothing where no person looks. */
export class Progress {
  readonly #counts = new Map<string, string>();
  readonly #shown = process.stderr.isTTY === true && !process.env.CI;

  show(exercise: Exercise, done: number, of: number): void {
    this.#counts.set(exercise.name, `${exercise.name} ${done}/${of}`);
    if (!this.#shown) return;
    process.stderr.write(`\r${colour.dim([...this.#counts.values()].join('   '))}\u001b[K`);
  }

  clear(): void {
    if (this.#shown && this.#counts.size > 0) process.stderr.write('\r\u001b[K');
  }
}
