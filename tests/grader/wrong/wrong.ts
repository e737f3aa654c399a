import { type Change, changed } from '../../support/base.ts';

/** A whole submission with one mistake, as learners make it: told as a change to a correct one. */
export interface Wrong {
  /** The correct submission that is changed, under `tests/grader/right`; the one in `base`, if it is not said. */
  readonly base?: string;
  /** The mistake, in a few words. */
  readonly mistake: string;
  /** Functions that do something else: their new bodies, by their names. */
  readonly bodies?: Readonly<Record<string, string>>;
  readonly changes?: readonly Change[];
  /** The requirements that it fails. It passes all others. */
  readonly fails: readonly string[];
  /** Those that it fails on some days only: it depends on who is quicker. */
  readonly mayFail?: readonly string[];
}

/** The text of the submission. */
export function writeWrong(correct: string, { bodies = {}, changes = [] }: Wrong): string {
  const functions = Object.entries(bodies).map(([name, body]): Change => {
    const [old, head] = functionNamed(name).exec(correct) ?? [];
    if (!old) throw new Error(`there is no function ${name}`);
    return [old, `${head}${body}}`];
  });
  return changed(correct, ...functions, ...changes);
}

/** It ends at the first brace that stands at the beginning of a line; its head is in the first group. */
function functionNamed(name: string): RegExp {
  return new RegExp(`(function ${name}\\(.*?\\{)\\n.*?^\\}$`, 'ms');
}
