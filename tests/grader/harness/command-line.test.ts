import { describe, expect, it } from 'vitest';
import { asLine, scriptDigest, scriptTitle } from '../../../grader/harness/command-line.ts';
import { escaped, unescaped } from '../../../grader/harness/escaped.ts';

/** What a worker has sent, as MONITOR shows it. */
function sent(...args: string[]) {
  return { worker: 'alice', at: 0, args };
}

describe('a value', () => {
  it.each([
    ['tea', 'tea'],
    ['cart:events:anna', 'cart:events:anna'],
    ['naïve', 'naïve'],
    ['', '""'],
    ['two words', '"two words"'],
    ['say "tea"', '"say \\"tea\\""'],
    ['C:\\tea', '"C:\\\\tea"'],
    ['one\ntwo\r\n', '"one\\ntwo\\r\\n"'],
    ['\u001b[31mred', '"\\x1b[31mred"'],
    ['right\u202eto left', '"right\\xe2\\x80\\xaeto left"'],
  ])('%j is one word on one line', (value, shown) => {
    expect(escaped(value)).toBe(shown);
  });

  it.each([
    ['tea', 'tea'],
    ['caf\\xc3\\xa9', 'café'],
    ['one\\ntwo', 'one\ntwo'],
    ['back\\\\nslash', 'back\\nslash'],
    ['\\xff\\xfe', '\\xff\\xfe'],
  ])('%j of MONITOR is %j, unless it is no text', (word, value) => {
    expect(unescaped(word)).toBe(value);
  });
});

describe('a command', () => {
  it('can be pasted into redis-cli', () => {
    const line = asLine(sent('xadd', 'orders:new', '*', 'note', 'caf\\xc3\\xa9\\n"tea"'));

    expect(line).toBe('XADD orders:new * note "café\\n\\"tea\\""');
  });

  it('is short, however much it takes, but does not leave out what the failure is about', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `1790000000000-${index}`);

    const line = asLine(sent('XACK', 'orders:new', 'g', ...ids), new Set(['1790000000000-77']));

    expect(line).toMatch(/ \.\.\. 1790000000000-77 \.\.\. \(\d+ more\)$/);
    expect(line.length).toBeLessThan(400);
    expect(asLine(sent('SET', 'key', 'x'.repeat(5000))).length).toBeLessThan(100);
  });

  it('with a script is its name, its keys and its arguments', () => {
    const text = 'local done = 1\\n-- applies one event\\nreturn done';
    const command = sent('eval', text, '2', 'cart:current:anna', 'cart:last:anna', '5-9', 'a b');

    expect(asLine({ ...command, script: scriptTitle(text) })).toBe(
      'EVAL (applies one event) KEYS cart:current:anna cart:last:anna ARGV 5-9 "a b"',
    );
    expect(asLine(sent('fcall', 'apply_event', '1', 'cart:current:anna'))).toBe(
      'FCALL apply_event KEYS cart:current:anna',
    );
  });

  it.each([
    ['return 1', 'a script of 1 line'],
    ['local a = 1\\nlocal b = 2\\nreturn a', 'a script of 3 lines'],
    ['\\n  --[[ two keys ]]\\nreturn 1', 'two keys ]]'],
    [`-- ${'long '.repeat(40)}\\nreturn 1`, `${'long '.repeat(9)}lon...`],
  ])('names the script %j', (text, title) => {
    expect(scriptTitle(text)).toBe(title);
  });

  it('knows what EVALSHA calls a script', () => {
    // printf 'return "é"' | sha1sum
    expect(scriptDigest('return "\\xc3\\xa9"')).toBe('3cf71d276cb9832cebc56895d377282f6a326756');
  });
});
