// Look first, then write: WATCH and MULTI on a connection of its own, and a script that counts each
// event once, however often it comes (EVAL). Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stock = 'workbook:stock'; // a hash: item → how many
const last = 'workbook:stock:last'; // the id of the newest event that is in it
await redis.del(stock, last); // a clean start, so that this can be run again
await redis.hset(stock, 'tea', 5);

/** Takes one away. False when there is none left. */
async function takeOne(item: string): Promise<boolean> {
  // A watch belongs to its connection, and anybody's EXEC on it ends it. So it is not shared.
  const own = redis.duplicate();
  try {
    for (;;) {
      await own.watch(stock);
      const left = Number(await own.hget(stock, item));
      if (left < 1) return false;
      const replies = await own
        .multi()
        .hset(stock, item, left - 1)
        .exec();
      for (const [error] of replies ?? []) if (error) throw error; // EXEC itself does not fail
      if (replies) return true; // null: somebody has changed the stock since WATCH, so look again
    }
  } finally {
    own.disconnect();
  }
}

const taken = await Promise.all(Array.from({ length: 8 }, () => takeOne('tea')));
console.log('got tea:', taken.filter(Boolean).length); // → 5
console.log('left:', await redis.hget(stock, 'tea')); // → 0

const countOnce = `
  -- KEYS: the stock, the id of its newest event. ARGV: an event's id, its item, its quantity.
  local function greater(x, y) return #x > #y or (#x == #y and x > y) end
  local function newer(a, b)
    local aMs, aSeq = a:match('^(%d+)%-(%d+)$')
    local bMs, bSeq = b:match('^(%d+)%-(%d+)$')
    return greater(aMs, bMs) or (aMs == bMs and greater(aSeq, bSeq))
  end
  local last = redis.call('GET', KEYS[2])
  if last and not newer(ARGV[1], last) then return 0 end
  redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[3])
  redis.call('SET', KEYS[2], ARGV[1])
  return 1`;

// The third comes a second time. The last is older than the one before it, by 1 in 9007199254740993.
for (const id of ['5-9', '5-10', '5-9', '9007199254740993-0', '9007199254740992-0']) {
  const counted = await redis.eval(countOnce, 2, stock, last, id, 'milk', 1);
  console.log(id, counted === 1 ? 'counts' : 'changes nothing');
}
console.log('milk:', await redis.hget(stock, 'milk')); // → 3
redis.disconnect();

// Try next: share `redis` in takeOne instead of a connection of its own. How many get tea?
