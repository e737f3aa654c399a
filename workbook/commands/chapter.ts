import { relative } from 'node:path';
import { commandArguments } from '../arguments.ts';
import {
  type Chapter,
  findChapter,
  findProgram,
  lessonFile,
  readChapters,
} from '../book/catalogue.ts';
import { runAttached } from '../book/program.ts';
import { loadScene, ScenePlayer } from '../book/scene-player.ts';
import { chooseServer } from '../book/scene-server.ts';
import { ROOT } from '../paths.ts';
import { type Lifetime, runCommand } from '../process/lifetime.ts';
import { useServer } from '../redis/use.ts';
import { chapterList } from '../terminal/chapter-list.ts';
import { print, printGap } from '../terminal/print.ts';
import { colour, paragraph } from '../terminal/style.ts';

const USAGE = [
  'npm run chapter                        the list of chapters',
  'npm run chapter 4                      plays chapter 4',
  'npm run chapter 4 -- --live            ... and goes on until Ctrl+C',
  'npm run chapter 4 consumer alpha       runs one program of it, with its arguments',
];

runCommand(async (lifetime) => {
  const { positionals, has, rest } = commandArguments({
    usage: USAGE,
    flags: ['live'],
    // What follows the program's name is the program's own business.
    restAfter: 2,
  });
  const [wanted, programName] = positionals;
  if (!wanted) {
    print(chapterList(readChapters()));
    return 0;
  }
  const chapter = findChapter(wanted);
  if (programName) return runProgram(chapter, programName, rest, lifetime);
  return playScene(chapter, has('live'), lifetime);
});

async function runProgram(
  chapter: Chapter,
  name: string,
  args: readonly string[],
  lifetime: Lifetime,
): Promise<number> {
  const program = findProgram(chapter, name);
  const server = await useServer(lifetime);
  if (server.kind === 'private') {
    print(
      colour.dim(
        paragraph(
          `This program has a ${server.name} ${server.version} of its own, which ends with it. To share ` +
            "one between terminals, keep 'npm run redis' running in another one.",
        ),
      ),
    );
  }
  lifetime.endWithCtrlC();
  const { code, signal } = await runAttached(program.file, { args, url: server.url }, lifetime);
  return code ?? (signal === 'SIGINT' ? 0 : 1);
}

async function playScene(chapter: Chapter, live: boolean, lifetime: Lifetime): Promise<number> {
  print(colour.bold(`Chapter ${chapter.number}: ${chapter.title}`));
  printGap();

  const scene = loadScene(chapter);
  const server = await chooseServer(scene, lifetime);
  const player = new ScenePlayer(chapter, server, lifetime, live);
  await scene.default(player);
  if (live) await goOn(player, server.url, lifetime);
  await player.end();
  printGap();
  print(whatNext(chapter));
  return 0;
}

/** `--live`: leaves the programs that still run alone, and the server up, until Ctrl+C. */
async function goOn(player: ScenePlayer, url: string, lifetime: Lifetime): Promise<void> {
  player.say(
    player.busy
      ? 'Live: the programs go on. Ctrl+C ends them.'
      : 'Live: nothing goes on by itself here, but the server stays up. Ctrl+C ends it.',
  );
  print(`Look inside from another terminal:  REDIS_URL=${url} npm run cli`);
  lifetime.endWithCtrlC();
  await new Promise(() => {});
}

function whatNext(chapter: Chapter): string {
  const next = readChapters().find(({ number }) => number === chapter.number + 1);
  const programs = chapter.programs.map(({ name }) => name).join(', ');
  const lines = [
    `Read the lesson:    ${relative(ROOT, lessonFile(chapter))}`,
    `Run a part alone:   npm run chapter ${chapter.number} NAME   (${programs})`,
    next
      ? `Next chapter:       npm run chapter ${next.number}   (${next.title})`
      : 'That was the last chapter. The list of all: npm run chapter',
  ];
  return lines.join('\n');
}
