import { Redis } from 'ioredis';
import { commandArguments } from '../../system/arguments.ts';
import type { Command, Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage, UserError } from '../../system/process/user-error.ts';
import { findLearnersServer, hidePassword } from '../../system/redis/find-server.ts';
import { findSharedServer } from '../../system/redis/shared-server.ts';
import { isInteractive } from '../../system/terminal/keys.ts';
import { LiveView, printChanges } from '../live/live-view.ts';
import { lookAt } from '../live/stream-snapshot.ts';

const USAGE = [
  'npm run watch-stream                      all streams of the shared Redis, live',
  'npm run watch-stream sensor_readings      one of them: entries, groups, consumers',
  'npm run watch-stream orders:new -- --once one look, as a line of text',
];

export const command: Command = async (lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['once'] });
  const [key] = words(0, 1, 'One stream, please:');
  const server = (await findLearnersServer()) ?? (await findSharedServer());
  if (!server) {
    throw new UserError(
      'There is no Redis to look at. Keep one up in another terminal: npm run redis\n' +
        'Chapters and programs that are started after that use it, and show here.',
    );
  }
  const redis = await connect(server.url, lifetime);
  try {
    // Something that is no stream is told before the screen is taken.
    const found = key === undefined || (await lookAt(redis, key, 0)) !== undefined;
    if (has('once')) {
      if (!found) throw new UserError(`There is no stream ${key}.`);
      await printChanges(redis, key, true, lifetime.signal);
      return 0;
    }
    lifetime.endWithCtrlC();
    const about = `${server.name} ${server.version}, ${hidePassword(server.url)}`;
    if (isInteractive()) await new LiveView(redis, about, key, lifetime).run();
    else await printChanges(redis, key, false, lifetime.signal);
    return 0;
  } catch (error) {
    if (error instanceof UserError || lifetime.signal.aborted) throw error;
    if (errorMessage(error).startsWith('WRONGTYPE')) {
      throw new UserError(`${key} is no stream. All streams: npm run watch-stream`);
    }
    if (redis.status !== 'ready') throw new UserError('The Redis has gone.');
    throw error;
  }
};

async function connect(url: string, lifetime: Lifetime): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // Whatever goes wrong shows in the commands.
  redis.on('error', () => {});
  lifetime.atEnd(() => redis.disconnect());
  await redis.connect();
  return redis;
}
