import { colour } from '../../system/terminal/colour.ts';
import type { Exercise } from '../exercises.ts';

/** How far the grading has come: one line that is overwritten, and nothing where no person looks. */
export class GradingProgress {
  readonly #counts = new Map<string, { readonly done: number; readonly of: number }>();
  readonly #shown = process.stderr.isTTY === true && !process.env.CI;

  /** One more requirement of an exercise has been checked, of so many. */
  count({ name }: Exercise, of: number): void {
    this.#counts.set(name, { done: (this.#counts.get(name)?.done ?? 0) + 1, of });
    if (!this.#shown) return;
    const text = [...this.#counts]
      .map(([exercise, { done, of }]) => `${exercise} ${done}/${of}`)
      .join('   ');
    process.stderr.write(`\r${colour.dim(text)}\u001b[K`);
  }

  clear(): void {
    if (this.#shown && this.#counts.size > 0) process.stderr.write('\r\u001b[K');
  }
}
