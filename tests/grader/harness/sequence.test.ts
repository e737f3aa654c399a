import { describe, expect, it } from 'vitest';
import { drawDiagram } from '../../../grader/harness/diagram.ts';
import { type Deed, Diary } from '../../../grader/harness/diary.ts';
import type { Recorded } from '../../../grader/harness/recorder.ts';
import { tellSequence } from '../../../grader/harness/sequence.ts';

/** What workers have done, one after the other: `alice begins 1-0`. */
function diaryOf(...notes: (readonly [worker: string, deed: Deed, of?: string])[]): Diary {
  const diary = new Diary();
  for (const note of notes) diary.note(...note);
  return diary;
}

/** A command that was sent just now. */
function sent(diary: Diary, worker: string, ...args: string[]): Recorded {
  return { worker, at: diary.now() - diary.since(0), args };
}

/** Without what differs from run to run. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^ *\d+ ms {2}/, ''));
}

const ENTRY = '1790000000000-0';

describe('who did what when', () => {
  it('follows an entry from a worker that dies to the next', () => {
    const diary = diaryOf(
      ['alice', 'starts', 'runWorker'],
      ['alice', 'begins', ENTRY],
      ['alice', 'begins', '1790000000000-1'],
      ['bob', 'starts', 'runWorker'],
      ['alice', 'is killed'],
    );
    const commands = [
      sent(diary, 'bob', 'XREADGROUP', '>'),
      sent(diary, 'bob', 'XACK', 's', 'g', ENTRY),
    ];

    expect(withoutTimes(tellSequence(diary, commands, { entries: [ENTRY] }))).toEqual([
      `A = ${ENTRY}`,
      'alice  starts runWorker',
      'alice  handler begins with A',
      '    bob  starts runWorker',
      'alice  is killed, with A in hand',
      '    bob  XACK A',
      '    bob  since then: 1 XREADGROUP, 1 XACK',
      'the check ends here',
    ]);
  });

  it('is not told of one worker to which nothing has happened, nor of a failure about nothing', () => {
    const diary = diaryOf(['alice', 'starts', 'runWorker'], ['alice', 'begins', ENTRY]);

    expect(tellSequence(diary, [], { entries: [ENTRY] })).toEqual([]);
    diary.note('bob', 'starts', 'runWorker');
    expect(tellSequence(diary, [], {})).toEqual([]);
    expect(tellSequence(diary, [], { entries: [ENTRY] })).not.toEqual([]);
  });

  it('is told of one worker that comes back, and of one that should stop', () => {
    const again = diaryOf(['alice', 'is killed'], ['alice', 'starts', 'runWorker']);
    const several = diaryOf(['alice', 'starts', 'runWorker'], ['alice', 'starts', 'runWorker']);
    const stopping = diaryOf(
      ['alice', 'starts', 'runWorker'],
      ['alice', 'begins', '1-0'],
      ['alice', 'is told to stop'],
      ['alice', 'ends', '1-0'],
      ['alice', 'begins', '2-0'],
    );

    expect(withoutTimes(tellSequence(again, [], {}))).toContain('alice  starts runWorker again');
    expect(tellSequence(several, [], { workers: ['alice'] })).toEqual([]);
    expect(withoutTimes(tellSequence(stopping, [], { workers: ['alice'] }))).toEqual([
      'alice  starts runWorker',
      'alice  handler begins with 1-0',
      'alice  is told to stop, with 1-0 in hand',
      'alice  handler is done with 1-0',
      'alice  handler begins with 2-0',
      'the check ends here',
    ]);
  });

  it('does not tell what was over before the entries were there', () => {
    const diary = new Diary();
    diary.moments.push(
      { at: 10, worker: 'alice', deed: 'starts', of: 'earlier' },
      { at: 20, worker: 'alice', deed: 'returns', of: 'earlier' },
      { at: 30, worker: 'alice', deed: 'starts', of: 'later' },
      { at: 40, worker: 'bob', deed: 'starts', of: 'later' },
      { at: 2000, worker: 'alice', deed: 'is killed', of: '' },
    );
    const id = `${Math.round(1000 - diary.since(0))}-0`;

    const lines = withoutTimes(tellSequence(diary, [], { entries: [id] }));

    expect(lines.slice(1, -1)).toEqual([
      'alice  starts later again',
      '    bob  starts later',
      'alice  is killed',
    ]);
  });

  it('leaves out the pauses with which a check looks for the right moment', () => {
    const diary = diaryOf(
      ['alice', 'is paused'],
      ['alice', 'is woken'],
      ['alice', 'is paused'],
      ['alice', 'is killed'],
    );

    expect(withoutTimes(tellSequence(diary, [], {}))).toEqual([
      'alice  is paused',
      'alice  is killed',
      'the check ends here',
    ]);
  });

  it('tells what a script does with an entry, and by whom it was sent', () => {
    const diary = diaryOf(['alice', 'starts', 'run'], ['bob', 'starts', 'run']);
    const commands = [
      { ...sent(diary, 'alice', 'EVAL', '...', '1', 's', ENTRY), script: 'acknowledges' },
      { ...sent(diary, '(script)', 'XACK', 's', 'g', ENTRY), sender: 'alice' },
    ];

    const lines = withoutTimes(tellSequence(diary, commands, { entries: [ENTRY] }));

    expect(lines.filter((line) => line.startsWith('alice'))).toEqual([
      'alice  starts run',
      'alice  XACK A (in a script)',
    ]);
  });
});

describe('the diagram', () => {
  it('has at most 16 lines of 76 columns, and dots for what is left out', () => {
    const rows = Array.from({ length: 500 }, (_, index) => ({
      at: index,
      worker: `worker-${index % 6}`,
      text: index === 250 ? 'is killed' : 'does something that takes many words to tell '.repeat(3),
      rank: index === 250 ? 4 : 3,
    }));

    const lines = drawDiagram(rows, ['A = 1-0'], 1000);

    expect(lines.length).toBeLessThanOrEqual(16);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(76);
    expect(lines).toContain('   250 ms                  worker-4  is killed');
    expect(lines.filter((line) => /^ +\.\.\.$/.test(line))).toHaveLength(2);
    expect(lines.at(-2)).toContain('499 ms');
  });

  it('has a lane for each worker, in the order in which they appear', () => {
    const rows = ['alice', 'bob', 'alice'].map((worker, at) => ({
      at,
      worker,
      text: 'acts',
      rank: 1,
    }));

    expect(drawDiagram(rows, [], 3)).toEqual([
      '     0 ms  alice  acts',
      '     1 ms      bob  acts',
      '     2 ms  alice  acts',
      '     3 ms  the check ends here',
    ]);
  });
});
