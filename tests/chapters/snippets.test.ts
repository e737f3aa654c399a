import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOlder } from '../../system/redis/binary.ts';
import { Connection } from '../../system/resp/connection.ts';
import { formatReply } from '../../system/resp/format-reply.ts';
import { splitArguments } from '../../system/resp/split-arguments.ts';
import {
  CHAPTER_FOLDERS,
  LESSON_PAGES,
  mask,
  readLesson,
  readPage,
  readSnippets,
} from '../support/lessons.ts';
import { testServer } from '../support/redis.ts';
import { ROOT } from '../support/workbook.ts';

describe.each(LESSON_PAGES)('the lesson %s', (page) => {
  const snippets = readSnippets(readPage(page));

  it('has snippets to run', () => {
    expect(snippets.flatMap(({ exchanges }) => exchanges).length).toBeGreaterThan(3);
  });

  it('prints what a server really answers', async () => {
    const { server } = await testServer();
    const connection = await Connection.open(server.url);

    for (const { since, before, exchanges } of snippets) {
      // What Valkey calls 8 and 9 went its own way from Redis 7.2.
      const version = server.name === 'Redis' ? server.version : '7.2';
      if (isOlder(version, since) || !isOlder(version, before)) continue;
      for (const { command, reply, line } of exchanges) {
        const answer = await connection.send(splitArguments(command) ?? [command]);

        const place = `${page}:${line}: ${command}`;
        expect(mask(command, formatReply(answer)), place).toBe(mask(command, reply));
      }
    }
    connection.close();
  });
});

it.each(CHAPTER_FOLDERS)('the code in the lesson %s is that of its programs', (folder) => {
  const path = join(ROOT, 'chapters', folder);
  const programs = readdirSync(path)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(path, name), 'utf8'));

  const shown = [...readLesson(folder).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, code]) => code,
  );

  for (const code of shown) {
    expect(
      programs.some((program) => program.includes(code ?? '')),
      code,
    ).toBe(true);
  }
});

describe('mask', () => {
  it('hides generated ids and idle times, and nothing else', () => {
    const reply = '1) 1) "1700000000000-0"\n   2) "anna"\n   3) (integer) 412\n   4) (integer) 2';

    const masked = mask('XPENDING orders shop - + 10', reply);

    expect(masked).toBe('1) 1) "<id>"\n   2) "anna"\n   3) (integer) <ms>\n   4) (integer) 2');
    expect(mask('XLEN orders', '(integer) 412')).toBe('(integer) 412');
  });
});
