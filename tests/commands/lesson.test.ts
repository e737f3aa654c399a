import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readExercises } from '../../grader/exercises.ts';
import { lessonText } from '../../workbook/book/lesson-text.ts';
import { command } from '../../workbook/commands/lesson.ts';
import { expectRefused } from '../support/expectations.ts';
import { LESSON_PAGES } from '../support/lessons.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const PAGES = [
  ...LESSON_PAGES,
  ...readExercises().map(({ folder }) => `exercises/${folder}/README.md`),
];

describe('npm run lesson', () => {
  it.each(['q', 'escape', 'ctrl+c'])('turns pages in a terminal, until %s', async (key) => {
    const terminal = new Terminal(new Bench(), {}, 'lesson', '4');

    await terminal.shows(/In chapter 3 every reader[\s\S]*\d+ more lines below/);
    terminal.press('space');
    await terminal.shows('Making a group: XGROUP CREATE');
    terminal.press('b');
    await terminal.shows('In chapter 3 every reader');
    terminal.press(key);

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
  });

  it('searches with /, n and N, and marks what it finds', async () => {
    const marks = (terminal: Terminal) => terminal.written.split('\u001b[7m').length - 1;
    const terminal = new Terminal(new Bench(), {}, 'lesson', '4');
    await terminal.shows('/: search');
    expect(marks(terminal)).toBe(0);

    terminal.press('/');
    await terminal.until(() => terminal.lines.at(-1)?.startsWith('/') === true, 'does not ask');
    terminal.press('xgroup crq', '\u007f', 'eate', 'enter');
    await terminal.shows('n: next   N: one before');
    const found = () => terminal.lines[2] ?? '';
    expect(found().toLowerCase()).toContain('xgroup create');
    expect(marks(terminal)).toBeGreaterThan(0);

    const first = found();
    terminal.press('n');
    await terminal.until(() => found() !== first, 'does not go on');
    expect(found().toLowerCase()).toContain('xgroup create');
    terminal.press('N');
    await terminal.until(() => found() === first, 'does not go back');
    terminal.press('N');
    await terminal.shows('Not above: xgroup create');

    terminal.press('/', 'no such words', 'enter');
    await terminal.shows('Not below: no such words');
    terminal.press('/', 'q', 'escape');
    await terminal.shows('n: next');
    terminal.press('/', 'ctrl+c');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
  });

  it.each([
    [40, 10],
    [40, 24],
    [80, 24],
  ])('keeps its title, its keys, and whole lines at %ix%i', async (columns, rows) => {
    const terminal = new Terminal(new Bench(), { columns, rows }, 'lesson', '4');

    await terminal.shows(/^4\. Consumer groups[\s\S]*more lines below[\s\S]*q: leave/);
    terminal.press('space', 'space');
    await terminal.until(() => !terminal.text.includes('In chapter 3'), 'does not scroll');

    expect(terminal.lines[0]).toMatch(/^4\. Consumer groups/);
    expect(terminal.brokenLines).toEqual([]);
    terminal.resize(60, 20);
    await terminal.shows(/^4\. Consumer groups[\s\S]*q: leave/);
    terminal.press('q');
    expect(await terminal.ended).toBe(0);
  });

  it.each(PAGES)('%s is wrapped, but for what is to be typed', (page) => {
    const text = stripVTControlCharacters(lessonText(readFileSync(join(ROOT, page), 'utf8')));

    const prose = text.split('\n').filter((line) => line !== '' && !line.startsWith('  '));
    expect(prose.filter((line) => line.length > 81)).toEqual([]);
    expect(text).not.toMatch(/```|\]\(|\*\*/);
    expect(text.length).toBeGreaterThan(2000);
  });

  it('shows the second page of a lesson behind the first', async () => {
    const { stdout } = await new Bench().run('lesson', '5');

    const headings = [...stdout.matchAll(/^# 5\. .+$/gm)].map(([heading]) => heading);
    expect(headings).toEqual([
      '# 5. Pending entries and trimming',
      expect.stringMatching(/rimming/),
    ]);
    expect(stdout).toContain('Taking over all of them: XAUTOCLAIM');
    expect(stdout).toContain('Trimming asks no group');
  });

  it('shows the twin of a diagram in plain text, and of one without a twin its source', () => {
    const twin = '<!-- text\nanna  ->  ben\n\ncarla\n-->\n\n';
    const diagram = '```mermaid\nflowchart LR\n  anna --> ben\n```\n';

    const text = stripVTControlCharacters(lessonText(`Before.\n\n${twin}${diagram}\nBehind.`));

    expect(text).toBe('Before.\n\n  anna  ->  ben\n\n  carla\n\nBehind.');
    expect(stripVTControlCharacters(lessonText(diagram))).toContain('  anna --> ben');
  });

  it('shows the questions above their answers', () => {
    const summary = '<summary>1. What is <code>&gt;</code>?</summary>';

    const text = lessonText(`<details>\n${summary}\n\nWhat is new.\n\n</details>`);

    expect(stripVTControlCharacters(text)).toBe('1. What is >?\n\nWhat is new.');
  });

  it.each([
    ['4', '# 4. Consumer groups'],
    ['orders', '# 1. Distributed order processing'],
  ])('%s is plain text in a pipe', async (name, heading) => {
    const { code, stdout, stderr } = await new Bench().run('lesson', name);

    expect(stdout).toContain(heading);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it.each([
    [[], 'Which one?'],
    [['9'], "There is no chapter '9'"],
    [['nothing'], "There is no chapter and no exercise 'nothing'"],
    [['crat'], 'Did you mean cart?'],
    [['gruops'], 'Did you mean consumer-groups?'],
    [['ing'], "'ing' could be exercise 1 (orders) or 3 (cart)."],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });
});
