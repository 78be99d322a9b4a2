import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { startTestAgent, type TestAgent } from '../../helpers/agent-view.js';
import { folder } from '../../helpers/folder.js';
import { sidestep, type Outcome } from '../../helpers/run.js';
import { fakeProfile } from './fake-profile.js';

const good = fakePair();
const refused = fakePair({ id: '00000002deadbeef', state: 'tcp', reason: 'blocking', server: fakeEndpoint({ port: 9090, pid: 300 }) });
const read = (outcome: Outcome): Record<string, unknown> => JSON.parse(outcome.stdout) as Record<string, unknown>;

describe('command line', () => {
  let runDir: string;
  let agent: TestAgent;
  const ask = (...args: string[]): Promise<Outcome> => sidestep(['--run-dir', runDir, ...args]);

  beforeEach(async () => {
    runDir = folder();
    agent = await startTestAgent(runDir);
    agent.datapath.live = [good, refused];
    agent.datapath.profileList = [fakeProfile({ hazard: 'splice' })];
  });
  afterEach(() => agent.stop());

  for (const [command, code, text] of [
    [['status'], 0, /^pairs +1 active$/m],
    [['pairs'], 0, /00000002deadbeef .* blocking$/m],
    [['profiles'], 0, /^redis-server\/4711 .* unsafe \(splice\) +1m00s +3 plain +-$/m],
    [['top', '--interval', '10ms'], 0, /^client\/100 {2}-> .* active/m],
    [['explain', '8080'], 0, /^ {2}Accelerated/m],
    [['explain', '127.0.0.1:40000', '127.0.0.1:8080'], 0, /^pair 00000001deadbeef/],
    [['explain', '9090'], 1, /What to do: use non-blocking sockets/],
    [['explain', '1'], 1, /^no local connection matches 1\n/],
    [['frontdoor'], 0, /^no front door is configured; docs\/frontdoor.md shows how\n$/],
    [['reuseport'], 0, /^listeners are not balanced: reuseport.enabled is false\n$/],
    [['pods'], 0, /^pods are not known: kubernetes.enabled is false\n$/],
    [['retire', '00000002deadbeef'], 0, /^2 sockets left the map; 0 still in it\n$/],
    [['retire', '--timeout', '1s'], 0, /acceleration is off now/],
  ] as const) {
    it(`${command.join(' ')} exits ${code}`, async () => {
      const outcome = await ask(...command);
      assert.deepEqual([outcome.code, outcome.stderr], [code, '']);
      assert.match(outcome.stdout, text);
      assert.doesNotMatch(outcome.stdout, /\u001b| $/m, 'plain text without a terminal');
    });
  }

  for (const [command, keys] of [
    [['status'], ['agent', 'ready', 'notReady', 'datapath', 'totals', 'metrics', 'web', 'bus', 'kubernetes', 'frontdoor', 'reload', 'problems']],
    [['pairs'], ['pairs']],
    [['profiles'], ['profiles']],
    [['top', '--once', '--interval', '10ms'], ['totals', 'rows']],
    [['explain', '8080'], ['query', 'answers', 'groups', 'tuned', 'doors']],
    [['frontdoor'], ['process', 'restarts', 'listeners', 'totals']],
    [['reuseport'], ['enabled', 'failure', 'sysctl', 'groups']],
    [['pods'], ['reads', 'pods']],
    [['check', '--quick'], ['success', 'checks']],
    [['config', 'print'], ['config']],
    [['config', 'print', '--origin'], ['config', 'settings']],
  ] as const) {
    it(`${command.join(' ')} -o json prints one versioned object`, async () => {
      const object = read(await ask(...command, '-o', 'json'));
      assert.deepEqual(Object.keys(object), ['apiVersion', ...keys]);
      assert.equal(object['apiVersion'], 1);
    });
  }

  describe('profiles', () => {
    const entry = { program: 'any', name: 'envoy', state: 'unsafe', reason: 'splice' };
    const file = (...profiles: object[]): string => {
      const path = join(runDir, 'list.json');
      writeFileSync(path, JSON.stringify({ format: 'sidestep-profiles', version: 1, profiles }));
      return path;
    };

    it('are imported, shown, exported and forgotten', async () => {
      assert.equal((await ask('profiles', 'import', file(entry))).stdout, '1 profile added, 0 changed, 0 known already\n');
      assert.match((await ask('profiles')).stdout, /^envoy +- +any +- +unsafe \(splice\) +\S+ +- +import$/m);
      const exported = await ask('profiles', 'export');
      assert.equal((JSON.parse(exported.stdout) as { profiles: object[] }).profiles.length, 1);
      const copy = join(runDir, 'copy.json');
      assert.equal((await ask('profiles', 'export', '-o', copy)).stdout, `1 profile written to ${copy}\n`);
      assert.equal((await ask('profiles', 'import', copy)).stdout, '0 profiles added, 0 changed, 1 known already\n');
      assert.match((await ask('profiles', 'set', 'envoy', 'clean')).stdout, /^clean [0-9a-f]{12} envoy \(every place\)\n$/);
      const forgotten = read(await ask('profiles', 'forget', 'envoy', '-o', 'json'));
      assert.deepEqual(Object.keys(forgotten), ['apiVersion', 'profiles']);
      assert.equal((await ask('profiles', 'forget', 'envoy')).code, 1);
    });

    it('of a file with mistakes change nothing, and each mistake is named by its place', async () => {
      const outcome = await ask('profiles', 'import', file(entry, { ...entry, state: 'fine' }, { name: 'x' }));
      assert.equal(outcome.code, 2);
      assert.match(outcome.stderr, /^sidestep: the file of profiles is not taken \(.*list\.json:1:\d+: profiles\[1\]\.state: expected one of/);
      assert.match(outcome.stderr, /profiles\[2\]: program is missing/);
      assert.doesNotMatch((await ask('profiles')).stdout, /envoy/);
    });

    for (const args of [['export', '-o', '/nonexistent/x'], ['import', '/nonexistent/x'], ['set', 'x', 'unsafe', '--reason', 'boredom'], ['-o', 'xml'],
      ['forget', 'x', '-o', 'xml']])
      it(`bad usage is exit 2: profiles ${args.join(' ')}`, async () => {
        const outcome = await ask('profiles', ...args);
        assert.deepEqual([outcome.code, outcome.stdout], [2, '']);
        assert.match(outcome.stderr, /^sidestep: .*\n {2}\S/);
      });
  });

  it('a problem of the agent is exit 1', async () => {
    Object.assign(agent.datapath.state, { mode: 'off', modeWhy: 'the self-test failed' });
    const outcome = await ask('status');
    assert.equal(outcome.code, 1);
    assert.match(outcome.stdout, /^problem +nothing is accelerated: the self-test failed$/m);
  });

  it('pairs that do not leave are exit 1, and told', async () => {
    agent.datapath.stuck = [good];
    const outcome = await ask('retire');
    assert.equal(outcome.code, 1);
    assert.match(outcome.stdout, /^2 sockets left the map; 2 still in it\n {2}2 hold unread bytes/);
  });

  it('an error of the agent keeps its words', async () => {
    const outcome = await ask('retire', '0123456789abcdef');
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /^sidestep: there is no such thing \(pair 0123456789abcdef\)\n {2}\S.*\n$/);
  });

  for (const command of [['nonsense'], ['status', '--loud'], ['explain'], ['explain', 'what'], ['status', '-o', 'xml'],
    ['top', '--interval', 'soon'], ['agent', '--set', 'nonsense'], ['agent', '--set', 'datapath.maxPair=1'],
    ['agent', '--datapath-max-pairs', 'many'], []]) {
    it(`bad usage is exit 2: sidestep ${command.join(' ')}`, async () => {
      const outcome = await ask(...command);
      assert.deepEqual([outcome.code, outcome.stdout], [2, '']);
      if (command.length > 0) assert.match(outcome.stderr, /^sidestep: .*\n {2}\S/);
    });
  }

  for (const command of [['status'], ['top'], ['pairs'], ['profiles'], ['explain', '1'], ['retire']]) {
    it(`no agent is exit 3: sidestep ${command.join(' ')}`, async () => {
      const outcome = await sidestep(['--run-dir', '/nonexistent', ...command]);
      assert.deepEqual([outcome.code, outcome.stdout], [3, '']);
      assert.match(outcome.stderr, /^sidestep: no agent answers \(\/nonexistent\/agent\.sock\)\n {2}Start one with /);
    });
  }

  it('help and version are exit 0', async () => {
    const [help, version] = await Promise.all([sidestep(['--help']), sidestep(['--version'])]);
    assert.deepEqual([help.code, version.code], [0, 0]);
    assert.match(help.stdout, /Exit codes: 0 good, 1 problem found/);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

describe('config commands', () => {
  const file = (text: string): string => {
    const path = join(folder(), 'config.yaml');
    writeFileSync(path, text);
    return path;
  };

  it('print what can be read again', async () => {
    const printed = await sidestep(['config', 'print', '--set', 'datapath.queueBytes=1MiB', '--set', 'admin.mode=0600']);
    assert.match(printed.stdout, /queueBytes: 1MiB[^]*mode: "0600"/);
    const again = await sidestep(['--config', file(printed.stdout), 'config', 'print']);
    assert.equal(again.stdout, printed.stdout);
  });

  it('print where each value came from', async () => {
    const path = file('log: {level: debug}\n');
    const { stdout } = await sidestep(['--config', path, 'config', 'print', '--origin'], { SIDESTEP_METRICS_PORT: '1' });
    assert.ok(stdout.includes(`${path}:1`));
    assert.match(stdout, /^metrics\.port +1 +env SIDESTEP_METRICS_PORT$/m);
  });

  it('validate: 0 when good, 1 with all problems when not', async () => {
    assert.equal((await sidestep(['config', 'validate', file('runDir: /run/x\n')])).code, 0);
    const bad = await sidestep(['config', 'validate', file('runDr: /run/x\nmetrics: {port: -1}\n')]);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /^sidestep: [^]*config\.yaml:1:1[^]*config\.yaml:2/);
  });

  it('schema prints JSON Schema', async () => {
    assert.ok(read(await sidestep(['config', 'schema']))['properties']);
  });
});
