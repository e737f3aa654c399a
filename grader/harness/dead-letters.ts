import { sentAlone } from './one-by-one.ts';
import type { Trial } from './trial.ts';
import { expectThat } from './unmet.ts';

/** Expects that what was put aside was added there before it was acknowledged, or in one step with it. */
export async function expectAddedFirst<Submission>(
  trial: Trial<Submission>,
  stream: string,
  deadLetters: string,
  ids: readonly string[],
): Promise<void> {
  const commands = await trial.commands();
  const alone = sentAlone(commands);
  for (const id of ids) {
    const sent = (name: string, key: string) =>
      alone.find(
        ({ args: [command = '', first, ...rest] }) =>
          command.toLowerCase() === name && first === key && rest.includes(id),
      );
    const [added, acknowledged] = [sent('xadd', deadLetters), sent('xack', stream)];
    const isTooEarly =
      added && acknowledged && commands.indexOf(acknowledged) < commands.indexOf(added);
    expectThat(!isTooEarly, {
      expected: `${id} to be added to ${deadLetters} before it is acknowledged, or in one step with it`,
      happened: 'the XACK came first: a crash between the two would lose it',
      about: { command: acknowledged, entries: [id] },
    });
  }
}
