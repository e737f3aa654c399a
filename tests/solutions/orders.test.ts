import { expect, it } from 'vitest';
import { testServer } from '../support/redis.ts';
import { add, ORDERS, pending, start } from './loops.ts';

const MANY = 5000;
const PAGE = 1000;
const SOON = { timeout: 50_000, interval: 20 };

it('asks nothing about an order that comes for the first time', async () => {
  const { redis } = await testServer();
  for (let count = 0; count < MANY; count += PAGE) await add(ORDERS, redis, PAGE);

  const alice = start(ORDERS, redis);
  await expect.poll(() => alice.begun.length, SOON).toBe(MANY);
  await alice.stop();

  expect(await pending(ORDERS, redis)).toEqual([]);
  const calls = await callsOf(redis.info('commandstats'));
  expect(calls.get('xack')).toBe(MANY);
  expect(calls.get('xreadgroup')).toBeLessThan(MANY / 10 + 10);
  expect(calls.get('xpending') ?? 0).toBeLessThan(10);
});

/** How often each command was called, by its name in small letters. */
async function callsOf(info: Promise<string>): Promise<ReadonlyMap<string, number>> {
  const lines = (await info).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm);
  return new Map(Array.from(lines, ([, name = '', calls]) => [name, Number(calls)]));
}
