import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../system/process/lifetime.ts';
import { expectNothingLeft, expectRefusal, expectRefused } from '../support/expectations.ts';
import { Bench, ROOT } from '../support/workbook.ts';

// What a command refuses is tested in-process, beside the command. Here each is really started once.

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const COMMANDS = Object.entries(scripts).flatMap(([name, line]) =>
  line.startsWith('node workbook/launch.cjs ') ? [name] : [],
);

const TAKING_A_NAME = ['learn', 'lesson', 'grade', 'hint', 'diff', 'reset', 'restore'];

describe('every command', () => {
  it('is found in package.json', () => {
    expect(COMMANDS).toContain('grade');
    expect(COMMANDS.length).toBeGreaterThan(12);
  });

  it.each(COMMANDS)('refuses an option that it does not have: %s', async (command) => {
    const bench = new Bench();

    const outcome = await bench.run(command, '--nonsense');

    expectRefusal(outcome, /^Unknown option '--nonsense'\.\nType one of these:\n {2}npm (run )?\w/);
    expect(outcome.stderr).toContain(` ${command} `);
    expect(outcome.stdout).toBe('');
    await expectNothingLeft(bench);
  });

  it.each(TAKING_A_NAME)(
    'that takes an exercise says what may have been meant: %s',
    async (name) => {
      const module: { command: Command } = await import(`../../workbook/commands/${name}.ts`);

      await expectRefused(module.command, ['ordrs'], 'Did you mean orders?');
    },
  );

  it('shows how it is typed on --help', async () => {
    const { stdout, stderr, code } = await new Bench().run('chapter', '--help');

    expect(stdout).toMatch(/^Type one of these:\n[\s\S]*npm run chapter 4 consumer alpha/);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
