import assert from 'node:assert/strict';
import { REASON_NAMES, REASONS } from '../../../agent/datapath/reasons.js';
import { translate, verifierLog } from '../../../agent/datapath/translate.js';
import { describeError, SidestepError } from '../../../agent/errors.js';

const native = (code: string, over: object = {}): Error =>
  Object.assign(new Error('could not load the programs (EACCES: Permission denied)'), {
    code, operation: 'load the programs', reason: 'the verifier refused a program', remedy: '', errno: 13, log: '', ...over,
  });

describe('errors of the addon', () => {
  it('become errors of the agent, with what happened and the likely cause', () => {
    const error = translate(native('load_failed'));
    assert.ok(error instanceof SidestepError);
    assert.equal(error.code, 'load_failed');
    assert.match(describeError(error).message, /EACCES.*likely the verifier refused a program/);
  });
  it('get the nearest code when the agent has none of that name', () => {
    assert.equal((translate(native('locked')) as SidestepError).code, 'agent_running');
    assert.equal((translate(native('something_new')) as SidestepError).code, 'kernel_refused');
  });
  it('keep the words of the verifier for whoever asks', () => {
    assert.equal(verifierLog(translate(native('load_failed', { log: 'R1 invalid mem access' }))), 'R1 invalid mem access');
    assert.equal(verifierLog(new Error('other')), '');
  });
  it('leave other errors alone', () => {
    const other = new TypeError('x');
    assert.equal(translate(other), other);
  });
});

describe('reasons', () => {
  it('have distinct names and say what to do', () => {
    assert.equal(new Set(REASON_NAMES).size, REASONS.length);
    for (const reason of REASONS) assert.ok(reason.what.length > 10 && reason.remedy.length > 5, reason.name);
  });
});
