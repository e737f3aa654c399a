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
    [['nothing'], "There is no chapter 'nothing'"],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });
});
