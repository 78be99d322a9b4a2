import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { diffConfig } from '../../../config/diff.js';
import { loadConfig, type Config } from '../../../config/load.js';
import { folder } from '../../helpers/folder.js';
import { problemsOf } from './helpers.js';

function load(text: string): Config {
  const file = join(folder(), 'config.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {}, flags: {} });
}

const problems = (text: string): string[] => problemsOf(load, text);

describe('tuning in the configuration', () => {
  it('has units as everywhere, and leaves alone what is not named', () => {
    const [rule] = load('tuning:\n  - port: 8000-8099\n    cidr: 10.0.0.0/8\n    sendBuffer: 1MiB\n    userTimeout: 30s\n    noDelay: false\n').tuning;
    assert.deepEqual([rule!.port, rule!.cidr.prefix, rule!.sendBuffer, rule!.userTimeout, rule!.noDelay, rule!.ecn, rule!.service],
      [{ first: 8000, last: 8099 }, 104, 1048576, 30_000, false, null, '']);
    assert.deepEqual(load('tuning: [{ port: 443, congestionControl: bbr }]').tuning[0]!.port, { first: 443, last: 443 });
  });

  it('says what is wrong, and where', () => {
    assert.deepEqual(problems('tuning:\n  - noDelay: true\n  - port: 80\n'), [
      '2:5 tuning[0] it does not say for which connections.', '3:5 tuning[1] it sets nothing.',
    ]);
    assert.match(problems('tuning: [{ port: 80, keepaliveIdle: 1500ms }]')[0]!, /keepaliveIdle given "1500ms", and the kernel counts it in whole seconds/);
    assert.match(problems('tuning: [{ port: 80, congestion: bbr }]')[0]!, /tuning\[0\]\.congestion there is no such key/);
    assert.match(problems('tuning: [{ port: 99999, noDelay: true }]')[0]!, /port given 99999, expected a port, or a range/);
    assert.match(problems('tuning: [{ cidr: 10.0.0/8, noDelay: true }]')[0]!, /cidr given "10\.0\.0\/8", expected a network/);
    assert.match(problems('tuning: [{ port: 80, sendBuffer: 1GB }]')[0]!, /sendBuffer given "1GB", expected a size/);
    assert.match(problems('tuning: [{ port: 80, noDelay: 1 }]')[0]!, /noDelay given 1, expected true or false/);
    assert.match(problems(`tuning: [${Array.from({ length: 65 }, () => '{ port: 80, noDelay: true }').join(', ')}]`)[0]!, /expected a list of at most 64/);
  });

  it('is followed while the agent runs', () => {
    const [before, after] = [load(''), load('tuning: [{ port: 80, noDelay: true }]')];
    assert.deepEqual(diffConfig(before, after), { hot: ['tuning'], restart: [] });
    assert.deepEqual(diffConfig(after, load('tuning: [{ port: 80, noDelay: true }]')), { hot: [], restart: [] });
  });
});
