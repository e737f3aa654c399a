// Outlives the command that started it by a moment: when that command is gone, however it went,
// its processes are killed and its temporary folders removed. The end of standard input is the
// sign, because the operating system closes a pipe also after SIGKILL.
//
// Each line on standard input is a JSON object:
//   {"guard": 123}       kill this process (and its group) at the end
//   {"release": 123}     it ended by itself
//   {"remove": "/path"}  remove this file or folder at the end
//   {"keep": "/path"}    it is gone already
//   {"run": {"command": "sh", "args": [], "uid": 123, "gid": 123}}
//                        run this program at the end, as that user
//
// Where /proc tells, it also kills every process that has the command's mark in its environment, or that works in a folder that
// is removed.
//
// Plain JavaScript: it has to be up before anything else is started.
'use strict';

const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } = require('node:fs');
const { sep } = require('node:path');
const { createInterface } = require('node:readline');

/** @type {Set<number>} */
const processes = new Set();
/** @type {Set<string>} */
const paths = new Set();
/** @type {{ command: string, args: string[], uid: number, gid: number }[]} */
const programs = [];
const PROGRAM_LIMIT_MS = 20_000;
/** What every process has in its environment that the command has started. */
const [, , mark = ''] = process.argv;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const { guard, release, remove, keep, run } = JSON.parse(line);
  if (guard) processes.add(guard);
  if (release) processes.delete(release);
  if (remove) paths.add(remove);
  if (keep) paths.delete(keep);
  if (run) programs.push(run);
});

lines.on('close', () => {
  for (const pid of processes) kill(pid);
  sweepMarked();
  for (const { command, args, uid, gid } of programs) {
    const env = { PATH: process.env.PATH };
    spawnSync(command, args, {
      uid,
      gid,
      cwd: '/',
      env,
      stdio: 'ignore',
      timeout: PROGRAM_LIMIT_MS,
    });
  }
  for (const path of paths) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    } catch {
      // Somebody else's file by now, or a disk that is gone: nobody is left to tell.
    }
  }
});

/** What was started with the mark in its environment hands it on, also to what has left its process group. */
function sweepMarked() {
  // No /proc: macOS, Windows.
  for (const pid of existsSync('/proc') ? readdirSync('/proc').map(Number) : []) {
    if (!pid || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const folder = readlinkSync(`/proc/${pid}/cwd`);
      const isMarked = mark !== '' && environment.includes(mark);
      // Whoever works in a folder that is removed now has nothing to work on.
      const isInside = [...paths].some((path) => folder === path || folder.startsWith(path + sep));
      if (isMarked || isInside) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, or belongs to somebody else.
    }
  }
}

/** @param {number} pid */
function kill(pid) {
  // A negative number names the whole group: what the process started dies with it.
  for (const target of process.platform === 'win32' ? [pid] : [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // Already gone.
    }
  }
}
