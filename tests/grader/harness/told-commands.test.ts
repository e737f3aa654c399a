import { describe, expect, it } from 'vitest';
import { Diary } from '../../../grader/harness/diary.ts';
import type { Recorded } from '../../../grader/harness/recorder.ts';
import { tellCommands } from '../../../grader/harness/told-commands.ts';

/** Commands as lines, `alice: XACK orders:new g 1-0`. */
function record(...lines: string[]): Recorded[] {
  return lines.map((line, index) => {
    const [worker = '', text = ''] = line.split(': ');
    return { worker, at: index, args: text.split(' ') };
  });
}

const polling = Array.from({ length: 30 }, () => 'bob: XREADGROUP GROUP g bob STREAMS s >');
const diary = new Diary();

describe('the commands of a failure', () => {
  it('are those around the offending one, which is marked', () => {
    const commands = record(
      ...polling,
      'alice: XACK s g 1-0',
      'alice: XADD dead * id 1-0',
      ...polling,
    );

    const lines = tellCommands(commands, { command: commands[30] }, diary);

    expect(lines).toEqual([
      expect.stringMatching(/^\.\.\. \d+ before$/),
      expect.stringMatching(/^ {2}bob {8}XREADGROUP GROUP g bob STREAMS s > {3}\(\d+ times\)$/),
      '> alice      XACK s g 1-0',
      '  alice      XADD dead * id 1-0',
      '  bob        XREADGROUP GROUP g bob STREAMS s >   (30 times)',
    ]);
  });

  it('are those that name its entries and keys, else those of its worker, else the last', () => {
    const commands = record('alice: XADD s * a 1', ...polling, 'alice: XACK s g 1-0', ...polling);

    expect(tellCommands(commands, { entries: ['1-0'] }, diary)).toEqual([
      '... 31 before',
      'alice      XACK s g 1-0',
      '... 30 after',
    ]);
    expect(tellCommands(commands, { workers: ['alice'] }, diary)).toEqual([
      'alice      XADD s * a 1',
      '... 30 others',
      'alice      XACK s g 1-0',
      '... 30 after',
    ]);
    expect(tellCommands(commands, {}, diary)).toHaveLength(4);
    expect(tellCommands(commands, { keys: ['nothing'] }, diary)).toHaveLength(4);
  });

  it('include the read that has brought an entry to its handler', () => {
    const own = new Diary();
    own.note('alice', 'begins', '7-0');
    const at = own.now() - own.since(0);
    const read = { worker: 'alice', at: at - 1, args: ['XREADGROUP', 'NOACK', '>'] };
    const later = { ...read, at: at + 60_000 };

    expect(tellCommands([read, later], { entries: ['7-0'] }, own)).toEqual([
      'alice      XREADGROUP NOACK >',
      '... 1 after',
    ]);
  });

  it('have one line for a script, however many commands it runs, and for how many keys', () => {
    const script = (key: string): Recorded[] => [
      { worker: 'alice', at: 0, args: ['EVAL', '...', '1', key], script: 'applies' },
      { worker: '(script)', sender: 'alice', at: 0, args: ['HSET', key, 'tea', '1'] },
    ];

    expect(tellCommands([...script('a'), ...script('b')], {}, diary)).toEqual([
      'alice      EVAL (applies) KEYS a   (2 times)',
    ]);
    expect(tellCommands([...script('a'), ...script('b')], { keys: ['b'] }, diary)).toEqual([
      '... 1 before',
      'alice      EVAL (applies) KEYS b',
    ]);
  });
});
