import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FakeDatapath } from '../../../agent/datapath/fake.js';
import { applyHot, HOT_KEYS } from '../../../agent/hot.js';
import { keys } from '../../../config/keys.js';
import { Scope } from '../../../agent/scope/scope.js';
import { loadConfig } from '../../../config/load.js';
import { keptLog } from '../../helpers/log.js';

describe('settings that a running agent follows', () => {
  it('are those that the configuration promises', () => {
    const promised = keys.filter(({ appliedOn }) => appliedOn === 'hot').map(({ name }) => name);
    assert.deepEqual([...HOT_KEYS].sort(), [...promised].sort());
  });

  it('are applied, and only those that changed', () => {
    const datapath = new FakeDatapath();
    const { log } = keptLog();
    const scope = new Scope(loadConfig({ env: {}, flags: { runDir: '/nonexistent' } }), { cgroupRoot: '/nonexistent' }, log);
    const flags = { 'log.level': 'debug', 'datapath.observe': 'true', 'datapath.queueBytes': '8KiB' };
    const none = { configure: () => undefined };
    applyHot(['log.level', 'datapath.queueBytes'], loadConfig({ env: {}, flags }), { datapath, scope, reuseport: none, mesh: none, frontdoor: none, log });
    assert.deepEqual([log.level, datapath.calls], ['debug', ['tellAll true', 'queueBytes 8192']]);
    applyHot(['guard.window.bytes'], loadConfig({ env: {}, flags: { 'guard.window.bytes': '1MiB', 'guard.window.time': '2s' } }), { datapath, scope, reuseport: none, mesh: none, frontdoor: none, log });
    assert.equal(datapath.calls.at(-1), 'window 2000 1 1048576');
  });
});
