import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from '../support/expectations.ts';
import { Bench } from '../support/workbook.ts';

/** What a scene printed, when it had ended as every scene has to: well, plain, and tidied up. */
async function play(number: number): Promise<string> {
  const bench = new Bench();

  const { code, stdout, stderr } = await bench.run('chapter', String(number));

  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Chapter ${number}: \\w`));
  expect(stdout).toContain('Look for:');
  expect(stdout).toMatch(/Read the lesson: {4}chapters\/\d\d-/);
  expect(stdout, 'no colours in a pipe').not.toContain('\x1b');
  await expectNothingLeft(bench);
  return stdout;
}

describe('npm run chapter N shows', () => {
  it('chapter 1: Pub/Sub lost two of three messages, the stream none', async () => {
    const stdout = await play(1);

    expect(stdout).toMatch(/The subscriber heard: +fresh bread$/m);
    expect(stdout).toMatch(/still holds: the shop opens, fresh bread, the shop closes$/m);
  });

  it('chapter 2: about 1000 is a little more than 1000, and an option behind the id is a field', async () => {
    const stdout = await play(2);

    expect(stdout).toMatch(/^approximate \| 1250 +1000 +1050/m);
    expect(stdout).toMatch(/what 16-0 holds: +MAXLEN 2 celsius 36$/m);
    expect(stdout).toMatch(/XLEN sensor_readings\n\(integer\) 1\d$/m);
  });

  it('chapter 3: the reader that passes $ twice never sees the milk', async () => {
    const stdout = await play(3);

    expect(stdout).toMatch(/`\$` every time: +tea, sugar$/m);
    expect(stdout).toMatch(/the last id seen: +tea, milk$/m);
  });

  it('chapter 4: three processes share the work, one is killed, its entry stays pending', async () => {
    const stdout = await play(4);

    for (const name of ['alpha', 'beta', 'gamma']) expect(stdout).toMatch(`${name} | acknowledged`);
    expect(stdout).toContain('alpha | killed with SIGKILL');
    const workedOn = [...stdout.matchAll(/working on (\S+)/g)].map(([, id]) => id);
    expect(new Set(workedOn).size, 'every entry goes to one consumer').toBe(workedOn.length);
    expect(stdout).toMatch(/XPENDING sensor_readings analytics_group\n1\) \(integer\) [1-9]/);
    expect(stdout).toMatch(/4\) 1\) 1\) "alpha"/);
  });

  it('chapter 5: every entry of the crashed consumers is recovered', async () => {
    const stdout = await play(5);

    const [, pending] = /pending in analytics_group: (\d+)/.exec(stdout) ?? [];
    expect(Number(pending)).toBeGreaterThanOrEqual(3);
    expect(stdout).toContain('delta was given 1 entry, its rival 0');
    expect(stdout).toContain(`recovered ${Number(pending) - 1} entries`);
    expect(stdout).toMatch(/XPENDING sensor_readings analytics_group\n1\) \(integer\) 0/);
    expect(stdout).toContain('renew | alice renews her hold: false');
    expect(stdout).toMatch(/MAXLEN = 230 +removed 220[\s\S]+MAXLEN ~ 230 +removed 200/);
    expect(stdout).toMatch(/and then: {3}chapters\/05-.+\/trimming-and-watching\.md/);
  });

  it('chapter 6: the second run takes over what the first one was holding', async () => {
    const stdout = await play(6);

    const [, held] =
      /XPENDING iot_data_stream data_processors\n1\) \(integer\) (\d+)/.exec(stdout) ?? [];
    expect(Number(held)).toBeGreaterThanOrEqual(1);
    expect(stdout.match(/run 2 \| worker-\d: taking over/g)).toHaveLength(Number(held));
    expect(stdout).toMatch(/XPENDING iot_data_stream data_processors\n1\) \(integer\) 0\n/);
    expect(stdout).toMatch(/"lag"\n +12\) \(integer\) 0/);
    expect(stdout).toMatch(/one-step \| a look first: +total 25, pending 0$/m);
  });
});
