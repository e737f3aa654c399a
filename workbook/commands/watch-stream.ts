import { Redis } from 'ioredis';
import { commandArguments } from '../../system/arguments.ts';
import { didYouMean } from '../../system/did-you-mean.ts';
import type { Command, Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage, UserError } from '../../system/process/user-error.ts';
import { findLearnersServer, hidePassword } from '../../system/redis/find-server.ts';
import { findSharedServer } from '../../system/redis/shared-server.ts';
import { isInteractive } from '../../system/terminal/keys.ts';
import { printError } from '../../system/terminal/print.ts';
import { LiveView, printChanges } from '../live/live-view.ts';
import { findStreams, lookAt } from '../live/stream-snapshot.ts';

const USAGE = [
  'npm run watch-stream                      all streams of the shared Redis, live',
  'npm run watch-stream sensor_readings      one of them: entries, groups, consumers',
  'npm run watch-stream -- --once            one look, as lines of text; so it is in a pipe, too',
  'npm run watch-stream -- --follow          a line for each change, until Ctrl+C',
];

export const command: Command = async (lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['once', 'follow'] });
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
    if (has('follow')) {
      lifetime.endWithCtrlC();
      await printChanges(redis, key, false, lifetime.signal);
    } else if (has('once') || !isInteractive()) {
      if (!found) throw new UserError(await missingStream(redis, key));
      const looks = await printChanges(redis, key, true, lifetime.signal);
      if (looks === 0) printError('There is no stream yet.');
      if (!has('once')) printError('That was one look. To go on: npm run watch-stream -- --follow');
    } else {
      lifetime.endWithCtrlC();
      const about = `${server.name} ${server.version}, ${hidePassword(server.url)}`;
      await new LiveView(redis, about, key, lifetime).run();
    }
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

async function missingStream(redis: Redis, key = ''): Promise<string> {
  const instead = didYouMean(key, await findStreams(redis));
  return `There is no stream ${key}.${instead && ` ${instead}`}`;
}

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
