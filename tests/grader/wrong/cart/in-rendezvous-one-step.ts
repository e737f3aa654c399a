import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'the second number of an id is compared as text',
    changes: [['  return greater(aseq, bseq)\n', '  return aseq > bseq\n']],
    fails: ['once'],
    mayFail: ['crash', 'project', 'stop', 'unexpected'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'removing what is not in the cart returns early, and the id is not remembered',
    changes: [
      [
        'local event = understand(fields)\n',
        `local event = understand(fields)
if event and event.sign == -1 and redis.call('HEXISTS', KEYS[1], event.item) == 0 then return 0 end
`,
      ],
    ],
    fails: ['once'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'recordEvent makes the entry id from the timestamp of the event',
    changes: [
      [
        "  const id = await redis.xadd(eventsKey(userId), '*', ...toFields(event));\n",
        '  const id = await redis.xadd(eventsKey(userId), `${event.timestamp}-*`, ...toFields(event));\n',
      ],
    ],
    fails: ['record'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'a new snapshot is made from what is in the stream alone, without the snapshot before',
    changes: [
      [
        "local snapshot = redis.call('HGETALL', KEYS[4])\n",
        "local snapshot = ARGV[1] == '1' and {} or redis.call('HGETALL', KEYS[4])\n",
      ],
    ],
    fails: ['snapshots'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'the user id is cut out with split, and ends at the next colon',
    changes: [
      [
        '    for (const key of keys) found.add(key.slice(EVENTS.length));\n',
        "    for (const key of keys) found.add(key.split(':')[2]!);\n",
      ],
    ],
    fails: ['rebuild'],
    mayFail: ['new-users'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'what is pending for its own name it takes for events it has in its hands',
    changes: [
      [
        '    if one[2] ~= consumer and one[3] < idle then return done end\n',
        '    if one[2] == consumer or one[3] < idle then return done end\n',
      ],
    ],
    fails: ['redelivered'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'takes over the first page of what is pending, and then goes on with new ones',
    changes: [['  return done\n', '']],
    fails: ['crash'],
    mayFail: ['redelivered'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'listens for the abort, and never looks whether it has been',
    changes: [
      [
        '  if (signal.aborted) return;\n',
        `  let stopped = false;
  signal.addEventListener('abort', () => (stopped = true), { once: true });
`,
      ],
      ['    while (!signal.aborted) {\n', '    while (!stopped) {\n'],
      ['          if (signal.aborted) break;\n', '          if (stopped) break;\n'],
    ],
    fails: ['stop'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake: 'a lease lasts half of leaseMs',
    changes: [
      [
        `  const ttl = Math.ceil(leaseMs * 1.5);
  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));
`,
        `  const ttl = Math.ceil(leaseMs / 2);
  const beatMs = Math.max(10, Math.min(200, leaseMs / 10));
`,
      ],
    ],
    fails: ['share'],
  },
  {
    base: 'cart/rendezvous-one-step.ts',
    mistake:
      'prolongs the lease before it looks whose it is: whoever waits for a lease keeps it alive',
    changes: [
      [
        `local holder = redis.call('GET', lease)
if holder and holder ~= me then return -1 end
redis.call('SET', lease, me, 'PX', ttl)
`,
        `redis.call('SET', lease, me, 'NX', 'PX', ttl)
redis.call('PEXPIRE', lease, ttl)
if redis.call('GET', lease) ~= me then return -1 end
`,
      ],
    ],
    fails: ['crash', 'zombie'],
  },
];
