// Long work renews its hold on an entry, and never robs whoever has taken it over meanwhile: XCLAIM by
// the holder, in a script that looks first (EVAL). Needs nothing beside it.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

// ioredis leaves the reply of XPENDING untyped.
type Detail = [id: string, consumer: string, idleMs: number, deliveries: number];

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:films';
const group = 'cutters';
const minIdleMs = 400;
await redis.del(stream); // a clean start, so that this can be run again
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
await redis.xadd(stream, '1-0', 'film', 'four hours of it');

const renewal = `
  -- KEYS: the stream. ARGV: the group, our name, the entry's id.
  -- Is it still ours? XCLAIM does not ask: it would take it from whoever has it by now.
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
  return #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')`;

/** Starts the idle time again, and counts no delivery. False when the entry is no longer ours. */
async function renew(me: string, id: string): Promise<boolean> {
  return (await redis.eval(renewal, 1, stream, group, me, id)) === 1;
}
async function look(): Promise<Detail[]> {
  return (await redis.xpending(stream, group, '-', '+', 1)) as Detail[];
}
async function show(what: string): Promise<void> {
  for (const [id, holder, , deliveries] of await look())
    console.log(`${what}: ${holder} has ${id}, deliveries: ${deliveries}`);
}
/** Waits as long as it takes until somebody else may take it. */
async function growOld(): Promise<void> {
  for (let idleMs = 0; idleMs < minIdleMs; await sleep(50)) idleMs = (await look())[0]?.[2] ?? 0;
}

await redis.xreadgroup('GROUP', group, 'alice', 'STREAMS', stream, '>');
await show('alice cuts it');

await growOld();
const claim = () => redis.xclaim(stream, group, 'bob', minIdleMs, '1-0');
const [renewed, given] = await Promise.all([renew('alice', '1-0'), claim()]);
console.log(`alice renews her hold: ${renewed}; bob was given: ${given.length}`); // → true, 0
await show('still'); // → alice, deliveries: 1

console.log('alice is paused');
await growOld();
await claim();
await show('bob takes over'); // → bob, deliveries: 2

console.log(`alice renews her hold: ${await renew('alice', '1-0')}`); // → false: she has to stop
await show('still'); // → bob

// What many do for a heartbeat: without the look, alice robs bob, who is alive and busy.
await redis.xclaim(stream, group, 'alice', 0, '1-0', 'JUSTID');
await show('without the look'); // → alice

redis.disconnect();

// Try next: acknowledge 1-0 before a renewal. And delete it (XDEL): what is left on the list?
