import type { Exercise } from '../../exercises.ts';
import type { NumberedRequirement, Verdict } from '../../requirement.ts';
import type { StudentRecord } from '../student-record.ts';

/** How a class did in one requirement. */
export interface Gap {
  readonly exercise: Exercise;
  readonly requirement: NumberedRequirement;
  /** How many have handed in the exercise, and how many of them have got it. */
  readonly handedIn: number;
  readonly passed: number;
  /** What went wrong most often, as it was told to one of them, and to how many. */
  readonly mostOften: { readonly words: string; readonly count: number } | undefined;
}

/** Every requirement, what fewest have got first; those that nobody has handed in anything for are left out. */
export function gapsOf(
  records: readonly StudentRecord[],
  exercises: readonly Exercise[],
): readonly Gap[] {
  const gaps = exercises.flatMap((exercise) => {
    const handedIn = records.flatMap(({ exercises: own }) => {
      const one = own.find((record) => record.exercise === exercise.name);
      return one?.file ? [one] : [];
    });
    return exercise.requirements.map((requirement): Gap => {
      const verdicts = handedIn.flatMap(({ results }) => {
        const result = results.find((one) => one.requirement.id === requirement.id);
        return result ? [result.verdict] : [];
      });
      const failed = verdicts.filter(({ status }) => status !== 'passed');
      return {
        exercise,
        requirement,
        handedIn: handedIn.length,
        passed: verdicts.length - failed.length,
        mostOften: mostOften(failed),
      };
    });
  });
  const share = ({ passed, handedIn }: Gap) => passed / handedIn;
  return gaps.filter(({ handedIn }) => handedIn > 0).sort((a, b) => share(a) - share(b));
}

function mostOften(failed: readonly Verdict[]): Gap['mostOften'] {
  const kinds = new Map<string, { words: string; count: number }>();
  for (const verdict of failed) {
    const words = inWords(verdict);
    // The same failure names another entry, and other numbers, in every run.
    const kind = words.replaceAll(/\d+/g, '#');
    const known = kinds.get(kind);
    if (known) known.count++;
    else kinds.set(kind, { words, count: 1 });
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count)[0];
}

function inWords({ status, happened }: Verdict): string {
  const [line = ''] = happened?.split('\n') ?? [];
  if (!line || status === 'not started') return status;
  return status === 'failed' ? line : `${status}: ${line}`;
}
