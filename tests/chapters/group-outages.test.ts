import { describe, expect, it } from 'vitest';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { place } from './place.ts';

// What becomes of the programs that work in a group when the line, the server or the stream fails them.

const WAIT = { timeout: 30_000 };

const WORKERS = [
  { chapter: '4', program: 'consumer', args: ['alpha'], key: 'sensor_readings' },
  { chapter: '6', program: 'pipeline', args: ['0.1'], key: 'iot_data_stream' },
] as const;

/** A worker that waits in a blocked read, with nothing pending and nothing new, behind a line that can fail. */
async function waitingWorker({ chapter, program, args, key }: (typeof WORKERS)[number]) {
  const { redis, bench } = await place();
  const line = await TcpProxy.open(`redis://127.0.0.1:${redis.options.port}`);
  const env = { REDIS_URL: line.url };
  // What is pending for somebody keeps the pipeline from ending when all is done.
  const group = key === 'sensor_readings' ? 'analytics_group' : 'data_processors';
  await redis.xgroup('CREATE', key, group, '0', 'MKSTREAM');
  const hold = async (id: string) => {
    await redis.xadd(key, id, 'held', 'by somebody else');
    await redis.xreadgroup('GROUP', group, 'somebody', 'STREAMS', key, '>');
    await redis.xclaim(key, group, 'somebody', 0, id, 'TIME', Date.now() + 3_600_000, 'JUSTID');
  };
  await hold('1-0');
  const worker = bench.startWith({ env }, 'chapter', chapter, program, ...args);
  await expect
    .poll(async () => blocked(String(await redis.client('LIST'))), WAIT)
    .toBe(program === 'consumer' ? 1 : 2);
  return { redis, line, worker, group, key, hold };
}

function blocked(clients: string): number {
  return clients.split('\n').filter((client) => /flags=b.* cmd=xreadgroup/.test(client)).length;
}

describe.each(WORKERS)('$program', (program) => {
  it('works on what was handed to a line that had fallen silent', async () => {
    const { redis, line, worker, key } = await waitingWorker(program);

    line.swallow();
    await redis.xadd(key, '9999999999999-0', 'sensorId', 7);

    await worker.says(/acknowledged 9999999999999-0/);
    worker.ctrlC();
    expect((await worker.ended).code).toBe(0);
  });

  it.each([
    ['DEL', (key: string) => ['DEL', key]],
    ['RENAME', (key: string) => ['RENAME', key, 'elsewhere']],
    ['FLUSHALL', () => ['FLUSHALL']],
    ['XGROUP DESTROY', (key: string, group: string) => ['XGROUP', 'DESTROY', key, group]],
  ])('survives a %s while it waits', async (_, deletion) => {
    const { redis, worker, key, group, hold } = await waitingWorker(program);

    const [command = '', ...rest] = deletion(key, group);
    await redis.call(command, ...rest);
    await worker.says(/trying again in a second: .*(NOGROUP|UNBLOCKED)/);
    await expect
      .poll(() => redis.xinfo('GROUPS', key).catch(String), WAIT)
      .toContainEqual(expect.arrayContaining([group]));
    await hold('8888888888888-0').catch(() => {});
    await redis.xadd(key, '9999999999999-0', 'sensorId', 7);

    await worker.says(/acknowledged 9999999999999-0/);
    worker.ctrlC();
    expect((await worker.ended).code).toBe(0);
  });

  it('survives that its server becomes a replica, and a primary again', async () => {
    const { redis, worker, key } = await waitingWorker(program);

    await redis.call('REPLICAOF', '127.0.0.1', '1');
    await worker.says(/trying again in a second: .*(UNBLOCKED|READONLY)[\s\S]*READONLY/);
    await redis.call('REPLICAOF', 'NO', 'ONE');
    await redis.xadd(key, '9999999999999-0', 'sensorId', 7);

    await worker.says(/acknowledged 9999999999999-0/);
    worker.ctrlC();
    expect((await worker.ended).code).toBe(0);
  });
});

describe('a stop while entries are on their way', () => {
  it('leaves nothing pending for the consumer', async () => {
    const { redis, line, worker, key, group } = await waitingWorker(WORKERS[0]);

    line.holdReads();
    await redis.xadd(key, '9999999999999-0', 'sensorId', 7);
    await expect.poll(() => line.held('replies'), WAIT).toBe(1);
    worker.ctrlC();
    const clients = async () => String(await redis.client('LIST'));
    const hasNoticed = async () =>
      /cmd=client\|unblock/.test(await clients()) || !/cmd=xreadgroup/.test(await clients());
    await expect.poll(hasNoticed, WAIT).toBe(true);
    line.passOn();

    expect((await worker.ended).code).toBe(0);
    expect(await redis.xpending(key, group)).toEqual([1, '1-0', '1-0', [['somebody', '1']]]);
  });

  it('leaves nothing pending for the workers of the pipeline', async () => {
    const { redis, bench } = await place();
    const line = await TcpProxy.open(`redis://127.0.0.1:${redis.options.port}`);
    const worker = bench.startWith(
      { env: { REDIS_URL: line.url } },
      'chapter',
      '6',
      'pipeline',
      '60',
    );
    await worker.says(/worker-1: acknowledged[\s\S]*worker-2: acknowledged/);

    line.holdReads();
    await expect.poll(() => line.held('replies'), WAIT).toBe(2);
    worker.ctrlC();
    await worker.says(/producer: done/);
    // Whoever hangs up has hung up by now.
    for (let n = 0; n < 100; n++) await redis.ping();
    line.passOn();

    expect((await worker.ended).code).toBe(0);
    expect((await redis.xpending('iot_data_stream', 'data_processors'))[0]).toBe(0);
  });
});
