import { describe, expect, it } from 'vitest';
import { testServer } from '../support/redis.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

describe("the workbook's own prompt, in a terminal", () => {
  it('gives up a command that waits on Ctrl+C, remembers lines, and leaves with Ctrl+D', async () => {
    const { server } = await testServer();
    const env = { REDIS_URL: server.url };
    const bench = new Bench();
    const first = new Terminal(bench, { env }, 'cli', '--own');
    await first.shows(/127\.0\.0\.1:\d+>/);

    first.press('XADD notes * text tea', 'enter');
    await first.shows(/"\d+-0"/);
    first.press('XREAD BLOCK 0 STREAMS notes $', 'enter');
    await first.shows('STREAMS notes $');
    first.press('ctrl+c');
    await first.shows(/STREAMS notes \$\n[\s\S]*>/);
    first.press('PING', 'enter');
    await first.shows('PONG');
    first.press('ctrl+d');
    expect(await first.ended).toBe(0);

    const second = new Terminal(bench, { env }, 'cli', '--own');
    await second.shows(/127\.0\.0\.1:\d+>/);
    second.press('up', 'enter');
    await second.shows('PONG');
    second.press('ctrl+c');
    expect(await second.ended).toBe(0);
    expect(second.isRestored).toBe(true);
  });
});
