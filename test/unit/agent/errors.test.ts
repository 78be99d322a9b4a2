import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeError, ERRORS, SidestepError, type ErrorCode } from '../../../agent/errors.js';
import { errorsDoc } from '../../../agent/errors-doc.js';

const codes = Object.keys(ERRORS) as ErrorCode[];

describe('errors', () => {
  for (const code of codes) {
    it(`${code} says what, where and what to do`, () => {
      const error = new SidestepError(code, '/some/place');
      assert.equal(error.message, `${ERRORS[code].sentence} (/some/place)`);
      assert.doesNotMatch(ERRORS[code].sentence, /^[A-Z](?!TF)|\.$/, 'the place follows the sentence');
      assert.match(error.remedy, /^[A-Z`].*\.$/);
    });
  }

  it('are all in the document, and nothing else is', () => {
    const headings = [...errorsDoc().matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings, codes);
    for (const code of codes) assert.ok(errorsDoc().includes(ERRORS[code].remedy));
  });

  it('carry their cause, and the words of the addon', () => {
    const error = new SidestepError('load_failed', 'sk_msg', new Error('the verifier says no'));
    assert.equal(describeError(error).message, 'the programs could not be loaded (sk_msg): the verifier says no');
    const foreign = Object.assign(new Error('could not load'), { remedy: 'Do this.' });
    assert.deepEqual(describeError(foreign), { message: 'could not load', remedy: 'Do this.' });
  });
});
