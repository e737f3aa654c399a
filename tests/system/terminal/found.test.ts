import { describe, expect, it } from 'vitest';
import { hasText, markText } from '../../../system/terminal/found.ts';

const MARKED = (text: string) => `\u001b[7m${text}\u001b[27m`;
const RED = '\u001b[31m';
const END = '\u001b[39m';

describe('a text that is searched for', () => {
  it.each([
    ['XADD adds, xadd adds', 'xadd', `${MARKED('XADD')} adds, ${MARKED('xadd')} adds`],
    [`one ${RED}two${END} three`, 'o t', `one ${RED}tw${MARKED(`o${END} t`)}hree`],
    [`${RED}31m${END}`, '31m', `${RED}\u001b[7m31m${END}\u001b[27m`],
    ['a.b axb', '.', `a${MARKED('.')}b axb`],
    ['aaa', 'aa', `${MARKED('aa')}a`],
    ['at the end', 'end', `at the ${MARKED('end')}`],
    ['nothing here', 'xadd', 'nothing here'],
    ['nothing asked', '', 'nothing asked'],
  ])('in %j: %j', (line, wanted, marked) => {
    expect(markText(line, wanted)).toBe(marked);
    expect(hasText(line, wanted)).toBe(marked !== line);
  });
});
