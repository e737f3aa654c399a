import type { FailureKind } from '../messages.ts';

/** A handler of the spec fails on purpose, in a way that is no Error of its own making. */
export class HandlerFailure extends Error {
  override readonly name = 'HandlerFailure';
  readonly how: FailureKind;

  /** @param how what the submission gets to see: a rejection with nothing, or an error as Redis answers it */
  constructor(how: FailureKind, message = '') {
    super(message);
    this.how = how;
  }
}

const throwingAtOnce = new WeakMap<object, readonly string[]>();

/** Has a handler throw at once for these entries, before it returns a promise. */
export function throwAtOnce<Handler extends object>(
  handler: Handler,
  entries: readonly string[] | undefined,
): Handler {
  if (entries) throwingAtOnce.set(handler, entries);
  return handler;
}

/** For which entries a handler throws at once, if for any. */
export function throwsAtOnceFor(handler: object): readonly string[] | undefined {
  return throwingAtOnce.get(handler);
}

/** The ways in which a handler fails, in turn. Some look like errors that a worker has to deal with itself. */
const WAYS: readonly ((id: string) => never)[] = [
  (id) => {
    throw new Error(`${id} failed (a part of the check)`);
  },
  () => {
    throw new HandlerFailure('with nothing');
  },
  () => {
    throw new HandlerFailure(
      'with an error of Redis',
      'WRONGTYPE Operation against a key holding the wrong kind of value (a part of the check)',
    );
  },
  () => {
    throw new Error('Connection is closed.');
  },
  () => {
    throw new HandlerFailure(
      'with an error of Redis',
      'BUSYGROUP Consumer Group name already exists (a part of the check)',
    );
  },
  () => {
    throw new HandlerFailure(
      'with an error of Redis',
      "NOGROUP No such key 'customers' or consumer group 'crm' (a part of the check)",
    );
  },
];

/** Fails in another way for each entry, told by its place. */
export function failSomehow(id: string, place: number): never {
  const way = WAYS[place % WAYS.length];
  if (!way) throw new Error('there is no way to fail');
  return way(id);
}
