import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encode, ReplyReader } from '../../../demo/resp.js';
import { digestOf, entryOf } from '../../../demo/values.js';

const read = (...chunks: string[]) => {
  const reader = new ReplyReader();
  return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk))).map((reply) => Buffer.isBuffer(reply) ? reply.toString() : reply);
};

describe('the Redis protocol', () => {
  it('counts bytes, not characters', () => {
    assert.equal(encode('SET', 'k', 'é').toString(), '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\né\r\n');
  });

  it('reads replies wherever the stream was cut', () => {
    const stream = '+OK\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n+OK\r\n';
    const wanted = ['OK', 'a\r\nbc', null, '', 'OK'];
    assert.deepEqual(read(stream), wanted);
    assert.deepEqual(read(...stream.split('')), wanted);
    for (let cut = 1; cut < stream.length; cut++) assert.deepEqual(read(stream.slice(0, cut), stream.slice(cut)), wanted);
  });

  it('keeps what the server refuses from passing for a value', () => {
    assert.throws(() => read('-OOM command not allowed\r\n'), /OOM command not allowed/);
    assert.throws(() => read(':1\r\n'), /no reply that was asked for/);
  });
});

describe('random values', () => {
  it('follow from their seed', () => {
    assert.deepEqual(entryOf('a', 7), entryOf('a', 7));
    assert.notEqual(entryOf('a', 7).key, entryOf('b', 7).key);
    assert.notEqual(digestOf(entryOf('a', 7).value), digestOf(entryOf('a', 8).value));
  });

  it('are of all sizes, from a few bytes to more than a socket buffer takes at once', () => {
    const sizes = Array.from({ length: 1000 }, (_, index) => entryOf('sizes', index).value.length);
    assert.ok(Math.min(...sizes) >= 1 && Math.max(...sizes) <= 131_072);
    for (const [from, to] of [[1, 16], [16, 1024], [1024, 16_384], [16_384, 131_073]] as const)
      assert.ok(sizes.filter((size) => size >= from && size < to).length > 100, `${from}..${to}`);
  });
});
