import { describe, expect, it } from 'vitest';
import { splitArguments } from '../../../system/resp/split-arguments.ts';

describe('splitArguments', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['PING', ['PING']],
    ['  XADD  s\t*   a 1  ', ['XADD', 's', '*', 'a', '1']],
    ['SET k "two words"', ['SET', 'k', 'two words']],
    ["SET k 'two words'", ['SET', 'k', 'two words']],
    ['SET k ""', ['SET', 'k', '']],
    [String.raw`SET k "a \"b\" \\ \n\t"`, ['SET', 'k', 'a "b" \\ \n\t']],
    [String.raw`SET k 'it\'s \n'`, ['SET', 'k', "it's \\n"]],
    ['SET k pre"fix"', ['SET', 'k', 'prefix']],
    ['SET ключ "本 é"', ['SET', 'ключ', '本 é']],
    ['SET k "\\😀"', ['SET', 'k', '😀']],
  ])('splits %j', (line, expected) => {
    expect(splitArguments(line)?.map(String)).toEqual(expected);
  });

  it('keeps bytes that are no text', () => {
    expect(splitArguments('SET k "\\xff\\x00"')?.[2]).toEqual(Buffer.from([0xff, 0x00]));
  });

  it.each(['SET k "open', "SET k 'open", 'SET k "a"b', "SET k 'a'b", 'SET k "open\\"'])(
    'refuses %j',
    (line) => {
      expect(splitArguments(line)).toBeUndefined();
    },
  );
});
