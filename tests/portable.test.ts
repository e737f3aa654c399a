import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOfTheWorkbook } from './support/copy.ts';
import { expectNothingLeft } from './support/expectations.ts';
import { Bench, ROOT } from './support/workbook.ts';

const CLONE = "Zoë's Bücher & 本 100%";
const CACHE = 'mein Café #1';

describe('a clone under a path with spaces and letters that are not ASCII', () => {
  it('plays a chapter of several processes, on a Redis in a cache of such a path', async () => {
    const bench = new Bench();
    const cwd = copyOfTheWorkbook(bench, CLONE);
    const env = { WORKBOOK_CACHE: join(bench.folder, CACHE) };

    const { stdout, stderr, code } = await bench.spawn(
      process.execPath,
      [join('workbook', 'launch.cjs'), 'chapter', '5'],
      { cwd, env },
    ).ended;

    expect(stderr.replace(/^(Fetching|Got) .*\n/gm, '')).toBe('');
    expect(stdout).toContain('recovered 2 entries');
    expect(code).toBe(0);
    await expectNothingLeft(bench, CLONE, CACHE);
  });
});

describe('an example that is copied out of the workbook', () => {
  it('runs by itself against any Redis', async () => {
    const bench = new Bench();
    const folder = join(bench.folder, 'my project');
    mkdirSync(folder);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    cpSync(join(ROOT, 'chapters/01-anatomy-of-a-stream/ids.ts'), join(folder, 'ids.ts'));
    const server = bench.start('redis');
    const [, url] = await server.says(/is up: (redis:\S+)/);

    const { stdout, code } = await bench.spawn(process.execPath, ['--import', 'tsx', 'ids.ts'], {
      cwd: folder,
      env: { REDIS_URL: url },
    }).ended;

    expect(stdout).toContain('XADD 5-1  -> 5-1');
    expect(code).toBe(0);
  });
});
