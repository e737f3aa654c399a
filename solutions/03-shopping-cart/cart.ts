// An event-sourced shopping cart, solved: the core first, what keeps it alive below. README.md, beside this file, says why.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type CartEvent =
  | {
      eventType: 'item:add' | 'item:remove';
      itemId: string;
      quantity: number;
      /** Milliseconds since 1970. For people to read: the order of events is the order of their ids. */
      timestamp: number;
    }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  /** The projector returns within a second of its abort. It may be aborted before the call. */
  signal: AbortSignal;
  /** When a projector has given no sign of life for so long, and not sooner, another takes over its users. */
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
/** How many events a script plays at most: Redis serves nobody else while it runs. */
const PAGE = 200;
const cartOf = (userId: string) => [`cart:current:${userId}`, `cart:last:${userId}`];

/** What all scripts share: what events do to a cart, and that each counts once. */
const LUA = `
  -- Padded to 20 digits, ids compare as text. As numbers, they have more bits than Lua can hold.
  local function padded(id) return (id:gsub('%d+', function(n) return ('0'):rep(20 - #n) .. n end)) end

  -- Of an event: 1, -1, or 0 for a checkout; the item; the quantity. Of what is none: nil, and what is wrong with it.
  local function parse(fields)
    local event = {}
    for at = 1, #fields, 2 do event[fields[at]] = fields[at + 1] end
    local sign = ({ ['item:add'] = 1, ['item:remove'] = -1, ['cart:checkout'] = 0 })[event.eventType or '']
    local quantity = tonumber(string.match(event.quantity or '', '^[1-9]%d*$'))
    if not sign then return nil, 'unknown eventType' end
    if sign == 0 then return 0 end
    if (event.itemId or '') == '' then return nil, 'no itemId' end
    if not quantity or quantity >= 2 ^ 53 then return nil, 'quantity is no whole number from 1 to 2^53 - 1' end
    return sign, event.itemId, quantity
  end

  -- Plays what is newer than the last event in the cart, and notes the new last one. A script that fails is not
  -- rolled back: so it reads first, where a key of the wrong type fails, and then writes what can no longer fail.
  local function play(cart, lastKey, entries)
    local last, lines, emptied, played = redis.call('GET', lastKey) or '0-0', {}, false, false
    for _, entry in ipairs(entries) do
      if padded(entry[1]) > padded(last) then
        last, played = entry[1], true
        local sign, item, quantity = parse(entry[2])
        if sign == 0 then
          lines, emptied = {}, true
        elseif sign then
          local line = lines[item] or not emptied and tonumber(redis.call('HGET', cart, item)) or 0
          lines[item] = math.max(0, line + sign * quantity)
        end
      end
    end
    if emptied then redis.call('DEL', cart) end
    for item, line in pairs(lines) do
      if line > 0 then redis.call('HSET', cart, item, ('%.0f'):format(line)) else redis.call('HDEL', cart, item) end
    end
    if played then redis.call('SET', lastKey, last) end
  end

  -- Plays the next page from the stream itself: in order, and without a gap. Returns whether there may be more.
  local function playPage(cart, lastKey, events, page)
    local entries = redis.call('XRANGE', events, redis.call('GET', lastKey) or '-', '+', 'COUNT', page)
    play(cart, lastKey, entries)
    return #entries == tonumber(page)
  end
`;

const APPLY = `${LUA} play(KEYS[1], KEYS[2], { { ARGV[1], { unpack(ARGV, 2) } } })`;

/** A projector's step. Once the cart is up to date, all that is pending is in it or was trimmed away, whoever was given it. */
const PROJECT = `${LUA}
  local cart, last, events, dead = unpack(KEYS)
  local page, group, name, userId = unpack(ARGV)
  if redis.call('TYPE', events).ok ~= 'stream' then return 'gone' end
  if playPage(cart, last, events, page) then return 'more' end
  local read = redis.pcall('XREADGROUP', 'GROUP', group, name, 'COUNT', page, 'STREAMS', events, '>')
  if read and read.err then -- NOGROUP: there is none yet, or it has vanished
    redis.call('XGROUP', 'CREATE', events, group, '0')
    return 'more'
  end
  local pending = redis.call('XPENDING', events, group, '-', '+', page)
  for _, one in ipairs(pending) do
    local entry = redis.call('XRANGE', events, one[1], one[1])[1]
    local sign, reason = parse(entry and entry[2] or { 'eventType', 'cart:checkout' })
    if not sign then
      local letter = { 'userId', userId, 'originalId', one[1], 'reason', reason }
      for at = 1, math.min(#entry[2], 7000) do table.insert(letter, entry[2][at]) end -- unpack can do 8,000
      redis.call('XADD', dead, '*', unpack(letter)) -- it can fail, so it comes before the XACK
    end
    redis.call('XACK', events, group, one[1])
  end
  return #pending == tonumber(page) and 'more' or 'done'
`;

/**
 * A step of a rebuild: plays a page of the stream into a draft, which begins as the snapshot. Together with the last page, the
 * draft becomes the cart. Returns the id of that snapshot while there is more; it is ARGV[1] of the next step, and '' in the first.
 */
const REBUILD = `${LUA}
  local cart, last, snapshot, snapshotLast, draft, draftLast, events = unpack(KEYS)
  local base, page, keep = unpack(ARGV)
  if redis.call('TYPE', events).ok ~= 'stream' then return 'gone' end
  local newest = redis.call('GET', snapshotLast) or '0-0'
  -- The fence: behind a newer snapshot, events that we have not played may be gone. And a draft ends by itself.
  if base ~= newest or redis.call('EXISTS', draftLast) == 0 then
    redis.call('DEL', draft)
    redis.call('COPY', snapshot, draft)
    redis.call('SET', draftLast, newest, 'PX', 8000)
  end
  local isMore = playPage(draft, draftLast, events, page)
  for _, key in ipairs({ draft, draftLast }) do redis.call('PEXPIRE', key, 8000) end
  if isMore then return newest end
  redis.call('UNLINK', cart)
  if redis.call('EXISTS', draft) == 1 then redis.call('RENAME', draft, cart) end
  redis.call('RENAME', draftLast, last)
  for _, key in ipairs({ cart, last }) do redis.call('PERSIST', key) end
  if keep == 'snapshot' then
    redis.call('UNLINK', snapshot)
    redis.call('COPY', cart, snapshot)
    redis.call('COPY', last, snapshotLast, 'REPLACE')
  end
  return 'done'
`;

/**
 * Task 1. Adds an event to the user's stream `cart:events:<userId>`, one field per property, and returns
 * the entry's id. The stream is the source of truth and never trimmed.
 */
export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(`${EVENTS}${userId}`, '*', ...Object.entries(event).flat());
  if (id === null) throw new Error(`the stream of ${userId} took no event`); // only with NOMKSTREAM
  return id;
}

/**
 * Task 2. Applies the event with this entry id, two whole numbers of 64 bits, to the hash `cart:current:<userId>`: item id →
 * quantity, and nothing else in it. Adding and removing change the quantity; a line that reaches 0 or less goes; checkout empties
 * the cart.
 * An event that was applied before, or is older than one that was, changes nothing, whoever else calls this now.
 */
export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await redis.eval(APPLY, 2, ...cartOf(userId), id, ...Object.entries(event).flat());
}

/** Task 2. The user's cart, item id → quantity; `{}` when it is empty. */
export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = Object.entries(await redis.hgetall(`cart:current:${userId}`));
  return Object.fromEntries(lines.map(([itemId, quantity]) => [itemId, Number(quantity)]));
}

/**
 * Task 3. Makes every cart anew from its whole stream, however the hashes look before, also while projectors run and
 * events arrive. An event that is in the rebuilt cart is not applied to it again. Returns how many carts there are: one
 * for each stream `cart:events:<userId>`, whoever has written it.
 */
export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, 'cart only');
}

/**
 * Stretch, task 6. Keeps a snapshot of every cart as of its last event. From then on, `rebuildCarts` needs only the
 * events after it: those before may be trimmed. Returns how many carts there are.
 */
export async function snapshotCarts(redis: Redis): Promise<number> {
  // From the events, not from the hash: a snapshot must not make an error in the projection permanent.
  return rebuildAll(redis, 'snapshot');
}

async function rebuildAll(redis: Redis, keep: 'snapshot' | 'cart only'): Promise<number> {
  const users = new Set<string>();
  for await (const page of walkUsers(redis)) for (const userId of page) users.add(userId);
  let carts = 0;
  for (const userId of users) {
    const draft = `cart:draft:${userId}:${randomUUID()}`; // so that two rebuilds do not meet
    const snapshot = [`cart:snapshot:${userId}`, `cart:snapshot-last:${userId}`];
    const keys = [...cartOf(userId), ...snapshot, draft, `${draft}:last`, `${EVENTS}${userId}`];
    let answer = '';
    while (answer !== 'done' && answer !== 'gone') {
      answer = String(await redis.eval(REBUILD, keys.length, ...keys, answer, PAGE, keep));
    }
    if (answer === 'done') carts++;
  }
  return carts;
}

/**
 * Tasks 4 and 5. Keeps the carts of all users up to date, until the signal is aborted, as the consumer `name` of the
 * group `cart_projectors` on each user's stream. Users are those who have a stream: others write to them as well,
 * and new ones come, who have their cart within two seconds. Several projectors share the users, and each user's
 * events are applied in order. When a projector dies, another takes over within twice `leaseMs`, and a second. What is
 * no event goes to `cart:dead`. `redis` belongs to the caller.
 */
export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  const own: Redis = redis.duplicate({
    socketTimeout: 5000, // far longer than a BLOCK: a Redis that is silent for so long is not there any more
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'), // there is a new primary
  });
  const users = new Set<string>();
  const due = new Set<string>(); // whose carts are to be brought up to date
  const lookAtAll = () => {
    for (const userId of users) due.add(userId);
  };
  let walk = walkUsers(own);
  let [nextWalk, nextSweep, ownId] = [performance.now(), 0, 0];

  const round = async () => {
    const now = performance.now();
    // One page of SCAN in each round: neither Redis nor an event waits for a whole walk over all keys.
    const page = now >= nextWalk ? await walk.next() : undefined;
    if (page?.done) [walk, nextWalk] = [walkUsers(own), Math.max(now, nextWalk + 1500)];
    for (const userId of page?.value ?? []) {
      if (!users.has(userId)) due.add(userId);
      users.add(userId);
    }
    if (now >= nextSweep) {
      ownId = Number(await own.client('ID'));
      // Once in leaseMs one of us looks at all, for what the dead have left. Nobody gives this back: it ends by itself.
      if (await own.set('cart:sweep', name, 'PX', leaseMs, 'NX')) lookAtAll();
      nextSweep = now + leaseMs / 4;
    }
    for (const userId of due) {
      const keys = [...cartOf(userId), `${EVENTS}${userId}`, 'cart:dead'];
      for (const set of [due, users]) set.delete(userId); // if this fails, the next walk finds it anew
      let answer: unknown = 'more';
      while (answer === 'more' && !signal.aborted) {
        answer = await own.eval(PROJECT, keys.length, ...keys, PAGE, GROUP, name, userId);
      }
      if (answer !== 'gone') users.add(userId);
    }
    if (users.size === 0) await sleep(20);
    if (users.size === 0 || signal.aborted) return;
    // Redis hands each event to one of us. One is a sign of news: the script takes the others, and reads them all in order.
    const streams = [...users].map((userId) => `${EVENTS}${userId}`);
    const keys = [...streams, ...streams.map(() => '>')];
    const read = page
      ? own.xreadgroup('GROUP', GROUP, name, 'COUNT', 1, 'STREAMS', ...keys)
      : own.xreadgroup('GROUP', GROUP, name, 'COUNT', 1, 'BLOCK', 250, 'STREAMS', ...keys);
    read.catch(lookAtAll); // NOGROUP, UNBLOCKED, WRONGTYPE: a stream or a group is gone, and the script sees to it
    for (const [key] of (await read) ?? []) due.add(key.slice(EVENTS.length));
  };

  const work = async () => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await round();
        failures = 0;
      } catch (error) {
        if (failures++ === 0 && !signal.aborted) console.error(`${name} tries again: ${error}`);
        await sleep(Math.min(1000, 100 * failures), undefined, { signal }).catch(() => {});
      }
    }
  };
  own.on('error', () => {}); // it connects anew, and sends again what has had no answer
  own.on('ready', lookAtAll); // what the last connection was handed, and did not bring, is pending
  // The read ends at the abort. A disconnect loses the reply that is on its way: it is for a Redis that does not answer.
  const tooLong = once(signal, 'abort').then(() => {
    redis.client('UNBLOCK', ownId).catch(() => {});
    return sleep(700, undefined, { ref: false });
  });
  await Promise.race([work(), tooLong]);
  own.disconnect();
}

/** Everybody who has a stream, page by page. A page may be empty, and a user may come twice. */
async function* walkUsers(redis: Redis): AsyncGenerator<string[], undefined> {
  const options = ['MATCH', `${EVENTS}*`, 'COUNT', 2000, 'TYPE', 'stream'] as const;
  let cursor = '';
  while (cursor !== '0') {
    const [next, keys] = await redis.scan(cursor || '0', ...options);
    yield keys.map((key) => key.slice(EVENTS.length));
    cursor = next;
  }
}
