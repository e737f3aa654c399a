import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { startOwnServer } from '../../system/redis/find-server.ts';
import { announceSharedServer, findSharedServer } from '../../system/redis/shared-server.ts';
import { colour } from '../../system/terminal/colour.ts';
import { print, printError } from '../../system/terminal/print.ts';

export const command: Command = async (lifetime, typed) => {
  commandArguments(typed, { usage: ['npm run redis      keeps a Redis up for several terminals'] });
  const running = await findSharedServer();
  if (running) {
    print(`A shared ${running.name} ${running.version} is up already: ${running.url}`);
    return 0;
  }

  const server = await startOwnServer(lifetime);
  const takeBack = announceSharedServer(server);
  if (!takeBack)
    throw new UserError("Another 'npm run redis' was a moment faster. Its server is up.");
  lifetime.atEnd(takeBack);
  lifetime.endWithCtrlC();

  print(`${server.name} ${server.version} is up: ${colour.bold(server.url)}`);
  print('It is shared by all terminals of this folder, forgets everything at its end,');
  print('and cannot be reached from outside this machine.');
  print('');
  print('In another terminal:');
  print('  npm run chapter 2 producer          adds readings');
  print('  npm run chapter 4 consumer alpha    works on them');
  print('  npm run watch-stream                streams, groups and consumers, live');
  print('  npm run cli                         a prompt, to look inside');
  print('');
  print('Ctrl+C ends it.');

  await server.ended;
  if (!lifetime.signal.aborted) printError('The server has ended: somebody shut it down.');
  return 1;
};
