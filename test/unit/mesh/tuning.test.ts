import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readTuning } from '../../../config/tuning.js';
import type { TuningConfig } from '../../../config/tuning-types.js';
import { renderExplained } from '../../../agent/cli/render/explain.js';
import { FakeMeshKernel } from '../../../agent/mesh/fake.js';
import { fromKernel, ruleToNative } from '../../../agent/mesh/native-tuning.js';
import { tunedMatches, type TunedView } from '../../../agent/mesh/tuned.js';
import { Tuning } from '../../../agent/mesh/tuning.js';
import { parseQuery } from '../../../agent/pairs/query.js';
import { keptLog } from '../../helpers/log.js';

const rulesOf = (...rules: object[]): TuningConfig[] => {
  const { value, findings } = readTuning(rules);
  assert.deepEqual(findings, []);
  return value;
};
const web = { service: 'web', userTimeout: '5s' }, any = { port: 443, ecn: false, noDelay: true };

const view: TunedView = {
  localAddress: '10.0.0.1', localPort: 40000, remoteAddress: 'fd00::2', remotePort: 5432, netns: 1, inode: '5', rule: 0, pid: 77, comm: 'psql',
  given: ['userTimeout', 'pacing', 'noDelay'], refused: ['congestionControl'],
  now: { congestionControl: 'cubic', userTimeout: 5000, pacing: 1048576, noDelay: 1, synRetries: 6 },
};

describe('rules for TCP settings', () => {
  it('keep their numbers while they stay as they are, and never give one away', () => {
    const kernel = new FakeMeshKernel(), tuning = new Tuning(keptLog().log);
    const ids = (...rules: object[]): number[] => {
      tuning.configure(rulesOf(...rules), kernel, (service) => (service === 'web' ? [7, 8] : []));
      return kernel.rules.map(({ id }) => id);
    };
    assert.deepEqual(ids(web, any), [1, 2]);
    assert.deepEqual([kernel.rules[0]!.services, kernel.rules[1]!.services, kernel.rules[1]!.set], [[7, 8], undefined, { noDelay: 1 }]);
    assert.deepEqual(ids(any), [2]);
    assert.deepEqual(ids(web, any, any), [3, 2, 4]);
  });

  it('name a service that is not there', () => {
    const kernel = new FakeMeshKernel(), tuning = new Tuning(keptLog().log);
    tuning.configure(rulesOf(web), kernel, () => []);
    assert.deepEqual(kernel.rules[0]!.services, []);
    assert.deepEqual(tuning.problems(kernel, () => false), ['tuning[0]: there is no service web']);
  });

  it('are in the units of setsockopt() for the kernel, and in their own for people', () => {
    const kernel = new FakeMeshKernel();
    new Tuning(keptLog().log).configure(rulesOf({ cidr: '10.1.0.0/16', keepaliveIdle: '2m', sendBuffer: '1MiB', synTimeout: '300ms' }), kernel, () => []);
    const { network, prefix, keepaliveIdle, sendBuffer, synTimeout, byService } = ruleToNative(kernel.rules[0]!);
    assert.deepEqual([network, prefix, keepaliveIdle, sendBuffer, synTimeout, byService], ['0:0:0:0:0:ffff:a01:0', 112, 120, 1048576, 300, false]);
    const { now } = fromKernel({ ...view, rule: 1, given: [], refused: [], now: { keepaliveIdle: 120, sendBuffer: 2097152 } });
    assert.deepEqual(now, { keepaliveIdle: 120_000, sendBuffer: 1048576 });
  });

  it('what a connection got is found by process, port and address, and shown with what the kernel has now', () => {
    for (const text of ['77', '5432', '40000', '10.0.0.1:40000', '[fd00::2]:5432 -> 10.0.0.1:40000']) assert.ok(tunedMatches(parseQuery(text)!, view), text);
    for (const text of ['78', '10.0.0.1:5432', '0123456789abcdef']) assert.ok(!tunedMatches(parseQuery(text)!, view), text);
    const lines = renderExplained({ apiVersion: 1, query: '5432', answers: [], groups: [], doors: [], tuned: [view] });
    assert.deepEqual(lines.slice(-3), [
      'psql/77 at 10.0.0.1:40000 to [fd00::2]:5432: TCP settings by tuning[0]',
      '  set: userTimeout 5s, noDelay on, pacing 1MiB/s',
      '  refused by the kernel: congestionControl cubic; `sidestep status` says why',
    ]);
    assert.match(renderExplained({ apiVersion: 1, query: '1', answers: [], groups: [], doors: [], tuned: [{ ...view, rule: null, pid: 0 }] }).join('\n'), /a connection at .* by a rule that is no longer there/);
  });
});
