import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { findCli, found } from '../../../system/redis/binary.ts';
import { findRedis } from '../../../system/redis/find-redis.ts';
import { Connection } from '../../../system/resp/connection.ts';
import { formatReply, quote } from '../../../system/resp/format-reply.ts';
import { testServer } from '../../support/redis.ts';

let redisCli: string | undefined;

beforeAll(async () => {
  const binary = await findRedis();
  redisCli = await findCli(found(binary) ? binary : undefined);
});

describe('formatReply', () => {
  it('prints every kind of reply exactly as redis-cli does', async ({ skip }) => {
    if (!redisCli) return skip('there is no redis-cli here to compare with');
    const { server } = await testServer();
    const connection = await Connection.open(server.url);
    const commands = [
      ['SET', 'greeting', 'Grüße, "you"\n\t\x07\x00 \\ 本'],
      ['GET', 'greeting'],
      ['GET', 'missing'],
      ['DBSIZE'],
      ['NOSUCHCOMMAND'],
      ['XREAD', 'STREAMS', 'missing', '0'],
      ['RPUSH', 'list', ...Array.from({ length: 12 }, (_, index) => `item ${index}`)],
      ['LRANGE', 'list', '0', '-1'],
      ['LRANGE', 'missing', '0', '-1'],
      ['XADD', 's', '1-0', 'a', '1', 'b', '2'],
      ['XADD', 's', '2-0', 'c', ''],
      ['XRANGE', 's', '-', '+'],
      ['XGROUP', 'CREATE', 's', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'anna', 'STREAMS', 's', '>'],
      ['XPENDING', 's', 'g'],
      ['XINFO', 'STREAM', 's', 'FULL'],
      ['EVAL', "return {1, 'two', {3, {}}, false}", '0'],
    ];

    for (const command of commands) {
      const ours = formatReply(await connection.send(command));
      const address = ['-u', server.url, '--no-raw'];
      // Commands with an effect must not be sent twice: redis-cli is asked for readings only.
      const reading = !/^(SET|RPUSH|XADD|XGROUP|XREADGROUP)$/.test(command[0] ?? '');
      const theirs =
        reading && (await promisify(execFile)(redisCli, [...address, ...command])).stdout;

      if (!theirs) continue;
      expect(hideTimes(ours).trimEnd(), command.join(' ')).toBe(hideTimes(theirs).trimEnd());
    }
    connection.close();
  });
});

/** The times in XINFO move between two calls. */
function hideTimes(text: string): string {
  return text.replace(/\(integer\) \d{13}/g, '(integer) <time>');
}

describe('quote', () => {
  it('escapes what cannot be printed, byte by byte', () => {
    expect(quote(Buffer.from('a"b\\c\n\x01é'))).toBe('"a\\"b\\\\c\\n\\x01\\xc3\\xa9"');
  });
});
