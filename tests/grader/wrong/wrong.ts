/**
 * A whole submission with one mistake, as learners make it: told as a change to a correct one, so that it
 * stays realistic when that one changes.
 */
export interface Wrong {
  /** The correct submission that is changed, under `tests/grader/right`; the solution, if it is not said. */
  readonly base?: string;
  /** The mistake, in a few words. */
  readonly mistake: string;
  /** What is replaced by what. Each text must be there exactly once. */
  readonly changes: readonly (readonly [text: string, by: string])[];
  /** The requirements that it fails. It passes all others. */
  readonly fails: readonly string[];
  /** Those that it fails on some days only: it depends on who is quicker. */
  readonly mayFail?: readonly string[];
}

/** The text of the submission. */
export function writeWrong(correct: string, { mistake, changes }: Wrong): string {
  return changes.reduce((code, [text, by]) => {
    const parts = code.split(text);
    if (parts.length !== 2) {
      throw new Error(`'${mistake}': found ${parts.length - 1} times, not once:\n${text}`);
    }
    return parts.join(by);
  }, correct);
}
