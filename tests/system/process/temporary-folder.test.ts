import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../system/process/temporary-folder.ts';

const WRITER = `
  const { mkdirSync, writeFileSync } = require('node:fs');
  process.stdout.write('writing');
  for (let at = 0; ; at++) {
    try {
      mkdirSync(process.argv[1], { recursive: true });
      writeFileSync(process.argv[1] + '/' + at % 500, 'x');
    } catch {}
  }`;

it('throws nothing while somebody still writes into it', async () => {
  const folder = temporaryFolder('redis-streams-test-');
  const writer = spawn(process.execPath, ['-e', WRITER, join(folder.path, 'deep')]);
  onTestFinished(() => folder.remove());
  onTestFinished(() => void writer.kill('SIGKILL'));
  await once(writer.stdout, 'data');

  for (let round = 0; round < 300; round++) folder.remove();

  const ended = once(writer, 'exit');
  writer.kill('SIGKILL');
  await ended;
  folder.remove();
  expect(existsSync(folder.path)).toBe(false);
});
