import { once } from 'node:events';
import type { Redis } from 'ioredis';

/** What a connection says to introduce itself, and to show that it is there, is nobody's solution. */
const INTRODUCTION = /^(hello|client|info|auth|select|ping)$/i;
const LONGEST_LINE = 400;
const BARE = /^[\w@%+=:,./*$<>~^()[\]-]+$/;

/** A command that a worker has sent. */
export interface Recorded {
  readonly worker: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  /** As MONITOR shows them: bytes that cannot be printed are escaped, for redis-cli to read back. */
  readonly args: readonly string[];
}

/** Writes down what the submission sends to a server (MONITOR), and who sent it. */
export class Recorder {
  readonly #redis: Redis;
  /** The grader's own connection, as the server sees it. */
  readonly #own: string;
  readonly #names = new Map<string, string>();
  #commands: Recorded[] = [];
  #monitor: Redis | undefined;
  #marks = new Map<string, () => void>();

  private constructor(redis: Redis, own: string) {
    this.#redis = redis;
    this.#own = own;
  }

  /** Must come before the first worker connects: a connection says its name only once. */
  static async attach(redis: Redis): Promise<Recorder> {
    const [, own = ''] = /\baddr=(\S+)/.exec(String(await redis.client('INFO'))) ?? [];
    const recorder = new Recorder(redis, own);
    await recorder.#listen();
    redis.once('end', () => recorder.#monitor?.disconnect());
    return recorder;
  }

  /** Does something that writes so much that it is not worth recording. */
  async pauseDuring(task: () => Promise<unknown>): Promise<void> {
    const ended = this.#monitor && once(this.#monitor, 'end');
    this.#monitor?.disconnect();
    await ended;
    await task();
    await this.#listen();
  }

  clear(): void {
    this.#commands = [];
    this.#names.clear();
  }

  /** All commands until now, in the order in which the server ran them. */
  async commands(): Promise<readonly Recorded[]> {
    const mark = `mark-${Math.random()}`;
    await new Promise<void>((resolve) => {
      this.#marks.set(mark, resolve);
      void this.#redis.echo(mark).catch(() => resolve());
    });
    return this.#commands;
  }

  async #listen(): Promise<void> {
    const monitor = await this.#redis.monitor();
    monitor.on('error', () => {});
    monitor.on('monitor', (seconds: string, args: string[], source: string) =>
      this.#record(Number(seconds) * 1000, args, source),
    );
    this.#monitor = monitor;
  }

  #record(at: number, args: string[], source: string): void {
    const [command = '', first = '', second = ''] = args;
    if (command === 'echo' && this.#marks.has(first)) {
      this.#marks.get(first)?.();
      this.#marks.delete(first);
      return;
    }
    if (/^client$/i.test(command) && /^setname$/i.test(first)) this.#names.set(source, second);
    if (source === this.#own || INTRODUCTION.test(command)) return;
    const worker = source === 'lua' ? '(script)' : (this.#names.get(source) ?? '(unnamed)');
    this.#commands.push({ worker, at, args });
  }
}

/** A command as a line that can be pasted into redis-cli, unless it is so long that nobody would. */
export function asLine({ args }: Recorded): string {
  const [command = '', ...rest] = args;
  const line = [command.toUpperCase(), ...rest.map(quoted)].join(' ');
  if (line.length <= LONGEST_LINE) return line;
  return `${line.slice(0, LONGEST_LINE)} ... (${line.length - LONGEST_LINE} characters more)`;
}

/** MONITOR has escaped everything but the quotes around it. */
function quoted(text: string): string {
  return BARE.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
