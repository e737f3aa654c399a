import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExercise } from '../../grader/exercises.ts';
import { ROOT } from '../support/workbook.ts';
import { wrongCarts } from './wrong/cart.ts';
import { deep as deepCarts } from './wrong/cart-deep.ts';
import { wrongNotifications } from './wrong/notifications.ts';
import { deep as deepNotifications } from './wrong/notifications-deep.ts';
import { wrongOrders } from './wrong/orders.ts';
import { deep as deepOrders } from './wrong/orders-deep.ts';
import { type Wrong, writeWrong } from './wrong/wrong.ts';

const RIGHT = join(ROOT, 'tests', 'grader', 'right');

export const EXERCISES = ['orders', 'notifications', 'cart'] as const;
export type Name = (typeof EXERCISES)[number];

const WRONG: Record<Name, readonly Wrong[]> = {
  orders: [...wrongOrders, ...deepOrders],
  notifications: [...wrongNotifications, ...deepNotifications],
  cart: [...wrongCarts, ...deepCarts],
};

export function solutionOf(name: Name): string {
  return readFileSync(findExercise(name).solution, 'utf8');
}

/** The correct submissions of an exercise in other styles, by their file's name. */
export function rightOnes(name: Name): { name: string; code: string }[] {
  const folder = join(RIGHT, name);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.map((file) => ({ name: file, code: readFileSync(join(folder, file), 'utf8') }));
}

/**
 * Some of the wrong submissions: at least two for each requirement, those that fail the fewest first, and no fewer than
 * `count`. The more a submission fails, the longer it takes to grade, and the less it says about the grader.
 */
export function representative<One extends Wrong>(
  wrong: readonly One[],
  ids: readonly string[],
  count: number,
): One[] {
  const sharpest = wrong.toSorted((a, b) => a.fails.length - b.fails.length);
  const chosen = new Set<One>();
  const covered = (id: string) => [...chosen].filter(({ fails }) => fails.includes(id)).length;
  for (const id of ids) {
    for (const one of sharpest) {
      if (covered(id) < 2 && one.fails.includes(id)) chosen.add(one);
    }
  }
  for (const one of sharpest) if (chosen.size < count) chosen.add(one);
  return wrong.filter((one) => chosen.has(one));
}

/** The wrong submissions of an exercise, with what they fail. */
export function wrongOnes(name: Name): (Wrong & { name: string; code: string })[] {
  return WRONG[name].map((wrong) => {
    const correct = wrong.base ? readFileSync(join(RIGHT, wrong.base), 'utf8') : solutionOf(name);
    const origin = wrong.base ? ` (${wrong.base})` : '';
    return { ...wrong, name: `${wrong.mistake}${origin}`, code: writeWrong(correct, wrong) };
  });
}
