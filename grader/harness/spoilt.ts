import type { Random } from './random.ts';

/** An entry that is none. */
export interface Spoilt {
  readonly fields: readonly string[];
  /** What is wrong with it, in words: `has no userId`. */
  readonly wrong: string;
}

/**
 * Entries that cannot be read, each for one reason: a field is missing, or has a value that it cannot have.
 *
 * @param item what a good one says
 * @param values for some fields, what they cannot be
 */
export function spoilt(
  random: Random,
  item: object,
  values: Readonly<Record<string, readonly string[]>>,
): Spoilt[] {
  const lacking = Object.keys(item).map((name) => {
    const others = Object.entries(item).filter(([field]) => field !== name);
    return { fields: random.fieldsOf(Object.fromEntries(others)), wrong: `has no ${name}` };
  });
  const broken = Object.entries(values).flatMap(([name, all]) =>
    all.map((value) => ({
      fields: random.fieldsOf({ ...item, [name]: value }),
      wrong: `has ${name} ${JSON.stringify(value)}`,
    })),
  );
  return [...lacking, ...broken, { fields: ['hello', 'world'], wrong: 'has none of the fields' }];
}
