import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file so that the old text is there or the new one, and whole, whatever happens in between. */
export function writeWhole(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { flush: true });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
