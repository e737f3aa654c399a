import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectRefusal } from '../support/expectations.ts';
import { Bench, ROOT } from '../support/workbook.ts';

// What a command refuses is tested in-process, beside the command. Here each is really started once.

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const COMMANDS = Object.entries(scripts).flatMap(([name, line]) =>
  line.startsWith('node workbook/launch.cjs ') ? [name] : [],
);

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

  it('shows how it is typed on --help', async () => {
    const { stdout, stderr, code } = await new Bench().run('chapter', '--help');

    expect(stdout).toMatch(/^Type one of these:\n[\s\S]*npm run chapter 4 consumer alpha/);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
