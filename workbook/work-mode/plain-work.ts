import type { Exercise } from '../../grader/exercises.ts';
import { allPassed } from '../../grader/result.ts';
import type { Session } from '../../grader/session.ts';
import { shownPath } from '../../system/paths.ts';
import { print } from '../../system/terminal/print.ts';
import { noteResult } from '../learner/note-result.ts';
import { readProgress } from '../learner/progress-file.ts';
import { nextStep, standingOf } from '../learner/standing.ts';
import { verdictText } from './work-view.ts';

/**
 * Work mode without a keyboard and a screen: requirements are graded, one after the other, up to the first that fails; then all
 * of them together. What came out is told in plain lines, and what to do next; then it is over.
 *
 * @returns whether the exercise is solved
 */
export async function workPlainly(session: Session, exercise: Exercise): Promise<boolean> {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { requirements } = exercise;
  const open = [...standingOf(exercise, readProgress()).open];
  for (;;) {
    const current = open.shift();
    const wanted = current ? [current] : requirements;
    const [result] = await session.grade([{ exercise, file: exercise.file, wanted }], seed);
    if (!result) return false;
    const news = await noteResult(result);
    const failed = result.results.find(({ verdict }) => verdict.status !== 'passed');
    const shown = failed?.requirement ?? current;
    if (shown) print(`${verdictText(result, shown, false)}\n`);
    if (news && !current) print(`${news}\n`);
    if (!allPassed([result])) {
      print(
        `Without a terminal, work mode ends here. Mend ${shownPath(exercise.file)}, then type again: npm run learn ${exercise.name}`,
      );
      return false;
    }
    if (!current) break;
  }
  const next = nextStep();
  print(`${exercise.name} is solved. ${next.what}: ${next.command}`);
  return true;
}
