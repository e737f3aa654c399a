import { asLine } from './recorder.ts';
import type { Trial } from './trial.ts';
import { expectThat } from './unmet.ts';

/**
 * Expects that nobody has trimmed these streams, nor deleted from them, nor said that they may be trimmed: of some limits nothing
 * shows as long as a stream is short.
 */
export async function expectUntouched<Submission>(
  trial: Trial<Submission>,
  prefix: string,
  why: string,
): Promise<void> {
  const sent = (await trial.commands()).find(
    ({ args: [command = '', key = '', ...rest] }) =>
      key.startsWith(prefix) &&
      (/^(xtrim|xdel|xdelex|xackdel)$/i.test(command) ||
        (/^xadd$/i.test(command) &&
          rest.slice(0, 2).some((word) => /^(maxlen|minid)$/i.test(word)))),
  );
  expectThat(sent === undefined, {
    expected: `nothing in ${prefix} to be trimmed or deleted: ${why}`,
    happened: sent ? `${sent.sender ?? sent.worker} sent ${asLine(sent)}` : '',
    about: { command: sent },
  });
}
