import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changed, readBase } from '../support/base.ts';
import { failed, type Graded, gradeAll } from '../support/grading.ts';
import { ROOT } from '../support/workbook.ts';

// Submissions that mean harm, or make a bad mistake. Each gets a verdict of its own where it does so, and is graded
// like any other everywhere else.

const CORRECT = readBase('orders');
const PUBLISH = '  const { productId, userId, quantity, timestamp } = order;\n';
/** What it fails, and some that it passes. */
const CHECKED = ['publish', 'trim', 'group', 'work', 'pending'];
const PATIENCE = { timeout: 300_000 };

/** A correct submission, but publishOrder does this first. */
function publishing(statement: string): string {
  return changed(CORRECT, [PUBLISH, `  ${statement}\n${PUBLISH}`]);
}

interface Hostile {
  readonly code: string;
  /** The requirements that fail; `all` of them. */
  readonly fails: readonly string[] | 'all';
  /** Those that fail on some days only. */
  readonly mayFail?: readonly string[];
  readonly status?: string;
  readonly happened?: RegExp;
}

const IN_PUBLISH = ['publish', 'trim'];
/** On a busy machine it may take so long that it looks like an endless loop, which it is. */
const exhausts = (statement: string, happened: RegExp): Hostile => ({
  code: publishing(statement),
  fails: IN_PUBLISH,
  happened,
});
const crashes = (statement: string, happened: RegExp): Hostile => ({
  code: publishing(statement),
  fails: IN_PUBLISH,
  status: 'crashed',
  happened,
});
const forbidden = (statement: string, happened: RegExp): Hostile => ({
  code: publishing(statement),
  fails: IN_PUBLISH,
  status: 'failed',
  happened,
});
const broken = (code: string, happened: RegExp): Hostile => ({
  code,
  fails: 'all',
  status: 'crashed',
  happened,
});

const HOSTILE: Record<string, Hostile> = {
  'process.exit': crashes('process.exit(0);', /process\.exit\(0\)/),
  'process.reallyExit': crashes('(process as any).reallyExit(0);', /process\.exit\(0\)/),
  'SIGKILL of itself': crashes("process.kill(process.pid, 'SIGKILL');", /SIGKILL/),
  abort: crashes('process.abort();', /SIGABRT/),
  'a rejection that nobody handles': crashes(
    "void Promise.reject(new Error('forgotten'));",
    /nobody caught.*forgotten/,
  ),
  'a throw in a timer': crashes(
    "setTimeout(() => { throw new Error('too late'); }, 30);",
    /nobody caught.*too late/,
  ),
  'a throw': crashes("throw new TypeError('no orders today');", /it threw: no orders today/),
  'a throw of something that is no Error': crashes("throw 'tea';", /'tea', which is no Error/),
  'a flood of output': exhausts(
    "for (;;) process.stdout.write('tea '.repeat(10_000));",
    /printed without end|memory|endless loop/,
  ),
  '2 GB of memory': exhausts(
    '(globalThis as any).hoard = [Buffer.alloc(1e9, 1), Buffer.alloc(1e9, 1)]; await new Promise((r) => setTimeout(r, 3000));',
    /512 MB of memory|endless loop/,
  ),
  'a heap that grows without end': exhausts(
    'const hoard = []; for (;;) hoard.push(new Array(100_000).fill(0).map(String));',
    /memory|endless loop/,
  ),
  'an endless loop': {
    code: publishing('for (;;) {}'),
    fails: IN_PUBLISH,
    status: 'timed out',
    happened: /endless loop/,
  },
  'a promise that never settles': {
    code: publishing('await new Promise(() => {});'),
    fails: IN_PUBLISH,
    status: 'timed out',
    happened: /something that does not come/,
  },
  'BLOCK 0': {
    code: publishing("await redis.xread('BLOCK', 0, 'STREAMS', 'nothing', '$');"),
    fails: IN_PUBLISH,
    status: 'timed out',
    happened: /BLOCK 0/,
  },
  'a process that stops itself': {
    code: publishing("process.kill(process.pid, 'SIGSTOP');"),
    fails: IN_PUBLISH,
    status: 'timed out',
    happened: /does not react/,
  },
  'deafness to the grader': {
    // What it was asked to before that, it does; whatever comes later it does not hear.
    code: publishing("process.removeAllListeners('message');"),
    fails: [],
    mayFail: IN_PUBLISH,
  },
  'redis.quit()': { code: publishing('await redis.quit();'), fails: IN_PUBLISH },
  'redis.disconnect()': { code: publishing('redis.disconnect();'), fails: IN_PUBLISH },
  FLUSHALL: forbidden('await redis.flushall();', /it sent FLUSHALL/),
  'FLUSHALL in a script': forbidden(
    'await redis.eval("redis.call(\'FLUSHALL\')", 0);',
    /it sent FLUSHALL/,
  ),
  SHUTDOWN: forbidden('await redis.shutdown().catch(() => {});', /it sent SHUTDOWN/),
  'CONFIG SET': forbidden(
    "await redis.config('SET', 'maxmemory', '1').catch(() => {});",
    /it sent CONFIG SET/,
  ),
  'CLIENT KILL': forbidden(
    "await redis.client('KILL', 'TYPE', 'normal').catch(() => {});",
    /it sent CLIENT KILL/,
  ),
  'a new password for everybody': forbidden(
    "await redis.acl('SETUSER', 'default', '>secret').catch(() => {});",
    /it sent ACL SETUSER/,
  ),
  'a detached grandchild': {
    code: publishing(
      "const { spawn } = await import('node:child_process'); spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();",
    ),
    fails: [],
  },
  'a grandchild': {
    code: publishing(
      "const { spawn } = await import('node:child_process'); spawn('sleep', ['600'], { stdio: 'ignore' });",
    ),
    fails: [],
  },
  'a forged message to the grader': {
    code: publishing("(process as any).send?.({ t: 's', i: '1', r: { ok: true } });"),
    fails: [],
  },
  'console.log all over': {
    code: publishing("console.log('✓ 100 of 100 points'); console.error('not an error');"),
    fails: [],
  },
  'a syntax error': broken(
    changed(CORRECT, ['export async function publishOrder', 'export asink function publishOrder']),
    /orders\.ts:\d+:\d+: /,
  ),
  'a missing export': {
    code: changed(CORRECT, ['export async function publishOrder', 'async function publishOrder']),
    fails: IN_PUBLISH,
    status: 'failed',
    happened: /nothing of that name/,
  },
  'an export of the wrong kind': {
    code: `${changed(CORRECT, ['export async function publishOrder', 'async function publish'])}\nexport const publishOrder = { publish };\n`,
    fails: IN_PUBLISH,
    status: 'failed',
    happened: /an object/,
  },
  'an empty file': { code: '', fails: 'all', status: 'failed', happened: /nothing of that name/ },
  'an import of the solutions': broken(
    "export * from '../../solutions/01-order-processing/orders.ts';",
    /solutions are for reading/,
  ),
  'an import of the solutions by their whole path': broken(
    `export * from '${join(ROOT, 'solutions/01-order-processing/orders.ts')}';`,
    /solutions are for reading/,
  ),
  'an import of vitest': broken(
    `import { chai } from 'vitest';\nchai.Assertion.prototype.assert = () => {};\n${CORRECT}`,
    /imports 'vitest'/,
  ),
  'an import of a package that is not there': broken(
    `import 'left-pad';\n${CORRECT}`,
    /no such package/,
  ),
  'an error at top level': broken(`${CORRECT}\nthrow new Error('not today');`, /not today/),
  'an exit at top level': broken(`${CORRECT}\nprocess.exit(0);`, /while it was being loaded/),
  'an await at top level that never ends': broken(
    `${CORRECT}\nawait new Promise(() => {});`,
    /not loaded within 8 seconds/,
  ),
  'an endless loop at top level': broken(`${CORRECT}\nfor (;;) {}`, /not loaded within 8 seconds/),
};

const cases = Object.entries(HOSTILE);
const batch = gradeAll(
  'orders',
  'orders.ts',
  cases.map(([name, { code }]) => ({ name, code, only: CHECKED })),
);

describe('a submission with', () => {
  it.each(cases)(
    '%s gets its verdict',
    PATIENCE,
    async (name, { fails, mayFail = [], status, happened }) => {
      const { results } = await batch;
      const graded: readonly Graded[] = results.get(name) ?? [];

      expect(graded).toHaveLength(CHECKED.length);
      const wanted = fails === 'all' ? graded.map(({ id }) => id) : fails;
      const why = graded.map(({ id, happened }) => `${id}: ${happened}`).join('\n');
      const found = failed(graded).filter((id) => !mayFail.includes(id));
      expect(found, why).toEqual(wanted);
      for (const one of graded.filter(({ id }) => wanted.includes(id))) {
        if (status) expect(one.status, one.happened).toBe(status);
        if (happened) expect(one.happened).toMatch(happened);
        expect(one.points).toBe(0);
      }
    },
  );
});

describe('after all of them', () => {
  it('no process is left', PATIENCE, async () => {
    expect((await batch).survivors).toEqual([]);
  });
});
