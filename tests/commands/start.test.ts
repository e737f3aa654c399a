import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../support/expectations.ts';
import { Bench, ROOT } from '../support/workbook.ts';

describe('npm start', () => {
  it('lists the chapters and what to type, and misses nothing that is there', async () => {
    const { stdout, code } = await new Bench().run('start');

    for (const number of [1, 2, 3, 4, 5, 6]) expect(stdout).toContain(`npm run chapter ${number}`);
    for (const command of ['redis', 'cli', 'doctor'])
      expect(stdout).toContain(`npm run ${command}`);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('A book you can run');
    expect(stdout).not.toContain('Missing');
    expect(code).toBe(0);
  });
});

describe('the first npm start', () => {
  it('says what is missing, if something is', async () => {
    const env = { REDIS_URL: 'localhost' };

    const { stdout, code } = await new Bench().runWith({ env }, 'start');

    expect(stdout).toContain('A book you can run');
    expect(stdout).toMatch(/Missing {2}REDIS_URL: REDIS_URL is not the address of a Redis/);
    expect(code).toBe(0);
  });
});

describe('the launcher', () => {
  it('says which Node is needed when this one is too old', async () => {
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });";
    const script = `${pretend} require('./workbook/launch.cjs');`;

    const outcome = await new Bench().spawn(process.execPath, ['-e', script]).ended;

    expectRefusal(outcome, /^The workbook needs Node 20\.19 or newer; this is 20\.18\.3\./);
  });

  it('asks for npm ci when the packages are not there', async () => {
    const bench = new Bench();
    const folder = join(bench.folder, 'fresh clone');
    mkdirSync(folder);
    for (const part of ['system', 'workbook']) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }

    const launcher = join('workbook', 'launch.cjs');
    const { stderr, code } = await bench.spawn(process.execPath, [launcher, 'start'], {
      cwd: folder,
    }).ended;

    expect(stderr).toBe('The workbook is not set up yet. In this folder, type: npm ci\n');
    expect(code).toBe(1);
  });
});
