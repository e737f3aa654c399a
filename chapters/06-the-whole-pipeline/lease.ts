// A lease: one of several workers has it, for a while. It ends by itself when its holder falls silent
// (SET NX PX), and only its holder renews it or gives it back (EVAL). Needs nothing beside it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const lease = 'workbook:lease:anna';
const leaseMs = 1000;
await redis.del(lease); // a clean start, so that this can be run again

async function take(me: string): Promise<boolean> {
  return (await redis.set(lease, me, 'PX', leaseMs, 'NX')) === 'OK';
}

/** False when it is no longer ours: then somebody else may be at work already. */
async function renew(me: string): Promise<boolean> {
  const script = `
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
  return (await redis.eval(script, 1, lease, me, leaseMs)) === 1;
}

/** A plain DEL would end the lease of whoever has it by now. */
async function release(me: string): Promise<boolean> {
  const script = `
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('DEL', KEYS[1])`;
  return (await redis.eval(script, 1, lease, me)) === 1;
}

// A name for each process, not for each machine: after a restart, nobody takes it for its former self.
const alice = `alice:${randomUUID()}`;
const bob = `bob:${randomUUID()}`;

console.log('alice takes it:', await take(alice)); // → true
console.log('bob takes it:', await take(bob)); // → false
await sleep(leaseMs / 3); // three times a lease: two may go wrong
console.log('alice renews it:', await renew(alice)); // → true

console.log('alice falls silent');
while (!(await take(bob))) await sleep(50);
console.log('bob has it');

console.log('alice renews it:', await renew(alice)); // → false
console.log('alice gives it back:', await release(alice)); // → false
console.log('bob gives it back:', await release(bob)); // → true
redis.disconnect();

// Try next: a plain DEL in release. What does alice do to bob?
