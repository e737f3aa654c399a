// Grades one student after the other, for a class run, which starts it (launch-worker.cjs) and tells it what to do.
import { once } from 'node:events';
import { createBirpc } from 'birpc';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { readExercises } from '../exercises.ts';
import { type Job, Session } from '../session.ts';
import {
  type FileResult,
  type GradingTask,
  lineChannel,
  type WorkerEvents,
  type WorkerFunctions,
} from './class-messages.ts';
import { chooseIsolation } from './isolation/choose-isolation.ts';
import { readWall } from './isolation/walls.ts';

const HOSTS_FOR_THE_NEXT = 3;

export const command: Command = async (lifetime, [atOnce, wall]) => {
  if (process.stdin.isTTY)
    throw new UserError('This is a part of: npm run grade -- --class FOLDER');
  // Submissions may run as somebody else, who has to read what is made for them here. Around it is a folder that is shut.
  process.umask(0o022);
  const session = await Session.open(lifetime, {
    atOnce: Number(atOnce),
    isolate: (folder) => chooseIsolation(folder, readWall(wall)),
  });
  const exercises = readExercises();

  const grade = async ({ files, seed, only }: GradingTask): Promise<FileResult[]> => {
    const jobs = exercises.flatMap((exercise): Job[] => {
      const file = files[exercise.name];
      const wanted = exercise.requirements.filter(({ id }) => id === (only ?? id));
      return file ? [{ exercise, file, wanted }] : [];
    });
    const graded = await session.grade(jobs, seed, ({ exercise }, result) => {
      void parent.settled(exercise.name, result);
    });
    await session.sweep();
    // The next student's code begins in processes in which nobody else's has been.
    void session.warmUp(HOSTS_FOR_THE_NEXT);
    return graded.map(({ exercise, ...result }) => ({ ...result, exercise: exercise.name }));
  };

  const parent = createBirpc<WorkerEvents, WorkerFunctions>(
    { grade },
    { ...lineChannel(process.stdin, process.stdout), eventNames: ['settled'], timeout: -1 },
  );
  await once(process.stdin, 'end');
  return 0;
};
