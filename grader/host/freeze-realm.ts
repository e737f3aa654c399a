/** Freezes all that a realm was made with: whoever gets hold of an object of it can change nothing in it for others. */
export function freezeRealm(realm: object): void {
  const seen = new Set<object>([realm]);
  // A Set that grows while it is walked through is walked through to its end.
  for (const one of seen) {
    for (const part of partsOf(one)) {
      const isObject = (typeof part === 'object' && part !== null) || typeof part === 'function';
      if (isObject) seen.add(part);
    }
    if (one !== realm) Object.freeze(one);
  }
}

function partsOf(one: object): unknown[] {
  const descriptors = Object.values(Object.getOwnPropertyDescriptors(one));
  const parts = descriptors.flatMap(({ value, get, set }): unknown[] => [value, get, set]);
  return [Object.getPrototypeOf(one), ...parts];
}
