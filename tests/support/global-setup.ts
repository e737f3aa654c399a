import { dismissGuardian } from '../../system/process/guardian.ts';
import { findOrFetchRedis } from '../../system/redis/fetch-redis.ts';

/** Gets a Redis once, the way every command does, so that the tests do not all wait for it. */
export default async function setup(): Promise<void> {
  const { name, version, path } = await findOrFetchRedis(new AbortController().signal);
  console.log(`Tests run on ${name} ${version}: ${path}`);
  await dismissGuardian();
}
