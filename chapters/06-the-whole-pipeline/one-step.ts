// Two workers hold the same entry, and both carry out its effect. What comes of it with MULTI, with a
// script that acknowledges first, with one that looks first (EVAL). Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:sales';
const group = 'tills';
const total = 'workbook:sales:total';

/** A sale of 25 that alice was given. She was paused, and bob has taken it over: both hold it. */
async function twoHoldIt(): Promise<void> {
  await redis.del(stream, total); // a clean start, so that this can be run again
  await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  await redis.xadd(stream, '1-0', 'euro', 25);
  await redis.xreadgroup('GROUP', group, 'alice', 'STREAMS', stream, '>');
  await redis.xclaim(stream, group, 'bob', 0, '1-0'); // 0, so that this need not wait
}
async function show(what: string): Promise<void> {
  const [pending] = await redis.xpending(stream, group);
  const sum = (await redis.type(total)) === 'list' ? 'broken' : await redis.get(total);
  console.log(`${what.padEnd(36)} total ${sum}, pending ${pending}`);
}

async function withMulti(): Promise<void> {
  await redis.multi().incrby(total, 25).xack(stream, group, '1-0').exec();
}

async function withScript(script: string, me: string): Promise<string> {
  return redis.eval(script, 2, stream, total, group, me, '1-0', 25).then(
    (done) => (done === 1 ? 'done' : 'not mine any more'),
    (error: Error) => error.message.split(' ')[0] ?? '',
  );
}
const ackFirst = `
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[3]) == 0 then return 0 end
  redis.call('INCRBY', KEYS[2], ARGV[4])
  return 1`;
const lookFirst = `
  -- KEYS: the stream, the total. ARGV: the group, our name, the entry's id, the amount.
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
  redis.call('INCRBY', KEYS[2], ARGV[4]) -- the one that can fail comes first
  return redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])`;

await twoHoldIt();
await withMulti(); // bob
await withMulti(); // and alice, who has woken up: nothing in it looks whether she may
await show('MULTI twice:'); // → total 50: the sale counts twice

await twoHoldIt();
await redis.lpush(total, 'somebody else uses this key');
console.log('bob, XACK first:', await withScript(ackFirst, 'bob')); // → WRONGTYPE
await show('acknowledged, without its effect:'); // → pending 0: the sale is lost. Nothing is undone

await twoHoldIt();
await redis.lpush(total, 'somebody else uses this key');
console.log('bob, a look first:', await withScript(lookFirst, 'bob')); // → WRONGTYPE
await show('the same trouble:'); // → pending 1: somebody will try again
await redis.del(total);
console.log('bob tries again:', await withScript(lookFirst, 'bob')); // → done
console.log('alice wakes up:', await withScript(lookFirst, 'alice')); // → not mine any more
await show('a look first:'); // → total 25, pending 0

redis.disconnect();

// Try next: a second effect behind the INCRBY, which fails. What is left of the first one?
