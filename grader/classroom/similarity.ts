import { existsSync, readFileSync } from 'node:fs';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import { padded } from '../../system/terminal/width.ts';
import type { Exercise } from '../exercises.ts';
import { plainCode } from '../supervisor/plain-code.ts';
import type { ClassSubmission } from './find-submission.ts';
import { chooseIsolation } from './isolation/choose-isolation.ts';

/** So many tokens in a row count as one thing that two files can have in common. */
const TOKENS = 12;
/** From here on, two files are worth a look by a human. */
const ALIKE = 0.5;
/** Fewer of these, after the starter's are taken away, say nothing. */
const FEWEST = 60;
const TOKEN = /[A-Za-z_$][\w$]*|\d[\w.]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[^\s\w]/g;

/**
 * The files for each exercise of which more is alike than two people come to by themselves, the most alike first, as lines; or
 * that there are none.
 */
export async function describePairs(
  submissions: readonly ClassSubmission[],
  exercises: readonly Exercise[],
): Promise<string> {
  const pairs: { exercise: string; students: string; share: number }[] = [];
  for (const exercise of exercises) {
    const prints: { student: string; print: ReadonlySet<string> }[] = [];
    for (const { student, files } of submissions) {
      const file = files[exercise.name];
      if (!file) continue;
      const print = await fingerprint(file, exercise);
      for (const other of prints) {
        const share = alike(print, other.print);
        const students = `${other.student} and ${student}`;
        if (share >= ALIKE) pairs.push({ exercise: exercise.name, students, share });
      }
      prints.push({ student, print });
    }
  }
  if (pairs.length === 0) return 'No two submissions are alike.';
  pairs.sort((a, b) => b.share - a.share);
  const lines = pairs.map(
    ({ exercise, students, share }) =>
      `  ${padded(exercise, 14)} ${percent(share).padStart(5)}  ${students}`,
  );
  return ['Alike, and worth a look. It proves nothing:', ...lines].join('\n');
}

/** Whether a submission is the solution, or imports it: for the note. It costs nothing. */
export async function copiesSolution(
  { files }: ClassSubmission,
  exercises: readonly Exercise[],
): Promise<string[]> {
  const notes: string[] = [];
  for (const exercise of exercises) {
    const file = files[exercise.name];
    if (!file) continue;
    if (/['"][^'"\n]*\bsolutions\/[^'"\n]*['"]/.test(readFileSync(file, 'utf8'))) {
      notes.push(`${exercise.fileName} names the solutions`);
    }
    if (!existsSync(exercise.solution)) continue;
    const own = await fingerprint(file, exercise);
    const share = alike(own, await fingerprint(exercise.solution, exercise));
    if (share >= ALIKE) notes.push(`${exercise.fileName} is like the solution (${percent(share)})`);
  }
  return notes;
}

/** What two files have in common, as a share between 0 and 1 of the smaller one. */
function alike(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const fewer = Math.min(one.size, other.size);
  if (fewer < FEWEST) return 0;
  let common = 0;
  for (const run of one) if (other.has(run)) common++;
  return common / fewer;
}

/**
 * What a file is made of, whatever its author has called things, and however it is laid out: every run of so many tokens,
 * without comments and types, names replaced, and without what the starter has, too.
 *
 * The method is that of Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting" (2003),
 * without the winnowing: these files are small.
 */
async function fingerprint(file: string, exercise: Exercise): Promise<ReadonlySet<string>> {
  const runs = new Set(await (file === exercise.solution ? knownRuns(file) : readRuns(file)));
  for (const run of await knownRuns(exercise.starter)) runs.delete(run);
  return runs;
}

const known = new Map<string, Promise<ReadonlySet<string>>>();

/** Starters and solutions are read once: each is compared with many. What students have written is not kept. */
function knownRuns(file: string): Promise<ReadonlySet<string>> {
  const runs = known.get(file) ?? readRuns(file);
  known.set(file, runs);
  return runs;
}

/** Where strangers' files are taken apart. */
let place: ReturnType<typeof openPlace> | undefined;

async function openPlace() {
  const { path: folder } = temporaryFolder('redis-streams-compare-');
  return { folder, isolation: await chooseIsolation(folder) };
}

async function readRuns(file: string): Promise<ReadonlySet<string>> {
  place ??= openPlace();
  const { folder, isolation } = await place;
  // What does not even parse is like nothing.
  const code = await plainCode(readFileSync(file, 'utf8'), folder, isolation);
  const tokens = (code.match(TOKEN) ?? []).map((token, index, all) =>
    // A method's name says what is done; a variable's says nothing.
    /^[A-Za-z_$]/.test(token) && all[index - 1] !== '.' ? 'name' : token,
  );
  const runs = new Set<string>();
  for (let start = 0; start + TOKENS <= tokens.length; start++) {
    runs.add(tokens.slice(start, start + TOKENS).join(' '));
  }
  return runs;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
