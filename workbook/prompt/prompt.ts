import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { STATE } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage } from '../../system/process/user-error.ts';
import { Connection } from '../../system/resp/connection.ts';
import { formatReply } from '../../system/resp/format-reply.ts';
import { splitArguments } from '../../system/resp/split-arguments.ts';
import { print, printAsIs, printError } from '../../system/terminal/print.ts';

const HISTORY = join(STATE, 'prompt-history');
const HISTORY_LENGTH = 500;
const PUSHING = new Set(['subscribe', 'psubscribe', 'ssubscribe', 'monitor']);

/** Sends one command and prints its reply. The exit code is 1 when the server answers an error. */
export async function runOne(url: string, command: readonly string[]): Promise<number> {
  const connection = await Connection.open(url);
  const reply = await connection.send(command);
  connection.close();
  printAsIs(formatReply(reply));
  return reply.type === 'error' ? 1 : 0;
}

/**
 * The prompt for machines without redis-cli: history, redis-cli's quoting, replies printed its way.
 * Lines from a pipe are run one by one, without a prompt.
 */
export class Prompt {
  readonly #url: string;
  readonly #lifetime: Lifetime;
  readonly #interactive = process.stdin.isTTY === true;
  #connection: Connection | undefined;
  #busy = false;

  constructor(url: string, lifetime: Lifetime) {
    this.#url = url;
    this.#lifetime = lifetime;
  }

  /** Reads and runs commands until `quit`, Ctrl+D, or the end of the input. */
  async run(): Promise<number> {
    this.#lifetime.endWithCtrlC();
    const lines = createInterface({
      input: process.stdin,
      ...(this.#interactive ? { output: process.stdout, history: readHistory() } : {}),
      prompt: `${new URL(this.#url).host}> `,
    });
    // Ctrl+C gives up a command that waits, and leaves the prompt when nothing does.
    lines.on('SIGINT', () => (this.#busy ? this.#connection?.close() : lines.close()));
    await this.#readLines(lines);
    this.#connection?.close();
    return 0;
  }

  async #readLines(lines: Interface): Promise<void> {
    lines.prompt();
    for await (const line of lines) {
      const command = splitArguments(line);
      const name = command?.[0]?.toString().toLowerCase();
      if (name === 'quit' || name === 'exit') break;
      if (name && this.#interactive) remember(line);
      if (!command) printError('Invalid argument(s)');
      else if (name === 'clear') process.stdout.write('\x1b[2J\x1b[H');
      else if (name === 'help' || name === '?') help();
      else if (name) await this.#run(command, name);
      lines.prompt();
    }
    if (this.#interactive) process.stdout.write('\n');
  }

  async #run(command: readonly Buffer[], name: string): Promise<void> {
    this.#busy = true;
    try {
      if (!this.#connection || this.#connection.closed) {
        this.#connection = await Connection.open(this.#url);
      }
      const connection = this.#connection;
      printAsIs(formatReply(await connection.send(command)));
      if (!PUSHING.has(name)) return;
      // What the server sends by itself is printed until Ctrl+C closes the connection.
      connection.onPush = (reply) => printAsIs(formatReply(reply));
      await connection.untilClosed(this.#lifetime.signal);
      this.#connection = undefined;
    } catch (error) {
      printError(errorMessage(error));
      this.#connection = undefined;
    } finally {
      this.#busy = false;
    }
  }
}

function help(): void {
  print('Type a Redis command: XADD readings * celsius 21.5');
  print('Quote what holds spaces: XADD readings * room "living room"');
  print('Every command is described at https://redis.io/commands. To leave: quit');
}

/** The lines typed before, newest first, as readline wants them. */
function readHistory(): string[] {
  try {
    const lines = readFileSync(HISTORY, 'utf8').trimEnd().split('\n');
    return lines.slice(-HISTORY_LENGTH).reverse();
  } catch {
    return [];
  }
}

function remember(line: string): void {
  try {
    mkdirSync(STATE, { recursive: true });
    appendFileSync(HISTORY, `${line}\n`);
  } catch {
    // A prompt without a history is still a prompt.
  }
}
