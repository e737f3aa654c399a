import type { Wrong } from '../wrong.ts';

const OWN_FIRST =
  '        if (isBack) await finishOwn(redis, name, handleOrder, signal);\n        isBack = false;\n';
const NEWS =
  '        for (const entry of entries) await settle(redis, entry, handleOrder, signal);\n';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'works on what it had left beside what is new',
    changes: [
      [
        OWN_FIRST,
        '        if (isBack) void finishOwn(redis, name, handleOrder, signal).catch(() => {});\n        isBack = false;\n',
      ],
    ],
    fails: ['history'],
  },
  {
    mistake: 'works on what it had left when nothing is new',
    changes: [
      [OWN_FIRST, ''],
      [
        NEWS,
        `${NEWS}        if (entries.length === 0 && isBack) {
          await finishOwn(redis, name, handleOrder, signal);
          isBack = false;
        }
`,
      ],
    ],
    fails: ['history'],
    mayFail: ['dead'],
  },
  {
    mistake: 'begins its own again and again, until nothing is left',
    changes: [['      after = entry[0];', "      after = '0';"]],
    fails: ['history'],
    mayFail: ['ack', 'dead'],
  },
  {
    mistake: 'hands out what it had left, however often it was delivered',
    changes: [
      [
        '      await settle(redis, entry, handleOrder, signal);\n      after = entry[0];',
        `      const [id, fields] = entry;
      after = id;
      if (!fields) {
        await redis.xack(STREAM, GROUP, id);
        continue;
      }
      try {
        await untilGrace(handleOrder(readOrder(fields), id), signal);
      } catch {
        continue;
      }
      await redis.xack(STREAM, GROUP, id);`,
      ],
    ],
    fails: ['dead'],
  },
];
