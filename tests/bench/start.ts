// How soon does a chapter begin? Measured beside a floor, in turns, so that both see the same machine:
//   npm run bench:start [runs]
//
// The floor is what nobody can do without: Node starts, spawns a redis-server, and has its first PING
// answered, through ioredis as an example does it, and over a bare socket. Times are medians.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { found } from '../../system/redis/binary.ts';
import { findRedis } from '../../system/redis/find-redis.ts';
import { freePort } from '../../system/redis/start-server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNS = Number(process.argv[2] ?? 15);

const binary = await findRedis();
if (!found(binary)) throw new Error('play a chapter first: it fetches a Redis');

const SPAWN = `
  const port = process.argv[1];
  const server = require('node:child_process').spawn(${JSON.stringify(binary.path)},
    ['--port', port, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  const done = () => { server.kill('SIGKILL'); console.log('PONG'); process.exit(); };
`;
const BARE = `${SPAWN}
  (function knock() {
    const socket = require('node:net').connect(port, '127.0.0.1');
    socket.on('error', () => setTimeout(knock, 2));
    socket.on('connect', () => socket.write('PING\\r\\n'));
    socket.on('data', done);
  })();
`;
const IOREDIS = `${SPAWN}
  const { Redis } = require('ioredis');
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 2, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  redis.ping().then(done);
`;

/** Milliseconds from the start of a program to the first line of its output that matches. */
async function firstLine(command: string, args: readonly string[], line: RegExp): Promise<number> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let output = '';
  let took = Number.NaN;
  for await (const chunk of child.stdout) {
    output += chunk;
    if (Number.isNaN(took) && line.test(output)) {
      took = performance.now() - started;
      child.kill('SIGTERM');
    }
  }
  await exit;
  return took;
}

const node = process.execPath;
const launcher = join('workbook', 'launch.cjs');
const MEASURED: Record<string, () => Promise<number>> = {
  'floor: node, redis-server, PING (bare socket)': async () =>
    firstLine(node, ['-e', BARE, String(await freePort())], /PONG/),
  'floor: the same through ioredis': async () =>
    firstLine(node, ['-e', IOREDIS, String(await freePort())], /PONG/),
  'npm itself (npm run env)': () => firstLine('npm', ['run', '--silent', 'env'], /./),
  'chapter 1: its first line': () => firstLine(node, [launcher, 'chapter', '1'], /Chapter 1/),
  'chapter 1: the first line of a program': () =>
    firstLine(node, [launcher, 'chapter', '1'], /entries \|/),
  'npm run chapter 1: its first line': () => firstLine('npm', ['run', 'chapter', '1'], /Chapter 1/),
};

const times = new Map(Object.keys(MEASURED).map((name) => [name, [] as number[]]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, measure] of Object.entries(MEASURED)) times.get(name)?.push(await measure());
}

const median = (name: string) => {
  const sorted = times.get(name)?.toSorted((a, b) => a - b) ?? [];
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
const floor = median('floor: node, redis-server, PING (bare socket)');
console.log(`\n${RUNS} runs each, medians; the ratio is to the first floor\n`);
for (const name of times.keys()) {
  const milliseconds = median(name);
  console.log(
    `${name.padEnd(48)} ${milliseconds.toFixed(0).padStart(5)} ms  ${(milliseconds / floor).toFixed(2)}`,
  );
}
