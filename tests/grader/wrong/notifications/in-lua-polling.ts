import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/lua-polling.ts',
    mistake: 'checks all the fields before it looks whether the entry is for another channel',
    changes: [
      [
        `        if (to && !to.includes(channel)) {
          await redis.xack(STREAM, group, id);
          continue;
        }
`,
        '',
      ],
      [
        `          await redis.eval(BURY, 2, STREAM, DEAD, group, id, channel, wrong.join(', '));
          continue;
        }
`,
        `          await redis.eval(BURY, 2, STREAM, DEAD, group, id, channel, wrong.join(', '));
          continue;
        }
        if (to && !to.includes(channel)) {
          await redis.xack(STREAM, group, id);
          continue;
        }
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/lua-polling.ts',
    mistake: 'hands out the timestamp as the text that Redis has',
    changes: [
      [
        "          timestamp: Number(fields['timestamp']),\n",
        "          timestamp: fields['timestamp'] as unknown as number,\n",
      ],
    ],
    fails: ['crash', 'deliver'],
  },
  {
    base: 'notifications/lua-polling.ts',
    mistake: 'a delivery that was left behind is acknowledged when it comes to its end',
    changes: [
      ['  let closed = false;\n', ''],
      ['      if (closed) return;\n', ''],
      ['    closed = true;\n', ''],
    ],
    fails: ['stop'],
  },
  {
    base: 'notifications/lua-polling.ts',
    mistake:
      'two slots for all the notifiers of the process: deliveries that hang in one channel take them from the others',
    changes: [
      [
        'const SLOTS = 6;\n',
        `/** For the whole process, not to overload it. */
let slots = 2;
`,
      ],
      ['  let slots = SLOTS;\n', ''],
    ],
    fails: ['slow'],
  },
  {
    base: 'notifications/lua-polling.ts',
    mistake: 'counts failures in a key user:notifications:failures',
    changes: [
      [
        '      } catch {\n',
        `      } catch {
        await redis.hincrby('user:notifications:failures', channel, 1);
`,
      ],
    ],
    fails: ['retry'],
  },
];
