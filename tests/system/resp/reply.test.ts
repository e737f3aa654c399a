import { describe, expect, it } from 'vitest';
import { ReplyParser } from '../../../system/resp/reply.ts';

const BYTES = Buffer.from('+OK\r\n:42\r\n$-1\r\n*2\r\n$4\r\né\r\n\r\n*0\r\n-ERR no\r\n');
const REPLIES = [
  { type: 'status', text: 'OK' },
  { type: 'integer', text: '42' },
  { type: 'nil' },
  {
    type: 'array',
    items: [
      { type: 'bulk', bytes: Buffer.from('é\r\n') },
      { type: 'array', items: [] },
    ],
  },
  { type: 'error', text: 'ERR no' },
];

describe('ReplyParser', () => {
  it('reads several replies that arrive at once', () => {
    expect(new ReplyParser().push(BYTES)).toEqual(REPLIES);
  });

  it('reads replies that arrive byte by byte', () => {
    const parser = new ReplyParser();

    const replies = [...BYTES].flatMap((byte) => parser.push(Buffer.from([byte])));

    expect(replies).toEqual(REPLIES);
  });

  it('says so when the other side is no Redis', () => {
    expect(() => new ReplyParser().push(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow(
      'This is not a Redis server: it answered "HTTP/1.1 400 Bad Request".',
    );
  });
});
