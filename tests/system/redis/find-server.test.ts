import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { UserError } from '../../../system/process/user-error.ts';
import { findLearnersServer } from '../../../system/redis/find-server.ts';

async function expectTrouble(url: string, message: string): Promise<void> {
  vi.stubEnv('REDIS_URL', url);
  const finding = findLearnersServer();
  await expect(finding).rejects.toThrow(UserError);
  await expect(finding).rejects.toThrow(message);
  await expect(finding).rejects.toThrow(/unset/i);
}

/** The address of something that answers everything with these bytes. */
async function serverThatSays(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

describe('REDIS_URL', () => {
  const INFO = 'redis_version:6.2.14\r\nrun_id:x\r\nprocess_id:1\r\n';

  it.each([
    ['redis://127.0.0.1:1', 'No Redis answers at REDIS_URL, redis://127.0.0.1:1'],
    ['localhost:6379', 'REDIS_URL is not the address of a Redis: localhost:6379'],
    ['redis://', 'No Redis answers at REDIS_URL'],
  ])('that is %s is refused, with what is wrong with it', async (url, message) => {
    await expectTrouble(url, message);
  });

  it.each([
    [
      'a Redis that is too old',
      `$${INFO.length}\r\n${INFO}\r\n`,
      'REDIS_URL names Redis 6.2.14; the workbook needs 7.0',
    ],
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'This is not a Redis server'],
    [
      'a Redis that wants a password',
      '-NOAUTH Authentication required.\r\n',
      'NOAUTH Authentication required.',
    ],
  ])('that names %s is refused, with the trouble', async (_, answer, message) => {
    await expectTrouble(await serverThatSays(answer), message);
  });

  it('that names a server that does not answer is refused after five seconds', async () => {
    const { timeout } = AbortSignal;
    // They pass in a moment here.
    const waiting = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(20));
    onTestFinished(() => waiting.mockRestore());

    await expectTrouble(await serverThatSays(''), 'no answer within 5 seconds');

    expect(waiting).toHaveBeenCalledWith(5000);
  });
});
