import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Actor, Scene, Stage, StartOptions } from '../../chapters/stage.ts';
import { loadTypeScript } from '../../system/load-typescript.ts';
import { CHAPTERS } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import type { ServerInUse } from '../../system/redis/find-server.ts';
import { Connection } from '../../system/resp/connection.ts';
import { formatReply } from '../../system/resp/format-reply.ts';
import { splitArguments } from '../../system/resp/split-arguments.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { print, printGap } from '../../system/terminal/print.ts';
import { wrapped } from '../../system/terminal/wrap.ts';
import { type Chapter, findProgram, SCENE } from './chapters.ts';
import { RunningProgram } from './program.ts';

const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 20;
const NARROWEST_COLUMN = 30;
const LABEL_COLOURS = [colour.cyan, colour.yellow, colour.magenta, colour.green, colour.blue];

const require = createRequire(import.meta.url);

export function loadScene(chapter: Chapter): Scene {
  const file = join(chapter.path, SCENE);
  if (!existsSync(file)) {
    throw new UserError(`Chapter ${chapter.number} has no scene yet: ${file} is missing.`);
  }
  return loadTypeScript(file);
}

/** The Stage on which `npm run chapter N` plays: it prints, and it ends what a scene has started. */
export class ScenePlayer implements Stage {
  readonly #chapter: Chapter;
  readonly #server: ServerInUse;
  readonly #lifetime: Lifetime;
  readonly #programs: RunningProgram[] = [];
  readonly #labels = new Map<string, (text: string) => string>();
  #belowHeading = false;
  #redis: Redis | undefined;
  #prompt: Promise<Connection> | undefined;

  readonly live: boolean;

  constructor(chapter: Chapter, server: ServerInUse, lifetime: Lifetime, live: boolean) {
    this.live = live;
    this.#chapter = chapter;
    this.#server = server;
    this.#lifetime = lifetime;
    lifetime.atEnd(() => this.end());
  }

  get redis(): Redis {
    if (!this.#redis) {
      // Loaded when first asked for: the first words of a scene need not wait for it.
      const ioredis: typeof import('ioredis') = require('ioredis');
      this.#redis = new ioredis.Redis(this.#server.url);
    }
    return this.#redis;
  }

  heading(text: string): void {
    printGap();
    print(colour.bold(text));
    this.#belowHeading = true;
  }

  say(text: string): void {
    if (!this.#belowHeading) printGap();
    this.#belowHeading = false;
    print(paragraph(text.replace(/\s+/g, ' ').trim()));
    printGap();
  }

  async run(program: string, ...args: string[]): Promise<void> {
    await this.start(program, { args }).finish();
  }

  start(program: string, options: StartOptions = {}): Actor {
    this.#lifetime.signal.throwIfAborted();
    this.#belowHeading = false;
    const { args = [], as = basename(program) } = options;
    const label = this.#labelFor(as);
    const listeners = new Set<(line: string) => void>();
    let crashed = false;
    let over = false;

    const running = new RunningProgram(
      this.#fileOf(program),
      { args, url: this.#server.url },
      (line) => {
        print(labelled(label, as, line));
        for (const listener of listeners) listener(line);
      },
    );
    this.#programs.push(running);
    const failed = running.ended.then(({ code }) => {
      over = true;
      if (code === 0 || crashed || this.#lifetime.signal.aborted) return;
      throw new UserError(`\n${as} ended with exit code ${code}; its last lines say why.`);
    });
    failed.catch(() => {});

    return {
      says: async (pattern) => {
        let said: string | undefined;
        listeners.add((line) => {
          if (pattern.test(line)) said ??= line;
        });
        await this.until(`${as} to say ${pattern}`, async () => said !== undefined || over);
        if (said !== undefined) return said;
        await failed;
        throw new UserError(`\n${as} ended without saying ${pattern}, which the scene waits for.`);
      },
      stop: async () => {
        await running.stop();
        await failed;
      },
      crash: async () => {
        crashed = true;
        await running.crash();
        print(`${label} ${colour.red('killed with SIGKILL')}`);
      },
      finish: () => failed,
    };
  }

  async show(command: string): Promise<void> {
    this.#lifetime.signal.throwIfAborted();
    this.#prompt ??= Connection.open(this.#server.url);
    const reply = await (await this.#prompt).send(splitArguments(command) ?? [command]);
    print(`${colour.dim('redis>')} ${colour.bold(command)}`);
    print(formatReply(reply));
    this.#belowHeading = false;
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      this.#lifetime.signal.throwIfAborted();
      if (Date.now() > deadline)
        throw new UserError(`\nThe scene has waited too long for ${what}.`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Whether programs of the scene are still running. */
  get busy(): boolean {
    return this.#programs.some((program) => program.running);
  }

  /** Ends the programs that still run, and the scene's own connections. */
  async end(): Promise<void> {
    await Promise.all(this.#programs.splice(0).map((program) => program.stop()));
    this.#redis?.disconnect();
    (await this.#prompt?.catch(() => undefined))?.close();
  }

  #fileOf(program: string): string {
    if (program.includes('/')) return join(CHAPTERS, `${program}.ts`);
    return findProgram(this.#chapter, program).file;
  }

  #labelFor(name: string): string {
    const next = LABEL_COLOURS[this.#labels.size % LABEL_COLOURS.length] ?? colour.cyan;
    const paint = this.#labels.get(name) ?? next;
    this.#labels.set(name, paint);
    return paint(`${name} |`);
  }
}

/** A program's line behind its label; on a terminal, a line that is too long keeps to its column. */
function labelled(label: string, name: string, line: string): string {
  const { columns } = process.stdout;
  const room = (columns ?? 0) - name.length - ' | '.length;
  if (room < NARROWEST_COLUMN) return `${label} ${line}`;
  return wrapped(line, room)
    .map((row) => `${label} ${row}`)
    .join('\n');
}
