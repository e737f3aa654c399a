import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Copies a submission, with all that lies in its folder, to where its processes may read it, and nobody else's. No links: they may
 * lead to what belongs to others.
 *
 * @returns where the submission is then
 */
export function copyForItsProcesses(file: string, folder: string): string {
  copyFolder(dirname(file), folder);
  return join(folder, basename(file));
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    if (!entry.isFile()) continue;
    copyFileSync(source, target);
    chmodSync(target, 0o644);
  }
}
