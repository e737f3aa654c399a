/** How many names are offered at most. */
const MOST = 3;

/**
 * `Did you mean orders?`, for a name that was mistyped; nothing when no name is near. A slug of several words is also near when
 * one of its words is.
 */
export function didYouMean(typed: string, names: readonly string[]): string {
  const near = nearest(typed, names);
  return near.length === 0 ? '' : `Did you mean ${near.slice(0, MOST).join(' or ')}?`;
}

/** The names that fewest mistakes lead from, as long as most of the letters are right. */
function nearest(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  const most = Math.max(1, Math.floor(wanted.length / 3));
  const found = names.map((name) => {
    const words = [name, ...name.split(/[-_:.]/)];
    return { name, by: Math.min(...words.map((word) => mistakesBetween(wanted, word))) };
  });
  const least = Math.min(most, ...found.map(({ by }) => by));
  return found.filter(({ by, name }) => by === least && by < name.length).map(({ name }) => name);
}

/**
 * How many letters have to be put in, left out, changed, or swapped with their neighbour to make one word of the other (the
 * optimal string alignment distance).
 */
export function mistakesBetween(first: string, second: string): number {
  let before: number[] = [];
  let row = Array.from({ length: second.length + 1 }, (_, at) => at);
  for (let i = 1; i <= first.length; i++) {
    const next = [i];
    for (let j = 1; j <= second.length; j++) {
      const change = first[i - 1] === second[j - 1] ? 0 : 1;
      const choices = [at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + change];
      const isSwapped =
        i > 1 && j > 1 && first[i - 1] === second[j - 2] && first[i - 2] === second[j - 1];
      if (isSwapped) choices.push(at(before, j - 2) + 1);
      next.push(Math.min(...choices));
    }
    [before, row] = [row, next];
  }
  return at(row, second.length);
}

const at = (row: readonly number[], index: number) => row[index] ?? Number.POSITIVE_INFINITY;
