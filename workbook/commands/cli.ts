import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { commandArguments } from '../../system/arguments.ts';
import { guard } from '../../system/process/guardian.ts';
import type { Command, Lifetime } from '../../system/process/lifetime.ts';
import { findCli, found } from '../../system/redis/binary.ts';
import { findRedis } from '../../system/redis/find-redis.ts';
import {
  findOrStartServer,
  hidePassword,
  type ServerInUse,
} from '../../system/redis/find-server.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { printError } from '../../system/terminal/print.ts';
import { Prompt, runOne } from '../prompt/prompt.ts';

const USAGE = [
  'npm run cli                            a Redis prompt',
  'npm run cli XLEN sensor_readings       one command, and its reply',
  "npm run cli -- --own                   the workbook's prompt, also where redis-cli is installed",
];

export const command: Command = async (lifetime, typed) => {
  // The first word that is no flag begins a Redis command, which is none of our business.
  const { positionals, has, rest } = commandArguments(typed, {
    usage: USAGE,
    flags: ['own'],
    restAfter: 1,
  });
  const command = [...positionals, ...rest];
  const server = await findOrStartServer(lifetime);
  if (process.stdin.isTTY && command.length === 0) greet(server);

  const binary = has('own') ? undefined : await findRedis();
  const cli = binary && (await findCli(found(binary) ? binary : undefined));
  if (cli) return runRedisCli(cli, server, command, lifetime);
  if (command.length > 0) return runOne(server.url, command);
  return new Prompt(server.url, lifetime).run();
};

function greet(server: ServerInUse): void {
  const about = `${server.name} ${server.version}`;
  const which = {
    shared: `The shared ${about}, ${server.url}.`,
    learner: `Your own ${about}, ${hidePassword(server.url)}.`,
    private:
      `A ${about} of its own, empty, which ends with this prompt. To share one with chapters and ` +
      "other terminals, keep 'npm run redis' running in another one.",
  };
  printError(colour.dim(paragraph(`${which[server.kind]} To leave, type: quit`)));
}

/** Hands the terminal over to redis-cli, which does it all: history, help, MONITOR, `--latency`. */
async function runRedisCli(
  cli: string,
  server: ServerInUse,
  command: readonly string[],
  lifetime: Lifetime,
): Promise<number> {
  lifetime.endWithCtrlC();
  // `-u` shows a password in the list of processes, hence the environment.
  const address = new URL(server.url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  const user = address.username ? ['--user', decodeURIComponent(address.username)] : [];
  address.username = '';
  const child = spawn(cli, ['-u', address.toString(), ...user, ...command], {
    stdio: 'inherit',
    env: { ...process.env, ...(password ? { REDISCLI_AUTH: password } : {}) },
  });
  guard(child);
  lifetime.signal.addEventListener('abort', () => child.kill());
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 0;
}
