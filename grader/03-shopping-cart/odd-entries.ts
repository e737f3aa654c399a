import type { CartEvent } from './starter.ts';
import { add, checkout, remove, type Store } from './store.ts';

/** Events that are written in every way that is allowed, with ids that no double holds: their fields, and what they mean. */
const ODD_ENTRIES: readonly [id: string, fields: string, CartEvent][] = [
  ['1-1', 'itemId tea eventType item:add quantity 7', add('tea', 7)],
  ['1-2', 'eventType cart:checkout itemId tea quantity 1', checkout],
  ['1-3', 'itemId quantity quantity 3 eventType item:add', add('quantity', 3)],
  ['1-10', 'quantity 2 eventType item:add itemId itemId', add('itemId', 2)],
  ['1-11', 'itemId eventType eventType item:add quantity 4', add('eventType', 4)],
  [
    '2-0',
    'source item:remove itemId tea note itemId eventType item:add quantity 9 timestamp now',
    add('tea', 9),
  ],
  ['9007199254740992-0', 'itemId tea eventType item:remove price -1 quantity 1', remove('tea', 1)],
  [
    '9007199254740993-0',
    'eventType item:remove itemId tea quantity 2 timestamp -',
    remove('tea', 2),
  ],
  ['9007199254740993-9007199254740992', 'eventType item:add itemId cup quantity 8', add('cup', 8)],
  [
    '9007199254740993-9007199254740993',
    'eventType item:remove itemId cup quantity 5',
    remove('cup', 5),
  ],
  [
    '18446744073709551615-18446744073709551614',
    'quantity 1 itemId 1 eventType item:add',
    add('1', 1),
  ],
];

export async function recordOddEntries(store: Store, userId: string): Promise<void> {
  for (const [id, fields, event] of ODD_ENTRIES) {
    await store.write(userId, id, fields.split(' '), event);
  }
}
