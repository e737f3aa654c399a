import { relative } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { findOrStartServer } from '../../system/redis/find-server.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { print, printGap } from '../../system/terminal/print.ts';
import { nextStep } from '../learner/standing.ts';
import { type Chapter, lessonFiles, type Program } from './chapters.ts';
import { RunningProgram } from './program.ts';
import { loadScene, ScenePlayer } from './scene-player.ts';
import { chooseServer } from './scene-server.ts';

/** Runs one program on this terminal; returns its exit code. Ctrl+C is the normal way to end it. */
export async function runProgram(
  program: Program,
  args: readonly string[],
  lifetime: Lifetime,
): Promise<number> {
  const server = await findOrStartServer(lifetime);
  if (server.kind === 'private') {
    const about =
      `This program has a ${server.name} ${server.version} of its own, which ends with it. To share ` +
      "one between terminals, keep 'npm run redis' running in another one.";
    print(colour.dim(paragraph(about)));
  }
  lifetime.endWithCtrlC();
  const running = new RunningProgram(program.file, { args, url: server.url });
  // Ctrl+C reaches everything on this terminal. Any other signal was meant for us alone, and is passed on.
  lifetime.atEnd(() => running.stop(lifetime.signal.reason === 'SIGINT'));
  const { code, signal } = await running.ended;
  return code ?? (signal === 'SIGINT' ? 0 : 1);
}

/** Plays a chapter's scene, whose title is on the screen already. */
export async function playScene(
  chapter: Chapter,
  live: boolean,
  lifetime: Lifetime,
): Promise<number> {
  const scene = loadScene(chapter);
  const server = await chooseServer(scene, lifetime);
  const player = new ScenePlayer(chapter, server, lifetime, live);
  await scene.default(player);
  if (live) await goOn(player, server.url, lifetime);
  await player.end();
  return 0;
}

/** `--live`: leaves the programs that still run alone, and the server up, until Ctrl+C. */
async function goOn(player: ScenePlayer, url: string, lifetime: Lifetime): Promise<void> {
  printGap();
  player.say(
    player.busy
      ? 'Live: the programs go on. Ctrl+C ends them.'
      : 'Live: nothing goes on by itself here, but the server stays up. Ctrl+C ends it.',
  );
  print(`Look inside from another terminal:  REDIS_URL=${url} npm run cli`);
  lifetime.endWithCtrlC();
  await new Promise(() => {});
}

/** What to do when a scene is over. */
export function printWhatNext(chapter: Chapter): void {
  const { what, command } = nextStep();
  const programs = chapter.programs.map(({ name }) => name).join(', ');
  const [page, ...morePages] = lessonFiles(chapter).map((file) => relative(ROOT, file));
  printGap();
  print(`Read the lesson:    ${page}`);
  for (const file of morePages) print(`        and then:   ${file}`);
  print(`Run a part alone:   npm run chapter ${chapter.number} NAME, where NAME is one of`);
  print(paragraph(programs, ' '.repeat(20)));
  print(`Next:               ${command}   (${what})`);
}
