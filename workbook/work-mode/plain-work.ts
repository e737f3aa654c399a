import type { Exercise } from '../../grader/exercises.ts';
import { allPassed } from '../../grader/result.ts';
import type { Session } from '../../grader/session.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { print } from '../../system/terminal/print.ts';
import { noteResult } from '../learner/note-result.ts';
import { readProgress } from '../learner/progress-file.ts';
import { standingOf } from '../learner/standing.ts';
import { gradeOnSave } from './grade-on-save.ts';
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
      const { open, solved } = standingOf(exercise, readProgress());
      const [current] = open;
      if (solved) {
        print(`${exercise.name} is solved. Next: npm run learn`);
        return;
      }
      // When each has passed by itself, all of them once more.
      const wanted = current ? [current] : exercise.requirements;
      const [result] = await session.grade([{ exercise, file: exercise.file, wanted }], seed);
      if (!result) return;
      const news = await noteResult(result);
      if (current) print(`${verdictText(result, current)}\n`);
      if (news) print(`${news}\n`);
      if (!allPassed([result])) return;
      // What cannot be noted, on a full disk for example, would be graded for ever.
      const [next] = standingOf(exercise, readProgress()).open;
      if (current && next?.number === current.number) return;
    }
  };
  await gradeOnSave([exercise.file], poll, gradeNext, () => session.warmUp(), lifetime);
}
