// Speaks for a host. It runs in a realm of its own (start-host.cjs): its Promise, Map and JSON are not those of the submission, and
// nothing in it can be changed once it has begun. What goes in and out are texts and numbers; what a call was given and what it
// returned are texts too, which only the other side of each end can read (values.ts).
import { createBirpc } from 'birpc';
import type { HostEvents, HostFunctions } from '../messages.ts';
import { freezeRealm } from './freeze-realm.ts';
import { SealedLines } from './sealed-lines.ts';

const REST_PATIENCE_MS = 250;
const REST_LOOK_MS = 4;

/** What a witness needs of the realm of the submission, taken hold of before that is loaded. It calls back once. */
export interface Outside {
  digest(text: string): string;
  write(line: string): void;
  setTimeout(callback: () => void, milliseconds: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout): void;
  now(): number;
  /** What keeps the process alive apart from what the grader has opened, with commas between. */
  stillActive(): string;
  load(url: string, done: (result: string) => void): void;
  connect(url: string, name: string, done: (problem: string) => void): void;
  /** @param returned called as soon as the call is over, before what it has left behind is looked at */
  call(name: string, args: string, returned: () => void, done: (result: string) => void): void;
  abort(signal: number): void;
  pingRedis(text: string, done: (reply: string) => void): void;
  /** For a reply of the server on a connection that nothing blocks. */
  oneMoreTurn(done: () => void): void;
  letGo(done: () => void): void;
}

/** What the host says to its witness. */
export interface Witness {
  /** @param chunk of what has come from the supervisor; the first line is the key */
  hear(chunk: string): void;
  callback(id: number, args: string, done: (outcome: string) => void): void;
  trouble(problem: string, done: () => void): void;
}

export function bearWitness(outside: Outside): Witness {
  freezeRealm();
  let sealed: SealedLines | undefined;
  let listener: (text: string) => void = () => {};
  let unread = '';
  /** The calls that have each signal. */
  const loops = new Map<number, Promise<unknown>>();

  // Whoever has got hold of a `done` may hand it anything.
  const answer = (ask: (done: (text: string) => void) => void): Promise<string> =>
    new Promise((resolve) => ask((text) => resolve(`${text}`)));

  const functions: HostFunctions = {
    load: (url) => answer((done) => outside.load(url, done)),

    async connect(url, name) {
      loops.clear();
      const problem = await answer((done) => outside.connect(url, name, done));
      if (problem) throw new Error(problem);
    },

    call: (name, args, signals) =>
      answer((done) => {
        const over = new Promise<void>((returned) => {
          outside.call(name, args, () => returned(), done);
        });
        for (const signal of signals) loops.set(signal, Promise.all([loops.get(signal), over]));
      }),

    abort(signal, limitMs) {
      outside.abort(signal);
      return new Promise((resolve) => {
        // On a busy machine timers and replies are late for everybody: one more turn for both.
        const tooLate = () => outside.oneMoreTurn(() => resolve(false));
        const limit = outside.setTimeout(tooLate, limitMs);
        const over = Promise.resolve(loops.get(signal));
        void over.then(() => {
          outside.clearTimeout(limit);
          resolve(true);
        });
      });
    },

    async ping() {},

    pingRedis: (text) => answer((done) => outside.pingRedis(text, done)),

    async rest() {
      await answer((done) => outside.letGo(() => done('')));
      // What a submission leaves behind may still throw; and a socket takes a moment to close.
      const deadline = outside.now() + REST_PATIENCE_MS;
      while (outside.stillActive() && outside.now() < deadline) {
        await new Promise<void>((resolve) => {
          outside.setTimeout(resolve, REST_LOOK_MS);
        });
      }
      return outside.stillActive();
    },
  };

  const supervisor = createBirpc<HostEvents, HostFunctions>(functions, {
    post: (text: string) => outside.write(`${sealed?.seal(text)}\n`),
    on: (listen) => {
      listener = listen;
    },
    serialize: (message) => JSON.stringify(message.e ? { ...message, e: `${message.e}` } : message),
    deserialize: (text) => JSON.parse(text),
    timeout: -1,
  });

  const hearLine = (line: string) => {
    // No submission is there yet when the key comes.
    if (!sealed) {
      sealed = new SealedLines(line, 'host', outside.digest);
      return;
    }
    const text = sealed.open(line);
    if (text !== undefined) listener(text);
  };

  return Object.freeze<Witness>({
    hear(chunk) {
      const lines = (unread + chunk).split('\n');
      unread = lines.pop() ?? '';
      for (const line of lines) hearLine(line);
    },
    callback: (id, args, done) => void supervisor.callback(id, args).then(done),
    trouble: (problem, done) => void supervisor.trouble(problem).then(done, done),
  });
}
