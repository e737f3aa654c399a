import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectRefusal } from '../../support/expectations.ts';
import { aptGet, toolbox } from '../../support/fake-programs.ts';
import { Bench } from '../../support/workbook.ts';

const CACHE = 'Caché & 本 here';

describe.runIf(aptGet)("the system's package, by the real apt-get", () => {
  it.each([
    ['with the package lists of this machine', `exec "${aptGet}" "$@"`],
    [
      'with package lists of its own, where those of this machine are of no use',
      [
        `lists=; for word in "$@"; do case $word in Dir::State::lists=*) lists=1;; esac; done`,
        `[ -z "$lists" ] && echo "E: Unable to locate package redis-server" && exit 100`,
        `exec "${aptGet}" "$@"`,
      ].join('\n'),
    ],
  ])('is unpacked into the cache, %s', async (_, script) => {
    const bench = new Bench();
    const before = readdirSync('/usr/bin').length;
    const env = {
      PATH: `${toolbox(bench, { scripts: { 'apt-get': script } })}:${process.env.PATH}`,
      WORKBOOK_CACHE: join(bench.folder, CACHE),
    };

    const { stdout, stderr, code } = await bench.runWith({ env }, 'chapter', '1', 'ids');

    expect(stderr).toMatch(/Got (Redis|Valkey) [\d.]+ \(your system's package\)\.\n$/);
    expect(stdout).toContain('XADD 5-1  -> 5-1');
    expect(code).toBe(0);
    expect(readdirSync(join(env.WORKBOOK_CACHE, 'system-package'))).not.toContain('archives');
    expect(readdirSync('/usr/bin')).toHaveLength(before);
    await expectNothingLeft(bench, 'toolbox', CACHE);
  });
});

describe("the system's package, when it cannot be had", () => {
  const FAILURES = {
    'apt-get cannot download redis-server or valkey-server (Could not resolve host)': {
      'apt-get': 'echo "E: Could not resolve host"; exit 100',
      'dpkg-deb': '',
    },
    'dpkg-deb cannot unpack': {
      'apt-get':
        'for word in "$@"; do case $word in Dir::Cache::archives=*) : > "$(expr "$word" : "[^=]*=\\(.*\\)")/redis.deb";; esac; done',
      'dpkg-deb': 'echo "not a Debian archive"; exit 2',
    },
    'no dpkg-deb here to get a package with': { 'apt-get': '' },
  };

  it.each(Object.entries(FAILURES))('goes on to the next way: %s', async (reason, scripts) => {
    const bench = new Bench();
    const env = {
      PATH: toolbox(bench, { real: ['expr'], scripts: { ...scripts } }),
      WORKBOOK_CACHE: join(bench.folder, 'cache'),
    };

    const outcome = await bench.runWith({ env }, 'chapter', '1');

    expectRefusal(outcome, `  - ${reason}`);
    expect(outcome.stderr).toContain('  - no make here to compile Redis with');
    expect(readdirSync(env.WORKBOOK_CACHE)).toEqual([]);
  });
});

describe("the system's package, when apt-get hangs", () => {
  it('is given up after a while', async () => {
    const bench = new Bench();
    const env = {
      PATH: toolbox(bench, {
        real: ['sleep'],
        scripts: { 'apt-get': 'sleep 1000', 'dpkg-deb': '' },
      }),
      WORKBOOK_CACHE: join(bench.folder, 'cache'),
      WORKBOOK_STALLED_MS: '100',
    };

    const outcome = await bench.runWith({ env }, 'chapter', '1');

    expectRefusal(
      outcome,
      'apt-get cannot download redis-server or valkey-server (it took too long',
    );
    await expectNothingLeft(bench, 'toolbox', 'cache');
  });
});
