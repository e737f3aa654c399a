import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readExercises } from '../../grader/exercises.ts';
import { readChapters } from '../../workbook/book/chapters.ts';
import { type Entry, readEntries } from '../../workbook/menu/menu-entries.ts';
import { expectNothingLeft } from '../support/expectations.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 90_000 };

/** Not the first time: nobody needs the welcome. */
function notTheFirstTime(bench: Bench): void {
  mkdirSync(bench.state, { recursive: true });
  writeFileSync(
    join(bench.state, 'progress.json'),
    '{"version": 1, "chapters": [1, 2], "exercises": {}}',
  );
}

/** The line of the list that Enter would choose; nothing while the list is not drawn to its end. */
function marked({ lines }: Terminal): string {
  const isWhole = lines.findLast((line) => line !== '')?.startsWith('└');
  return (isWhole && lines.findLast((line) => line.includes('●'))) || '';
}

/** Goes down to an entry and chooses it. */
async function choose(terminal: Terminal, entry: string): Promise<void> {
  await terminal.until(() => marked(terminal) !== '', 'has no list');
  for (let steps = 0; steps < 30 && !marked(terminal).includes(entry); steps++) {
    const before = marked(terminal);
    terminal.press('down');
    const hasMoved = () => !['', before].includes(marked(terminal));
    await terminal.until(hasMoved, `does not go down from ${before}`);
  }
  expect(marked(terminal)).toContain(entry);
  terminal.press('enter');
  await terminal.until(() => !marked(terminal).includes(entry), `does not take ${entry}`);
}

/** Waits until the command that runs has ended, and goes back to the menu. */
async function back(terminal: Terminal): Promise<void> {
  await terminal.shows('Any key: back to the menu');
  terminal.press('space');
  await terminal.until(() => marked(terminal).includes('Next:'), 'does not go back');
}

/** The commands that an entry of the menu runs: its own, or those of the list that it opens. */
const runs = ({ command, list = [] }: Entry): string[] =>
  command ? [command] : list.flatMap(runs);

describe('the menu', () => {
  it('runs one command for each of its entries, or for each of the list that it opens', () => {
    const chapters = readChapters();
    const eachChapter = (name: string) => chapters.map(({ number }) => `npm run ${name} ${number}`);
    const eachExercise = (name: string) =>
      readExercises().map((exercise) => `npm run ${name} ${exercise.name}`);
    const eachProgram = chapters.flatMap(({ number, programs }) =>
      programs.map(({ name }) => `npm run chapter ${number} ${name}`),
    );

    expect(readEntries().map((entry) => [entry.label, runs(entry)])).toEqual([
      ['Read a lesson', eachChapter('lesson')],
      ['Play a chapter', eachChapter('chapter')],
      ['Run one program of a chapter', eachProgram],
      ['Read the tasks of an exercise', eachExercise('lesson')],
      ['Work on an exercise', eachExercise('learn')],
      ['Grade an exercise', eachExercise('grade')],
      ['Grade all exercises', ['npm run grade']],
      ['Get a hint', eachExercise('hint')],
      ['Compare with the solution', eachExercise('diff')],
      ['Begin an exercise again; a copy is kept', eachExercise('reset')],
      ['Bring a copy back', eachExercise('restore')],
      ['How far you have come', ['npm run progress']],
      ['A Redis for several terminals', ['npm run redis']],
      ['A Redis prompt', ['npm run cli']],
      ['A live view of all streams', ['npm run watch-stream']],
      ['Is anything missing here?', ['npm run doctor']],
    ]);
  });

  it('names what a list offers as its heading does', () => {
    const labels = readEntries().map(({ label, list }) => [label, list?.[0]?.label]);

    expect(Object.fromEntries(labels)).toMatchObject({
      'Play a chapter': '1. Anatomy of a stream',
      'Run one program of a chapter': expect.stringMatching(/^1\. Anatomy of a stream: \w/),
      'Grade an exercise': '1. Distributed order processing',
    });
  });
});

describe('npm start in a terminal', () => {
  it.each([
    [80, 24],
    [120, 40],
  ])('says where one is and what comes next, at %ix%i', async (columns, rows) => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const terminal = new Terminal(bench, { columns, rows }, 'start');

    await terminal.shows(/● Next: Play chapter 3, Reading \(npm run chapter 3\)/);

    expect(terminal.history).toMatch(/Chapters played +\[#####-{11}\] +2 of 6/);
    expect(terminal.text).toContain('All exercises');
    expect(terminal.brokenLines).toEqual([]);
    expect(Math.max(...terminal.history.split('\n').map((line) => line.length))).toBeLessThan(81);
    terminal.press('escape');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    await expectNothingLeft(bench);
  });

  it('has a welcome and its list on one screen of 24 lines the first time, and no colours with NO_COLOR', async () => {
    const terminal = new Terminal(new Bench(), { env: { NO_COLOR: '1' } }, 'start');

    await terminal.shows(/↑\/↓ to navigate/);

    expect(terminal.text).toMatch(
      /^The Redis Streams workbook[\s\S]*A book you can run[\s\S]*● Next: Play chapter 1[\s\S]*○ Work on an exercise/,
    );
    expect(terminal.history).not.toContain('Missing');
    terminal.press('ctrl+c');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
  });

  it('runs what is chosen, shows what to type for it, and comes back', LONG, async () => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const terminal = new Terminal(bench, { rows: 40 }, 'start');

    await choose(terminal, 'Next: Play chapter 3');
    await terminal.shows('$ npm run chapter 3');
    await back(terminal);
    expect(terminal.history).toContain('3 of 6');

    await choose(terminal, 'Read a lesson');
    await choose(terminal, '4. Consumer groups');
    await terminal.shows('In chapter 3 every reader got every entry');
    terminal.press('q');

    await choose(terminal, 'Leave');
    expect(await terminal.ended).toBe(0);
    expect(terminal.written).not.toContain('Warning');
    expect(terminal.isRestored).toBe(true);
    await expectNothingLeft(bench);
  });

  it('takes Ctrl+C for the command that runs, and comes back', LONG, async () => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const terminal = new Terminal(bench, { rows: 40 }, 'start');

    await choose(terminal, 'Next: Play chapter 3');
    await terminal.shows(/\$ npm run chapter 3\n[\s\S]*\n.*\|/);
    terminal.press('ctrl+c');
    await back(terminal);
    await choose(terminal, 'Read a lesson');
    await terminal.shows('Esc: back');
    terminal.press('escape');
    await terminal.until(() => marked(terminal).includes('Next:'), 'does not go back');
    terminal.press('ctrl+c');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    await expectNothingLeft(bench);
  });

  it('is left with Ctrl+C also in a list, and after a command', LONG, async () => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const inList = new Terminal(bench, { rows: 40 }, 'start');
    await choose(inList, 'Read a lesson');
    await inList.shows('Esc: back');
    inList.press('ctrl+c');
    expect(await inList.ended).toBe(0);
    expect(inList.isRestored).toBe(true);

    const afterwards = new Terminal(bench, { rows: 40 }, 'start');
    await choose(afterwards, 'How far you have come');
    await afterwards.shows('Any key: back to the menu   Ctrl+C: leave');
    afterwards.press('ctrl+c');
    expect(await afterwards.ended).toBe(0);
    expect(afterwards.isRestored).toBe(true);
    await expectNothingLeft(bench);
  });
});
