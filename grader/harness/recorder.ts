import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { encodeCommand } from '../../system/resp/connection.ts';
import { isScript, scriptDigest, scriptTitle } from './command-line.ts';
import type { Recorded } from './recorded.ts';

export { asLine } from './command-line.ts';
export type { Recorded } from './recorded.ts';

/** What a connection says to introduce itself, and to show that it is there, is nobody's solution. */
const INTRODUCTION = /^(hello|client|info|auth|select|ping)$/i;
/** A line of MONITOR: `+1790000000.123456 [0 127.0.0.1:4711] "xadd" "orders:new" ...`; of a script, `[0 lua]`. */
const LINE = /^\+([\d.]+) \[\d+ ([^\]]+)\] "(.*)"$/s;

/**
 * Writes down what the submission sends to a server (MONITOR), and who sent it. Most of it nobody ever asks for: what comes
 * in is kept as it is, and read when somebody does.
 */
export class Recorder {
  readonly #redis: Redis;
  readonly #address: URL;
  /** Where the grader's own connections come from, as the server sees it. */
  readonly #own: ReadonlySet<string>;
  readonly #names = new Map<string, string>();
  /** What scripts are called: by what EVALSHA calls them, and by their texts. */
  readonly #scripts = new Map<string, string>();
  /** Who has sent the script that runs now. */
  #scriptBy = '';
  #commands: Recorded[] = [];
  #unread: Buffer[] = [];
  #monitor: Socket | undefined;
  /** Who waits for something to come in. */
  readonly #listeners = new Set<(chunk?: Buffer) => void>();

  private constructor(redis: Redis, address: URL, own: ReadonlySet<string>) {
    this.#redis = redis;
    this.#address = address;
    this.#own = own;
  }

  /** Must come before the first worker connects: a connection says its name only once. */
  static async attach(redis: Redis, url: string, own: ReadonlySet<string>): Promise<Recorder> {
    const recorder = new Recorder(redis, new URL(url), own);
    await recorder.#listen();
    redis.once('end', () => recorder.#monitor?.destroy());
    return recorder;
  }

  /** Does something that writes so much that it is not worth recording. */
  async pauseDuring(task: () => Promise<unknown>): Promise<void> {
    await this.commands();
    const closed = this.#monitor && once(this.#monitor, 'close');
    this.#monitor?.destroy();
    await closed;
    await task();
    await this.#listen();
  }

  clear(): void {
    this.#commands = [];
    this.#unread = [];
    this.#names.clear();
    this.#scripts.clear();
  }

  /** All commands until now, in the order in which the server ran them. */
  async commands(): Promise<readonly Recorded[]> {
    const mark = `mark-${Math.random()}`;
    // MONITOR shows the mark behind all that came before it.
    const shown = this.#shows(`"${mark}"\r\n`);
    const echoed = await this.#redis.echo(mark).catch(() => undefined);
    if (echoed !== undefined) await shown;
    this.#read();
    return this.#commands;
  }

  /** Waits until this has come in, from now on, or nothing will come any more. */
  #shows(text: string): Promise<void> {
    let tail = '';
    return new Promise((resolve) => {
      const look = (chunk?: Buffer) => {
        tail = tail.slice(-text.length) + (chunk?.toString('latin1') ?? '');
        if (chunk && !tail.includes(text)) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
    });
  }

  async #listen(): Promise<void> {
    const { hostname, port, username, password } = this.#address;
    const monitor = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#monitor = monitor;
    monitor.on('error', () => {});
    monitor.on('close', () => this.#tell());
    monitor.on('data', (chunk: Buffer) => {
      this.#unread.push(chunk);
      this.#tell(chunk);
    });
    const listens = this.#shows('+OK\r\n+OK\r\n');
    monitor.write(encodeCommand(['AUTH', username, password]));
    monitor.write(encodeCommand(['MONITOR']));
    await listens;
  }

  /** @param chunk undefined at the end */
  #tell(chunk?: Buffer): void {
    for (const listener of this.#listeners) listener(chunk);
  }

  /** Reads what has come in since the last time; the rest of a line that has not come whole waits for the next. */
  #read(): void {
    const text = Buffer.concat(this.#unread).toString();
    const end = text.lastIndexOf('\r\n') + 2;
    this.#unread = end < text.length ? [Buffer.from(text.slice(end))] : [];
    for (const line of text.slice(0, end).split('\r\n')) {
      const [, seconds, source, args] = LINE.exec(line) ?? [];
      if (source === undefined || args === undefined) continue;
      const words = args.split('" "').map((word) => word.replaceAll('\\"', '"'));
      this.#note(Number(seconds) * 1000, words, source);
    }
  }

  #note(at: number, args: string[], source: string): void {
    const [command = '', first = '', second = ''] = args;
    if (/^client$/i.test(command) && /^setname$/i.test(first)) this.#names.set(source, second);
    if (source === 'lua') {
      const sender = this.#nameOf(this.#scriptBy);
      if (sender) this.#commands.push({ worker: '(script)', sender, at, args });
      return;
    }
    if (isScript(command)) this.#scriptBy = source;
    const worker = this.#nameOf(source);
    if (!worker || INTRODUCTION.test(command)) return;
    const script = this.#scriptOf(command, first, second);
    this.#commands.push({ worker, at, args, ...(script ? { script } : {}) });
  }

  /** Undefined for the grader itself. */
  #nameOf(source: string): string | undefined {
    return this.#own.has(source) ? undefined : (this.#names.get(source) ?? '(unnamed)');
  }

  /** What the script is called that a command runs; one that it loads is remembered. */
  #scriptOf(command: string, first: string, second: string): string | undefined {
    if (/^evalsha/i.test(command)) return this.#scripts.get(first.toLowerCase());
    const isLoaded = /^script$/i.test(command) && /^load$/i.test(first);
    if (!isLoaded && !/^eval/i.test(command)) return undefined;
    const text = isLoaded ? second : first;
    const title = this.#scripts.get(text) ?? scriptTitle(text);
    if (!this.#scripts.has(text)) {
      this.#scripts.set(text, title);
      this.#scripts.set(scriptDigest(text), title);
    }
    return isLoaded ? undefined : title;
  }
}
