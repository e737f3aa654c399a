// Grades many files in one go, for tests: one line of JSON on standard input, `{ exercise, jobs: [{ file, wanted }] }`; the results as
// JSON on standard output, as `--json` writes them.
import { text } from 'node:stream/consumers';
import { toJson } from '../../grader/classroom/results/json.ts';
import { findExercise } from '../../grader/exercises.ts';
import { Session } from '../../grader/session.ts';
import { runCommand } from '../../system/process/lifetime.ts';

const AT_ONCE = 8;

runCommand(async (lifetime) => {
  const { exercise: name, jobs: asked } = JSON.parse(await text(process.stdin));
  const exercise = findExercise(name);
  const session = await Session.open(lifetime, { atOnce: AT_ONCE });
  const jobs = asked.map(({ file, wanted }: { file: string; wanted: number[] }) => ({
    exercise,
    file,
    wanted: exercise.requirements.filter(({ number }) => wanted.includes(number)),
  }));
  process.stdout.write(toJson(await session.grade(jobs, 1), 1));
  return 0;
}, []);
