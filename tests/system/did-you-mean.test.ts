import { describe, expect, it } from 'vitest';
import { didYouMean, mistakesBetween } from '../../system/did-you-mean.ts';

const EXERCISES = ['orders', 'notifications', 'cart'];
const CHAPTERS = ['anatomy-of-a-stream', 'consumer-groups', 'pending-and-trimming'];

describe('what may have been meant', () => {
  it.each([
    ['ordrs', EXERCISES, 'Did you mean orders?'],
    ['oders', EXERCISES, 'Did you mean orders?'],
    ['Orderss', EXERCISES, 'Did you mean orders?'],
    ['crat', EXERCISES, 'Did you mean cart?'],
    ['notfications', EXERCISES, 'Did you mean notifications?'],
    ['gruops', CHAPTERS, 'Did you mean consumer-groups?'],
    ['triming', CHAPTERS, 'Did you mean pending-and-trimming?'],
    ['--wach', ['--watch', '--poll', '--all'], 'Did you mean --watch?'],
    ['cat', ['cart', 'cast'], 'Did you mean cart or cast?'],
  ])('%s of %j: %s', (typed, names, said) => {
    expect(didYouMean(typed, names)).toBe(said);
  });

  it.each([
    ['nonsense', EXERCISES],
    ['9', ['1', '2', '3']],
    ['', EXERCISES],
    ['x', []],
  ])('%j is near none of %j', (typed, names) => {
    expect(didYouMean(typed, names)).toBe('');
  });
});

describe('the mistakes between two words', () => {
  it.each([
    ['same', 'same', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['orders', 'ordres', 1],
    ['orders', 'order', 1],
    ['orders', 'borders', 1],
    ['orders', 'odrers', 1],
    ['kitten', 'sitting', 3],
  ])('%s and %s: %i', (first, second, mistakes) => {
    expect(mistakesBetween(first, second)).toBe(mistakes);
    expect(mistakesBetween(second, first)).toBe(mistakes);
  });
});
