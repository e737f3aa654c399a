import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { dismissGuardian } from '../../system/process/guardian.ts';
import { found } from '../../system/redis/binary.ts';
import { findRedis } from '../../system/redis/find-redis.ts';
import { type RunningServer, startServer } from '../../system/redis/start-server.ts';

/**
 * A server for one test, and a connection to it; both go when the test is over.
 *
 * @param settings more of redis.conf
 */
export async function testServer(
  settings: Record<string, number | string> = {},
): Promise<{ server: RunningServer; redis: Redis }> {
  const binary = await findRedis();
  if (!found(binary)) throw new Error('the global set-up should have got a Redis');
  const server = await startServer(binary, settings);
  const redis = new Redis(server.url);
  onTestFinished(async () => {
    redis.disconnect();
    await server.stop();
    await dismissGuardian();
  });
  return { server, redis };
}
