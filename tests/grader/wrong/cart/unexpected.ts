import type { Wrong } from '../wrong.ts';

const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';
const TO_THE_DEAD =
  "      redis.call('XADD', dead, '*', 'userId', userId, 'originalId', id, 'reason', reason, unpack(entry[2]))\n";

export const wrong: readonly Wrong[] = [
  {
    mistake: 'takes whatever comes for an event',
    changes: [
      ["    if eventType == 'cart:checkout' then return nil end\n", '    do return nil end\n'],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'acknowledges what is no event, and tells nobody',
    changes: [[TO_THE_DEAD, '']],
    fails: ['unexpected'],
  },
  {
    mistake: 'tells of what is no event, without its fields',
    changes: [[TO_THE_DEAD, TO_THE_DEAD.replace(', unpack(entry[2])', '')]],
    fails: ['unexpected'],
  },
  {
    mistake: 'tells of what is no event, without a reason',
    changes: [[TO_THE_DEAD, TO_THE_DEAD.replace("'reason', reason", "'reason', ''")]],
    fails: ['unexpected'],
  },
  {
    mistake: 'leaves what is no event pending',
    changes: [
      [
        "    redis.call('XACK', events, group, id)\n",
        "    if not reason then redis.call('XACK', events, group, id) end\n",
      ],
      [
        TO_THE_DEAD,
        TO_THE_DEAD.replace(
          'redis.call',
          "if pending[4] <= 1 then redis.call('XCLAIM', events, group, pending[2], 0, id) redis.call",
        ).replace(')\n', ') end\n'),
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a quantity is what Number() takes for one',
    changes: [
      [
        '  if (!/^[1-9]\\d*$/.test(quantity)) return',
        '  if (!(Number.isInteger(Number(quantity)) && Number(quantity) >= 1)) return',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'looks a type up in an object',
    changes: [
      [
        "if (eventType !== 'item:add' && eventType !== 'item:remove') return",
        "if (!eventType || !(eventType in { 'item:add': 1, 'item:remove': -1 })) return",
      ],
      [
        '  return { eventType, itemId, quantity: Number(quantity), timestamp };',
        "  return { eventType: eventType as 'item:add', itemId, quantity: Number(quantity), timestamp };",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'NOGROUP ends the projector',
    changes: [
      ["isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED')", "isReply(error, 'UNBLOCKED')"],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'cart/multi-stream-block.ts',
    mistake: 'never makes a group a second time',
    changes: [['    streams.clear();\n', '']],
    fails: ['unexpected'],
  },
  {
    mistake: 'a rebuild adds to the dead as well',
    changes: [
      [
        '  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);\n',
        `  for (const userId of users) {
    await runScript(redis, REBUILD, keysOf(userId), keep);
    for (const [id, fields] of await redis.xrange(eventsOf(userId), '-', '+')) {
      if (!fields.includes('cart:sneeze')) continue;
      await redis.xadd(DEAD, '*', ...fields, 'userId', userId, 'originalId', id, 'reason', 'unknown');
    }
  }
`,
      ],
    ],
    fails: ['unexpected'],
  },
];
