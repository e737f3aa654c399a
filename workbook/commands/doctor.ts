import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { print } from '../../system/terminal/print.ts';
import { type Diagnosis, examine } from '../doctor/examine.ts';
import { nextStep } from '../learner/standing.ts';

const MARKS = { ok: colour.green('ok   '), note: colour.yellow('note '), bad: colour.red('BAD  ') };
const INDENT = ' '.repeat(5);

export const command: Command = async (lifetime, typed) => {
  commandArguments(typed, {
    usage: ['npm run doctor      what is here, what is missing, what to do'],
  });
  let bad = 0;
  for await (const check of examine(lifetime)) {
    print(describe(check));
    if (check.state === 'bad') bad++;
  }
  print('');
  print(bad === 0 ? allIsWell() : `To be mended: ${bad}. See BAD above.`);
  return bad === 0 ? 0 : 1;
};

function allIsWell(): string {
  const { what, command } = nextStep();
  return `All is well. Next: ${what}\n  ${colour.cyan(command)}`;
}

function describe({ state, what, finding, advice }: Diagnosis): string {
  const line = `${MARKS[state]}${paragraph(`${what}: ${finding}`, INDENT).trimStart()}`;
  return advice ? `${line}\n${paragraph(`-> ${advice}`, INDENT)}` : line;
}
