// Preloaded into a command (`node --require`), it has the disk be full from the BREAK_ATth change of a file on, or the
// process killed just before that change (BREAK_BY=SIGKILL).
'use strict';

const fs = require('node:fs');

const CHANGES = /** @type {const} */ (['writeFileSync', 'copyFileSync', 'renameSync', 'rmSync']);
const WRITES = new Set(['writeFileSync', 'copyFileSync']);
const { BREAK_AT, BREAK_BY } = process.env;

let left = Number(BREAK_AT);

for (const name of CHANGES) {
  const change = fs[name];
  /** @type {(...args: any[]) => void} */
  const limited = (...args) => {
    if (left-- > 0) return Reflect.apply(change, fs, args);
    if (BREAK_BY === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
    // Names can be changed, and files removed, on a full disk too.
    if (!WRITES.has(name)) return Reflect.apply(change, fs, args);
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: 'ENOSPC' });
  };
  fs[name] = limited;
}
