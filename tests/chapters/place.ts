import type { Redis } from 'ioredis';
import { testServer } from '../support/redis.ts';
import { Bench, type Running } from '../support/workbook.ts';

export interface Place {
  redis: Redis;
  bench: Bench;
  /** Where programs find the test's server. */
  env: NodeJS.ProcessEnv;
  /** Runs a program of a chapter on the test's server. */
  start(...args: string[]): Running;
}

export async function place(): Promise<Place> {
  const { server, redis } = await testServer();
  const bench = new Bench();
  const env = { REDIS_URL: server.url };
  return { redis, bench, env, start: (...args) => bench.startWith({ env }, 'chapter', ...args) };
}

/** An entry's fields by their names. */
export function toObject(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
  );
}
