import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'one try around the three: the first BUSYGROUP ends it, the later groups are not made',
    changes: [
      [
        "  for (const channel of ['email', 'sms', 'push'] as const) await makeGroup(redis, channel);\n",
        `  try {
    for (const channel of ['email', 'sms', 'push'] as const) {
      await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');
    }
  } catch (error) {
    if (!answered(error, 'BUSYGROUP')) throw error;
  }
`,
      ],
    ],
    fails: ['groups-again'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'only the read is ready for NOGROUP, not the look at what is pending: it vanishes during a delivery, and the notifier rejects',
    changes: [
      [
        '    while (!signal.aborted) {\n',
        `    while (!signal.aborted) {
      const due = await claimOne();
      if (signal.aborted) break;
      if (due) await handle(due);
      if (signal.aborted) break;
`,
      ],
      [
        `        const due = await claimOne();
        if (signal.aborted) break;
        if (due) await handle(due);
        if (signal.aborted) break;
`,
        '',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'timestamp 0 is refused',
    changes: [
      [
        "  if (!/^[0-9]+$/.test(timestamp)) return { what: 'dead', reason: `bad timestamp ${timestamp}` };\n",
        `  if (!/^[1-9][0-9]*$/.test(timestamp))
    return { what: 'dead', reason: \`bad timestamp \${timestamp}\` };
`,
      ],
    ],
    fails: [
      'ack',
      'crash',
      'every-group',
      'late',
      'retry',
      'routes',
      'share',
      'slow',
      'unexpected',
    ],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'logs error.message: falls over a delivery that rejects with nothing',
    changes: [
      [
        '      } catch {\n',
        `      } catch (error) {
        console.warn(\`\${channel}: \${id}: \${(error as Error).message}\`);
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'waits for minIdleMs after a failure before the next one',
    changes: [
      [
        '      } catch {\n',
        `      } catch {
        await new Promise<void>((resolve) => setTimeout(resolve, minIdle)); // Do not hammer it.
`,
      ],
    ],
    fails: ['ack', 'retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'the more often it has failed the later it is tried again',
    changes: [
      [
        '    for (const [id] of pending) {\n',
        `    for (const [id, , idleFor, deliveries] of pending) {
      if (idleFor < minIdle * 2 ** Math.min(deliveries - 1, 6)) continue;
`,
      ],
    ],
    fails: ['retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'gives up after five deliveries and puts it into notifications:dead',
    changes: [
      [
        '    for (const [id] of pending) {\n',
        `    for (const [id, , , deliveries] of pending) {
      if (deliveries >= 5) {
        await bury(redis, channel, id, 'too many attempts');
        continue;
      }
`,
      ],
    ],
    fails: ['retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'takes up what is idle only when there is nothing new',
    changes: [
      [
        `  try {
    await makeGroup(redis, channel);
`,
        `  try {
    await makeGroup(redis, channel);
    let quiet = true;
`,
      ],
      [
        '        const due = await claimOne();\n',
        '        const due = quiet ? await claimOne() : undefined;\n',
      ],
      [
        `        const fresh = await readOne(!due);
        if (signal.aborted) break;
`,
        `        const fresh = await readOne(!due);
        if (signal.aborted) break;
        quiet = fresh === undefined;
`,
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'takes over from others only: what it has failed to deliver itself waits for a restart',
    changes: [
      [
        '    for (const [id] of pending) {\n',
        `    for (const [id, owner] of pending) {
      if (owner === name) continue;
`,
      ],
    ],
    fails: ['late', 'retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'XPENDING finds the idle ones, XCLAIM takes them with min-idle 0: several workers take the same',
    changes: [
      [
        '      const [entry] = (await redis.xclaim(STREAM, group, name, minIdle, id)) as Entry[];\n',
        '      const [entry] = (await redis.xclaim(STREAM, group, name, 0, id)) as Entry[];\n',
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'keeps the idle time at the take-over, so that somebody is quick should this worker die, too: the next look takes it at once',
    changes: [
      ['    for (const [id] of pending) {\n', '    for (const [id, , idleFor] of pending) {\n'],
      [
        '      const [entry] = (await redis.xclaim(STREAM, group, name, minIdle, id)) as Entry[];\n',
        `      const [entry] = (await redis.xclaim(
        STREAM,
        group,
        name,
        minIdle,
        id,
        'IDLE',
        idleFor,
      )) as Entry[];
`,
      ],
    ],
    fails: ['crash', 'retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'a heartbeat renews all that the consumer holds, also what has failed: that is never idle',
    changes: [
      [
        `  const watch = setInterval(() => {
    watching = makeGroup(redis, channel).catch(() => {});
  }, WATCH_MS);
`,
        `  const watch = setInterval(
    () => {
      watching = (async () => {
        await makeGroup(redis, channel);
        const held = (await redis.xpending(STREAM, group, '-', '+', 100, name)) as [string][];
        if (held.length > 0)
          await redis.xclaim(STREAM, group, name, 0, ...held.map(([id]) => id), 'JUSTID');
      })().catch(() => {});
    },
    Math.min(WATCH_MS, minIdle / 3),
  );
`,
      ],
    ],
    fails: ['late', 'retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'takes over all that is idle before it looks at the signal again',
    changes: [
      ['      if (signal.aborted) return undefined;\n', ''],
      [
        '        const due = await claimOne();\n',
        `        const due = await claimOne();
        for (let one = due; one; one = await claimOne()) await handle(one);
`,
      ],
      [
        `        if (due) await handle(due);
        if (signal.aborted) break;
`,
        '',
      ],
    ],
    fails: ['retry'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'tidies up at the end: XGROUP DELCONSUMER, and what is pending is gone',
    changes: [
      [
        '    await Promise.allSettled([...acks, watching]);\n',
        `    await Promise.allSettled([...acks, watching]);
    await redis.xgroup('DELCONSUMER', STREAM, group, name).catch(() => {});
`,
      ],
    ],
    fails: ['ack', 'retry', 'stop'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake:
      'notifiers on the same redis share one reading connection, and the first to stop closes it',
    changes: [
      [
        'const WATCH_MS = 400;\n',
        `const WATCH_MS = 400;
const readers = new WeakMap<Redis, Redis>();
`,
      ],
      [
        '  const reader = redis.duplicate();\n',
        `  const reader = readers.get(redis) ?? redis.duplicate();
  readers.set(redis, reader);
`,
      ],
    ],
    fails: ['ack', 'crash', 'share', 'slow', 'stop', 'unexpected'],
  },
  {
    base: 'notifications/xpending-xclaim.ts',
    mistake: 'blocks on the redis of the caller',
    changes: [
      [
        `  const reader = redis.duplicate();
  reader.on('error', () => {});
`,
        '  const reader = redis;\n',
      ],
      ['    reader.disconnect();\n', ''],
    ],
    fails: ['slow'],
  },
];
