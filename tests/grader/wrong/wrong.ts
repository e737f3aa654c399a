/**
 * A whole submission with one mistake, as learners make it: told as a change to the solution, so that it stays
 * realistic when the solution changes.
 */
export interface Wrong {
  /** The mistake, in a few words. */
  readonly mistake: string;
  /** What is replaced by what. Each text must be in the solution exactly once. */
  readonly changes: readonly (readonly [text: string, by: string])[];
  /** The requirements that it fails. It passes all others. */
  readonly fails: readonly string[];
}

/** The text of the submission. */
export function writeWrong(solution: string, { mistake, changes }: Wrong): string {
  return changes.reduce((code, [text, by]) => {
    const parts = code.split(text);
    if (parts.length !== 2) {
      throw new Error(`'${mistake}': found ${parts.length - 1} times, not once:\n${text}`);
    }
    return parts.join(by);
  }, solution);
}
