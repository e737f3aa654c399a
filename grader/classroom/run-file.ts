import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../system/process/user-error.ts';
import { type Exercise, findExercises } from '../exercises.ts';

const VERSION = 1;
export const RUN_FILE = 'run.json';

/** What is the same for everybody in a run. */
export interface Run {
  readonly seed: number;
  readonly exercises: readonly Exercise[];
  /** When the work was due: ISO 8601, UTC. */
  readonly due?: string | undefined;
}

/** `run.json` */
interface RunFile {
  readonly version: number;
  readonly seed: number;
  /** Their names. */
  readonly exercises: readonly string[];
  readonly due?: string | undefined;
}

export function runFile({ seed, exercises, due }: Run): string {
  const names = exercises.map(({ name }) => name);
  const file: RunFile = { version: VERSION, seed, exercises: names, due };
  return `${JSON.stringify(file)}\n`;
}

/** @throws UserError when no run has written to this folder, or one about exercises that are not here */
export function readRun(folder: string): Run {
  const file = join(folder, RUN_FILE);
  const found = readFile(file);
  if (found?.version !== VERSION) {
    throw new UserError(`${folder} holds no results of a class run (there is no ${file}).`);
  }
  return { seed: found.seed, exercises: findExercises(found.exercises.join()), due: found.due };
}

export function hasRun(folder: string): boolean {
  return readFile(join(folder, RUN_FILE)) !== undefined;
}

/** The names of its exercises, for people. */
export function namesOf({ exercises }: Pick<Run, 'exercises'>): string {
  return exercises.map(({ name }) => name).join(', ');
}

function readFile(file: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // There is none, or it makes no sense.
    return undefined;
  }
}
