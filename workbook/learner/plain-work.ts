import type { Exercise } from '../../grader/catalogue.ts';
import type { Session } from '../../grader/session.ts';
import { gradeOnSave } from '../../grader/watch.ts';
import type { Lifetime } from '../process/lifetime.ts';
import { print } from '../terminal/print.ts';
import { noteResult } from './note-result.ts';
import { readProgress } from './progress.ts';
import { standingOf } from './standing.ts';
import { verdictText } from './work-view.ts';

/**
 * Work mode without a keyboard and a screen: the first requirement that has not passed, in plain lines, whenever the file is
 * saved. What passes is told, and the next one follows.
 */
export async function workPlainly(
  session: Session,
  exercise: Exercise,
  poll: boolean,
  lifetime: Lifetime,
): Promise<void> {
  const seed = Math.floor(Math.random() * 1_000_000);
  const gradeNext = async (): Promise<void> => {
    for (;;) {
      const [current] = standingOf(exercise, readProgress()).open;
      if (!current) {
        print(`All requirements of ${exercise.name} have passed.`);
        return;
      }
      const job = { exercise, file: exercise.file, wanted: [current.number] };
      const [result] = await session.grade([job], seed);
      if (!result) return;
      print(`${verdictText(result, current)}\n`);
      const news = await noteResult(result);
      if (news) print(`${news}\n`);
      if (result.results[0]?.verdict.status !== 'passed') return;
    }
  };
  await gradeOnSave([exercise.file], poll, gradeNext, () => session.warmUp(), lifetime);
}
