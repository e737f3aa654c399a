import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExercise } from '../../grader/exercises.ts';
import { Bench } from '../support/workbook.ts';
import { wrongOnes } from './submissions.ts';

// What a learner is told: what broke, in the learner's words, and the commands and moments that matter, without the grader's own.

// On a busy machine, a mistake that depends on who is quicker may show elsewhere first.
const LONG = { timeout: 120_000, retry: 2 };
const OWN = /grader:|grader-|mark-|\(unnamed\)|CLIENT|PING|ECHO|MONITOR|node_modules/;

/** What `npm run grade` says of one requirement of a wrong submission. */
async function told(exercise: string, mistake: string, id: string): Promise<string> {
  const bench = new Bench();
  const { fileName, requirements } = findExercise(exercise);
  const all = wrongOnes(exercise).filter((one) => one.mistake === mistake);
  const wrong = all.find(({ base }) => !base) ?? all[0];
  if (!wrong) throw new Error(`${exercise} has no wrong submission '${mistake}'`);
  const file = join(bench.folder, fileName);
  writeFileSync(file, wrong.code);
  const number = requirements.findIndex((one) => one.id === id) + 1;
  const { stdout } = await bench.run('grade', exercise, `${number}`, '--file', file);
  return stdout;
}

/** The lines below a heading of the report. */
function section(report: string, title: string): string[] {
  const lines = report.split('\n');
  const below = lines.slice(lines.indexOf(`  ${title}`) + 1);
  return below.slice(
    0,
    below.findIndex((line) => !line.startsWith('    ')),
  );
}

describe('a report', () => {
  it('says where a lost order is, and who did what when', LONG, async () => {
    const report = await told('orders', 'takes over only when there is nothing new', 'crash');

    const [, id] =
      /happened {4}(\d+-\d+) still waits.*: alice holds it, delivered once;\s+alice was killed at \d+ ms/.exec(
        report,
      ) ?? [];
    expect(id, report).toBeDefined();
    const sequence = section(report, 'who did what when');
    expect(sequence[0]).toMatch(`A = ${id}, added at`);
    expect(sequence).toContainEqual(expect.stringMatching(/ms +alice {2}handler begins with A$/));
    expect(sequence).toContainEqual(expect.stringMatching(/alice {2}is killed, with A in hand$/));
    expect(sequence).toContainEqual(expect.stringMatching(/ bob {2}since then: \d+ XREADGROUP/));
    expect(sequence.length).toBeLessThanOrEqual(16);
    expect(Math.max(...sequence.map((line) => line.length))).toBeLessThanOrEqual(80);
    const commands = section(report, 'sent to Redis');
    expect(commands).toContainEqual(expect.stringMatching(/^ {4}alice {6}XREADGROUP GROUP/));
    expect(report).not.toMatch(OWN);
  });

  it('marks the command that came too early, among those around it', LONG, async () => {
    const report = await told('orders', 'acknowledges an order before it is put aside', 'dead');

    const commands = section(report, 'sent to Redis');
    const at = commands.findIndex((line) => line.startsWith('    > '));
    expect(commands[at], report).toMatch(/^ {4}> carol {6}XACK orders:new order_processors \d+-0$/);
    expect(commands[at + 1]).toMatch(/^ {6}carol {6}XADD orders:dead \* /);
    expect(commands.filter((line) => line.startsWith('    > '))).toHaveLength(1);
    expect(report).not.toMatch(OWN);
  });

  it('has one line for a script, and an offending command among scripts', LONG, async () => {
    const report = await told('cart', 'acknowledges before it applies', 'project');

    const commands = section(report, 'sent to Redis');
    expect(commands).toContainEqual(
      expect.stringMatching(/^ {4}> alice {6}XACK cart:events:Zoe cart_projectors \d+-\d+$/),
    );
    const scripts = commands.filter((line) => line.includes(' EVAL'));
    expect(scripts.length, report).toBeGreaterThan(0);
    for (const line of scripts) {
      expect(line).toMatch(/EVAL(SHA)? \(.*\) KEYS cart:/);
      expect(line).not.toContain('redis.call');
    }
    expect(report).not.toMatch(OWN);
  });

  it('keeps values with line breaks and quotes on their lines', LONG, async () => {
    const report = await told('notifications', 'XACK before the delivery', 'share');

    expect(section(report, 'in Redis afterwards'), report).toContainEqual(
      expect.stringMatching(/message " \d+ \\"quoted\\", and ünïcödé\\n"/),
    );
    for (const line of section(report, 'sent to Redis')) {
      expect(line).toMatch(/^ {4}(\.\.\. \d+ (before|others|after)|(alice|bob|carol) +[A-Z]+ )/);
    }
    expect(report).not.toMatch(OWN);
  });
});
