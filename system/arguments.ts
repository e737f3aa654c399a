import { parseArgs } from 'node:util';
import { didYouMean } from './did-you-mean.ts';
import { errorMessage, HelpAsked, UserError } from './process/user-error.ts';

interface Expected<Flag extends string, Option extends string> {
  /** The lines that show how the command is typed; they begin with it: `npm run grade ...`. */
  readonly usage: readonly string[];
  readonly flags?: readonly Flag[];
  /** Flags that are followed by a value: `--seed 7`. */
  readonly options?: readonly Option[];
  /** After so many words, everything is handed on unread; without it, everything is read. */
  readonly restAfter?: number;
}

interface Given<Flag extends string, Option extends string> {
  readonly positionals: readonly string[];
  /**
   * The positionals, when there are as many as there should be.
   *
   * @param asked what is said when there are not; without it, what is too much is named
   * @throws UserError when there are fewer or more
   */
  readonly words: (least: number, most: number, asked?: string) => readonly string[];
  readonly has: (flag: Flag) => boolean;
  readonly value: (option: Option) => string | undefined;
  readonly rest: readonly string[];
}

/**
 * Reads what was typed after the command's name. A flag also counts when it was typed without the
 * `--` that npm asks for: `npm run chapter 4 --live` reaches us as `npm_config_live`.
 *
 * @throws HelpAsked for `--help`
 * @throws UserError for a flag that the command does not have, and for one that lacks its value
 */
export function commandArguments<Flag extends string = never, Option extends string = never>(
  typed: readonly string[],
  expected: Expected<Flag, Option>,
): Given<Flag, Option> {
  const cut = indexAfterWords(typed, expected.restAfter ?? Number.POSITIVE_INFINITY);
  const flags = expected.flags ?? [];
  const valued = expected.options ?? [];
  const usage = `Type one of these:\n${expected.usage.map((line) => `  ${line}`).join('\n')}`;

  const options: Record<string, { type: 'boolean' | 'string' }> = {};
  for (const name of [...flags, 'help']) options[name] = { type: 'boolean' };
  for (const name of valued) options[name] = { type: 'string' };
  const { values, positionals } = parse(typed.slice(0, cut), options, usage);
  if (values.help) throw new HelpAsked(usage);
  return {
    positionals,
    words: (least, most, asked) => {
      const { length } = positionals;
      if (length >= least && length <= most) return positionals;
      const what = asked ?? `What is '${positionals.slice(most).join(' ')}'?`;
      throw new UserError(`${what}\n${expected.usage.join('\n')}`);
    },
    has: (flag) => values[flag] === true || process.env[`npm_config_${flag}`] === 'true',
    value: (option) => values[option]?.toString() ?? valueTakenByNpm(option, expected.usage),
    rest: typed.slice(cut),
  };
}

function parse(
  args: readonly string[],
  options: Record<string, { type: 'boolean' | 'string' }>,
  usage: string,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const [complaint = ''] = errorMessage(error).split('. ');
    const [, unknown] = /^Unknown option '-*([^']+)'/.exec(complaint) ?? [];
    const names = Object.keys(options).map((name) => `--${name}`);
    const instead = unknown ? didYouMean(`--${unknown}`, names) : '';
    throw new UserError(`${complaint}.${instead && ` ${instead}`}\n${usage}`);
  }
}

/** What npm has taken for a setting of its own. Of those that it knows, it keeps the value from us. */
function valueTakenByNpm(option: string, [example = '']: readonly string[]): string | undefined {
  const taken = process.env[`npm_config_${option}`];
  if (taken !== 'true') return taken || undefined;
  const [command] = /^npm run \S+/.exec(example) ?? ['npm run ...'];
  throw new UserError(
    `npm has kept --${option} for itself. Put two dashes before the flags: ${command} -- --${option} ...`,
  );
}

/** The index behind the `count`th word that is not a flag. */
function indexAfterWords(typed: readonly string[], count: number): number {
  let words = 0;
  for (const [index, word] of typed.entries()) {
    if (!word.startsWith('-')) words++;
    if (words === count) return index + 1;
  }
  return typed.length;
}
