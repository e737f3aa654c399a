import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { expectNothingLeft, expectRefusal } from '../support/expectations.ts';
import { Bench, type CommandResult } from '../support/workbook.ts';

// Learners change the programs. What they break is theirs to mend, so they are told where it broke.

const CHAPTER = join('chapters', '01-anatomy-of-a-stream');

async function playChanged(bench: Bench, change: (folder: string) => void): Promise<CommandResult> {
  const cwd = copyOfTheWorkbook(bench, 'changed');
  change(join(cwd, CHAPTER));
  const launcher = join('workbook', 'launch.cjs');
  const outcome = await bench.spawn(process.execPath, [launcher, 'chapter', '1'], { cwd }).ended;
  await expectNothingLeft(bench, 'changed');
  return outcome;
}

describe('a scene with a program that was changed', () => {
  it('shows the syntax error of the program, and none of its own insides', async () => {
    const outcome = await playChanged(new Bench(), (folder) => {
      writeFileSync(join(folder, 'entries.ts'), 'const redis = ;\n');
    });

    expect(outcome.stdout).toMatch(/entries \|.*entries\.ts:1:14/);
    expectRefusal(outcome, /^\nentries ended with exit code 1; its last lines say why\.\n$/);
  });

  it('shows the line where the program threw', async () => {
    const outcome = await playChanged(new Bench(), (folder) => {
      appendFileSync(join(folder, 'entries.ts'), "throw new Error('my own mistake');\n");
    });

    expect(outcome.stdout).toMatch(/entries \| Error: my own mistake/);
    expect(outcome.stdout).toMatch(/entries \| +at .*entries\.ts:\d+/);
    expectRefusal(outcome, 'entries ended with exit code 1');
  });

  it('says so when its scene is gone', async () => {
    const outcome = await playChanged(new Bench(), (folder) => rmSync(join(folder, 'scene.ts')));

    expectRefusal(outcome, /^Chapter 1 has no scene yet: .*scene\.ts is missing\.\n$/);
  });
});
