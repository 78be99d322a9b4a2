import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Lines } from '../../../agent/kubernetes/lines.js';

describe('lines of a watch', () => {
  it('are whole, whatever the pieces', () => {
    const lines = new Lines();
    assert.deepEqual(lines.take('a'), []);
    assert.deepEqual(lines.take('b\nc\n\nd'), ['ab', 'c']);
    assert.deepEqual(lines.take('\n'), ['d']);
  });

  it('have an end', () => {
    const lines = new Lines(10);
    lines.take('12345\n123456');
    assert.throws(() => lines.take('7890x'), /over 10 characters/);
  });
});
