import { describe, expect, it } from 'vitest';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

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

  it.each(['1', '2', '3', '4', '5', '6', 'orders', 'notifications', 'cart'])(
    '%s is plain text in a pipe, wrapped but for what is to be typed',
    async (name) => {
      const { code, stdout, stderr } = await new Bench().run('lesson', name);

      const prose = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('  '));
      expect(prose.filter((line) => line.length > 81)).toEqual([]);
      expect(stdout).not.toMatch(/```|\]\(|\*\*/);
      expect(stdout).not.toContain('\u001b');
      expect(stdout.length).toBeGreaterThan(2000);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    },
  );

  it.each([
    [[], 'Which one?'],
    [['9'], "There is no chapter '9'"],
    [['nothing'], "There is no chapter 'nothing'"],
  ])('%j gets a message and exit code 1', async (args, message) => {
    const { code, stderr } = await new Bench().run('lesson', ...args);

    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});
