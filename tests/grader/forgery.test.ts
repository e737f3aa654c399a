import { describe, expect, it } from 'vitest';
import { changed, readBase } from '../support/base.ts';
import { failed, type Graded, gradeAll } from '../support/grading.ts';

// Submissions that answer in the grader's place. Each has a worker that never returns, and does what it can to hide that.

const CORRECT = readBase('orders');
const PATIENCE = { timeout: 300_000 };
const END = "    signal.removeEventListener('abort', disconnect);\n    disconnect();\n";

/** A worker that does all its work, and never returns; `code` comes before everything else. */
const neverReturning = (code: string, atTheEnd = ''): string =>
  `${code}\n${changed(CORRECT, [END, `${END}    ${atTheEnd}\n    await new Promise(() => {});\n`])}`;

/** A worker that returns, and does this when it has. */
const leaving = (code: string, statement: string): string =>
  `${code}\n${changed(CORRECT, [END, `${END}    ${statement}\n`])}`;

const FORGERIES: Record<string, string> = {
  'nothing else': neverReturning(''),

  // What would have been enough for the messages of Node itself, with a password in each.
  'a serializer that listens for a password': neverReturning(`
import v8 from 'node:v8';
const { writeValue } = v8.Serializer.prototype;
let password: unknown;
v8.Serializer.prototype.writeValue = function (value: any) {
  password = value?.password ?? password;
  return writeValue.call(this, value);
};
const calls: { i: string; args: string }[] = [];
const answer = (i: string, r: unknown) =>
  (process as any)._send?.({ password, message: { t: 's', i, r } }, undefined, {}, () => {});
process.on('message', (message: any) => {
  if (message?.m === 'call') calls.push({ i: message.i, args: JSON.stringify(message.a) });
  if (message?.m === 'abort') {
    setTimeout(() => {
      answer(message.i, true);
      const ends = calls.filter(({ args }) => args.includes('"$signal":' + message.a[0] + '}'));
      for (const { i } of ends) answer(i, { ok: true, value: undefined });
    }, 900).unref();
  }
});`),

  'a socket that rewrites what is said': neverReturning(`
import net from 'node:net';
for (const name of ['_write', '_writeGeneric', '_writev', 'write'] as const) {
  const original = (net.Socket.prototype as any)[name];
  (net.Socket.prototype as any)[name] = function (...args: any[]) {
    const better = args.map((arg) =>
      typeof arg === 'string' ? arg.replace('"r":false', '"r":true') : Buffer.isBuffer(arg)
        ? Buffer.from(arg.toString('latin1').replace('"r":false', '"r":true'), 'latin1') : arg);
    return original.apply(this, better);
  };
}`),

  'lines said again, on the pipe itself': neverReturning(`
import net from 'node:net';
import fs from 'node:fs';
const said: string[] = [];
const original = (net.Socket.prototype as any)._writeGeneric;
(net.Socket.prototype as any)._writeGeneric = function (writev: boolean, data: any, ...rest: any[]) {
  if (/^[0-9a-f]{64} /.test(String(data))) {
    said.push(String(data));
    for (const line of said) try { fs.writeSync(3, line.replace('"r":false', '"r":true')); } catch {}
  }
  return original.call(this, writev, data, ...rest);
};`),

  'a hash that listens for the key': neverReturning(`
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
const heard: string[] = [];
const { hash } = crypto;
(crypto as any).hash = (algorithm: string, text: string, ...rest: any[]) => {
  heard.push(text);
  return (hash as any)(algorithm, text, ...rest).replace(/./, '0');
};
syncBuiltinESMExports();`),

  'promises that are settled at once': neverReturning(`
const { then } = Promise.prototype;
Promise.prototype.then = function (this: any, ok: any, no: any) {
  if (/OurPromise|\\[native code\\]|isOver|done/.test(String(ok))) setTimeout(() => ok?.(), 900).unref();
  return then.call(this, ok, no);
} as any;`),

  'apply and call of its own': neverReturning(`
const { call, apply } = Function.prototype;
Function.prototype.apply = function (this: any, self: any, args: any) {
  if (self && typeof self === 'object' && 'rest' in self) return true;
  return Reflect.apply(this, self, args ?? []);
};
(Reflect as any).apply = ((original) => (...args: [any, any, any]) => {
  const result = original(...args);
  return result instanceof Promise ? Promise.race([result, new Promise((r) => setTimeout(r, 900))]) : result;
})(Reflect.apply);`),

  'polluted prototypes': neverReturning(`
for (const [name, value] of Object.entries({ ok: true, r: true, i: 0, toJSON: undefined })) {
  Object.defineProperty(Object.prototype, name, { get: () => value, set() {}, configurable: true });
}
Map.prototype.get = () => undefined;
(Array.prototype as any).flatMap = () => [];
JSON.stringify = () => '{"t":"s","r":true}';`),

  'a witness that is looked for with async_hooks': neverReturning(`

import { createHook } from 'node:async_hooks';

const met = new Set<object>();
createHook({
  init(_id, _type, _trigger, resource: any) {
    for (const one of [resource, resource?._onTimeout]) {
      const prototype = one && Object.getPrototypeOf(one);
      if (!prototype || met.has(prototype) || prototype === Promise.prototype) continue;
      met.add(prototype);
      const realm = prototype.constructor?.constructor;
      try { realm?.('Promise.prototype.then = function (ok) { ok(true); }; Map.prototype.get = () => 0;')(); } catch {}
      try { prototype.then = (ok: any) => ok(true); } catch {}
      try { Object.getPrototypeOf(prototype.constructor).apply = () => true; } catch {}
    }
  },
}).enable();`),

  'timers that never fire': neverReturning(`

import { setInterval as every } from 'node:timers';

const sample: any = setTimeout(() => {}, 1);
Object.getPrototypeOf(sample).unref = function () {
  if (this._idleTimeout > 1000) clearTimeout(this);
  return this;
};
void every;`),

  'a pipe that is closed': neverReturning(
    '',
    "const fs = await import('node:fs'); try { fs.closeSync(3); } catch {}",
  ),

  'an exit that is quiet': neverReturning('', 'setTimeout(() => process.exit(0), 50);'),

  'a thread that goes on': leaving(
    `import { Worker as Thread } from 'node:worker_threads';`,
    `new Thread(\`require('node:net').connect(\${JSON.stringify({ host: redis.options.host, port: redis.options.port })}); setInterval(() => {}, 1000);\`, { eval: true }).unref();
    process.getActiveResourcesInfo = () => [];
    await new Promise((resolve) => setTimeout(resolve, 200));`,
  ),

  'a process that goes on': leaving(
    `import { spawn } from 'node:child_process';`,
    `spawn(process.execPath, ['-e', \`require('node:net').connect(\${JSON.stringify({ host: redis.options.host, port: redis.options.port })}); setInterval(() => {}, 1000);\`], { detached: true, stdio: 'ignore' }).unref();
    await new Promise((resolve) => setTimeout(resolve, 200));`,
  ),

  "commands under the grader's name": leaving(
    '',
    `const list = String(await redis.client('LIST'));
    await redis.client('SETNAME', /name=(grader-\\S+)/.exec(list)?.[1] ?? 'none');
    setInterval(() => void redis.xlen('orders:new').catch(() => {}), 50).unref();`,
  ),
};

const cases = Object.entries(FORGERIES);
const batch = gradeAll(
  'orders',
  'orders.ts',
  cases.map(([name, code]) => ({ name, code, only: ['stop'] })),
);

describe('a worker that goes on after its stop, with', () => {
  it.each(cases)('%s, gets no points for it', PATIENCE, async (name) => {
    const graded: readonly Graded[] = (await batch).results.get(name) ?? [];

    const said = graded.map(
      ({ status, expected, happened }) => `${status}: ${expected}: ${happened}`,
    );
    expect(failed(graded), said.join()).toEqual(['stop']);
    expect(graded[0]?.points).toBe(0);
  });
});

describe('a host', () => {
  it(
    'has nothing that looks into its memory, and leaves the objects of a submission as they are',
    PATIENCE,
    async () => {
      const code = `
export async function publishOrder() {
  const modules: any[] = [
    await import('node:inspector'),
    await import('node:inspector/promises'),
    await import('node:v8'),
  ];
  const left = modules
    .flatMap((one) => [one, one.default])
    .flatMap((one) => [one.Session, one.getHeapSnapshot, one.writeHeapSnapshot, one.setFlagsFromString])
    .filter(Boolean);
  const frozen = [Object.prototype, Function.prototype, Promise.prototype, Map].filter(Object.isFrozen);
  throw new Error(\`\${left.length} left, \${frozen.length} frozen\`);
}`;
      const { results } = await gradeAll('orders', 'orders.ts', [
        { name: 'x', code, only: ['publish'] },
      ]);

      expect(results.get('x')?.[0]?.happened).toBe('it threw: 0 left, 0 frozen');
    },
  );

  it.each([
    ['memory that is shared', 'new SharedArrayBuffer(8)', /./],
    ['a getter that throws', '{ get id() { throw new Error("no"); } }', /./],
    ['a hundred megabytes', '"x".repeat(1e8)', /8 MB at once|512 MB of memory/],
  ])('hands over %s as something that is no id', PATIENCE, async (_, value, happened) => {
    const code = `export const publishOrder = async (): Promise<any> => (${value});`;
    const { results } = await gradeAll('orders', 'orders.ts', [
      { name: 'x', code, only: ['publish'] },
    ]);

    const [publish] = results.get('x') ?? [];
    expect(publish?.status).not.toBe('passed');
    expect(publish?.happened).not.toMatch(/the grader has none/);
    expect(publish?.happened).toMatch(happened);
  });
});
