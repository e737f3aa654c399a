// Values that travel between a spec and a submission, as texts: all that can be cloned can travel, also `undefined` and dates.
import { deserialize, serialize } from 'node:v8';
import type { CallResult, FailureKind, Problem } from '../messages.ts';

const LONGEST_TEXT = 20_000;

/** @throws what cannot be cloned */
export function encode(value: unknown): string {
  return serialize(value).toString('base64');
}

/** @throws when it is no such text */
export function decode(text: string): unknown {
  return deserialize(Buffer.from(text, 'base64'));
}

export function decodeArguments(text: string): unknown[] {
  const args = decode(text);
  return Array.isArray(args) ? args : [];
}

/** What a call came to. Whoever has encoded that may be a stranger: only what is known is taken over, and not too much of it. */
export function decodeOutcome(text: string): CallResult {
  const outcome = partsOf(decodeIfPossible(text));
  if (outcome.ok === true) return { ok: true, value: outcome.value };
  const problem = readProblem(outcome.problem);
  const how = readHow(outcome.how);
  return { ok: false, problem, ...(how ? { how } : {}) };
}

/** Something that went wrong, as a host tells it. */
export function decodeProblem(text: string): Problem {
  return readProblem(decodeIfPossible(text));
}

function decodeIfPossible(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return { ok: false, problem: { message: 'what came of it cannot be read' } };
  }
}

function readProblem(value: unknown): Problem {
  const { kind, message, stack, name, found, what, events } = partsOf(value);
  const error = { message: clipped(message), stack: clipped(stack) };
  switch (kind) {
    case 'closed client':
      return { kind };
    case 'listeners left':
      return { kind, events: Array.isArray(events) ? events.map(clipped) : [] };
    case 'no function':
      return { kind, name: clipped(name), found: clipped(found) };
    case 'uncaught':
      return { kind, what: clipped(what), ...error };
    case 'cannot load':
      return { kind, ...error };
    default:
      return { kind: 'threw', ...error };
  }
}

function readHow(how: unknown): FailureKind | undefined {
  return how === 'with nothing' || how === 'with an error of Redis' ? how : undefined;
}

function partsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function clipped(text: unknown): string {
  return String(text ?? '').slice(0, LONGEST_TEXT);
}
