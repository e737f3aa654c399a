import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from './recorded.ts';

const PATIENCE_MS = 4000;
/** On a busy machine a look takes longer, and so does what one is waiting for. */
const FEWEST_LOOKS = 80;
const FIRST_LOOK_MS = 2;
const SLOWEST_LOOK_MS = 40;

/** What a failure is about: the report then shows the commands and the moments that have to do with it, and no others. */
export interface About {
  /** Ids of entries. Of the first, the report says where it is: who holds it, and what became of its holder. */
  readonly entries?: readonly string[];
  /** The group that these entries are of, where the same ids may be in several. */
  readonly group?: { readonly stream: string; readonly name: string };
  readonly keys?: readonly string[];
  /** Names of workers. */
  readonly workers?: readonly string[];
  /** The command that should not have been sent, or not then: one of `trial.commands()`. */
  readonly command?: Recorded | undefined;
}

/** A requirement is not met. Both texts are for a learner who does not know how the grader works. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
  readonly expected: string;
  readonly happened: string;
  readonly about: About;

  constructor(expected: string, happened: string, about: About = {}) {
    super(`expected ${expected}; ${happened}`);
    this.expected = expected;
    this.happened = happened;
    this.about = about;
  }
}

/** What was expected, and what happened instead: put into words only when it is needed. */
export interface Wording {
  readonly expected: string;
  readonly happened: string | (() => string | Promise<string>);
  readonly about?: About | (() => About | Promise<About>);
}

/** @throws Unmet unless `condition` holds */
export function expectThat(
  condition: boolean,
  wording: Wording & { happened: string; about?: About },
): asserts condition {
  if (!condition) throw new Unmet(wording.expected, wording.happened, wording.about);
}

/**
 * Waits until `probe` returns something that is neither false nor undefined, and returns that.
 *
 * @param progress a number that changes while things go on: only when it stands still does the time run out
 * @throws Unmet when it has not come about within some seconds
 */
export async function eventually<Result>(
  probe: () => Result | Promise<Result>,
  { expected, happened, about }: Wording,
  progress: () => number = () => 0,
): Promise<Exclude<Result, false | undefined>> {
  let deadline = performance.now() + PATIENCE_MS;
  let reached = progress();
  let pause = FIRST_LOOK_MS;
  for (let looks = 1; ; looks++) {
    const late = performance.now() > deadline && looks > FEWEST_LOOKS;
    const result = await probe();
    if (isThere(result)) return result;
    if (progress() !== reached) {
      reached = progress();
      deadline = performance.now() + PATIENCE_MS;
    } else if (late) throw new Unmet(expected, await saidNow(happened), await saidNow(about));
    await sleep(pause);
    pause = Math.min(pause * 1.5, SLOWEST_LOOK_MS);
  }
}

/** What is said, or what is worked out only when it has to be said. */
export function saidNow<Said extends string | About | undefined>(
  said: Said | (() => Said | Promise<Said>),
): Said | Promise<Said> {
  return typeof said === 'function' ? said() : said;
}

function isThere<Result>(result: Result): result is Exclude<Result, false | undefined> {
  return result !== false && result !== undefined;
}
