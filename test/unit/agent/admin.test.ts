import assert from 'node:assert/strict';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AdminClient } from '../../../agent/admin/client.js';
import type { RetireLine } from '../../../agent/admin/objects.js';
import { AdminServer } from '../../../agent/admin/server.js';
import { groupId } from '../../../agent/admin/socket.js';
import { fakePair } from '../../../agent/datapath/fake.js';
import { SidestepError } from '../../../agent/errors.js';
import { startTestAgent, type TestAgent } from '../../helpers/agent-view.js';
import { folder } from '../../helpers/folder.js';
import { start } from '../../helpers/run.js';
import { fakeProfile } from './fake-profile.js';

const code = (wanted: string, detail = /./) => (error: unknown): true => {
  assert.ok(error instanceof SidestepError);
  assert.equal(error.code, wanted);
  assert.match(error.detail, detail);
  return true;
};

describe('admin API', () => {
  let agent: TestAgent;
  let client: AdminClient;

  beforeEach(async () => {
    agent = await startTestAgent(folder());
    client = new AdminClient(agent.path);
  });
  afterEach(() => agent.stop());

  const raw = async (method: string, path: string, body = ''): Promise<{ status: number; body: { error?: Record<string, string> } }> => {
    const sent = request({ socketPath: agent.path, method, path, agent: false });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 0, body: JSON.parse(text) as { error?: Record<string, string> } };
  };

  it('answers every read with a versioned object', async () => {
    agent.datapath.live = [fakePair()];
    const answers = await Promise.all([
      client.status(), client.pairs(), client.edges(), client.counters(), client.explain('8080'), client.config(),
    ]);
    for (const answer of answers) assert.equal(answer.apiVersion, 1);
    const [status, pairs, , counters, explained, config] = answers;
    assert.deepEqual([status.ready, status.totals.activePairs, status.agent.pid, status.problems], [true, 1, process.pid, []]);
    assert.equal(pairs.pairs[0]!.server.comm, 'server');
    assert.equal(counters.maps[0]!.name, 'pairs');
    assert.equal(explained.answers.length, 1);
    assert.equal(config.settings.find(({ key }) => key === 'runDir')!.origin, 'flag --run-dir');
  });

  it('answers with the busiest pairs only, when asked so', async () => {
    agent.datapath.live = Array.from({ length: 30 }, (_, number) => fakePair({ id: String(number).padStart(16, '0') }));
    assert.equal((await client.pairs(7)).pairs.length, 7);
    assert.equal((await client.status()).totals.pairs, 30);
    await assert.rejects(client.pairs(0.5), /busiest is "0\.5", and must be a number from 1 to 999999/);
  });

  it('answers with the profiles in order, each with its verdict', async () => {
    agent.datapath.profileList = [fakeProfile(), fakeProfile({ id: '00000000000000bb', hazard: 'splice', seenMsAgo: 9000 })];
    const { apiVersion, profiles } = await client.profiles();
    assert.equal(apiVersion, 1);
    assert.deepEqual(profiles.map(({ id, verdict }) => [id, verdict]), [['00000000000000bb', 'unsafe'], ['00000000000000aa', 'clean']]);
  });

  it('explains with what is known of the programs', async () => {
    agent.datapath.live = [fakePair({ state: 'tcp', reason: 'learning' })];
    agent.datapath.profileList = [fakeProfile({ comm: 'client', pid: 100 })];
    const [answer] = (await client.explain('8080')).answers;
    assert.equal(answer!.evidence[1], 'the server has not been seen reading yet');
  });

  it('names problems: nothing accelerated, acceleration switched off', async () => {
    Object.assign(agent.datapath.state, { mode: 'off', modeWhy: 'the self-test failed' });
    assert.deepEqual((await client.status()).problems, ['nothing is accelerated: the self-test failed']);
    Object.assign(agent.datapath.state, { mode: 'unified', enabled: false });
    assert.match((await client.status()).problems[0]!, /switched off/);
  });

  it('names problems: profiles that are not exchanged', async () => {
    const lonely = await startTestAgent(folder(), { sharing: { problem: 'not permitted' } });
    assert.deepEqual((await new AdminClient(lonely.path).status()).problems, ['profiles are not exchanged with other hosts: not permitted']);
    await lonely.stop();
  });

  for (const [what, method, path, body, status] of [
    ['a path that does not exist', 'GET', '/v1/nothing', '', 404],
    ['a method of Object', 'GET', '/toString', '', 404],
    ['a path of another version', 'GET', '/v2/status', '', 404],
    ['a method that is not used', 'DELETE', '/v1/pairs', '', 400],
    ['a body that is not JSON', 'POST', '/v1/retire', '{', 400],
    ['a body that is no object', 'POST', '/v1/retire', '[]', 400],
    ['a body that is too long', 'POST', '/v1/retire', `"${'x'.repeat(70_000)}"`, 400],
    ['an unknown field', 'POST', '/v1/retire', '{"pair":"x"}', 400],
    ['a bad timeout', 'POST', '/v1/retire', '{"timeoutMs":-1}', 400],
    ['a bad pair id', 'POST', '/v1/retire', '{"id":"12"}', 400],
    ['a pair that is not there', 'POST', '/v1/retire', '{"id":"0123456789abcdef"}', 404],
    ['a set without a state', 'POST', '/v1/profiles/set', '{"which":"x"}', 400],
    ['a reason for what is clean', 'POST', '/v1/profiles/set', '{"which":"x","state":"clean","reason":"splice"}', 400],
    ['nobody to forget', 'POST', '/v1/profiles/forget', '{}', 400],
    ['somebody unknown to forget', 'POST', '/v1/profiles/forget', '{"which":"x"}', 404],
    ['an import that is none', 'POST', '/v1/profiles/import', '{"file":"x","text":"{}"}', 400],
    ['a level that does not exist', 'POST', '/v1/log-level', '{"level":"loud"}', 400],
    ['a question without a query', 'GET', '/v1/explain', '', 400],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const answer = await raw(method, path, body);
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(answer.body.error!), ['code', 'message', 'remedy']);
    });
  }

  it('tells of a datapath that fails, and goes on', async () => {
    agent.datapath.broken = new Error('the map is gone');
    await assert.rejects(client.pairs(), code('internal', /the map is gone/));
    agent.datapath.broken = undefined;
    assert.equal((await client.pairs()).pairs.length, 0);
  });

  const retire = async (body: { id?: string; timeoutMs: number }): Promise<RetireLine[]> => {
    const lines: RetireLine[] = [];
    for await (const line of client.retire(body)) lines.push(line);
    return lines;
  };

  it('streams the progress of a retirement, the result last', async () => {
    agent.datapath.live = [fakePair()];
    const lines = await retire({ id: '00000001DEADBEEF', timeoutMs: 7 });
    assert.deepEqual(agent.datapath.calls, ['retire 00000001deadbeef 7']);
    assert.deepEqual(lines, [
      { apiVersion: 1, progress: { removed: 0, unread: 0, sending: 0 } },
      { apiVersion: 1, result: { removed: 2, unread: 0, sending: 0, left: 0, done: true } },
    ]);
  });

  it('retires one at a time', async () => {
    let finish: () => void = () => undefined;
    const first = new Promise<void>((resolve) => { finish = resolve; });
    agent.datapath.retire = async () => {
      await first;
      return { removed: 0, unread: 0, sending: 0, left: 0, done: true };
    };
    const running = retire({ timeoutMs: 1 });
    while (!agent.lines.some(({ msg }) => msg === 'retiring')) await new Promise(setImmediate);
    await assert.rejects(retire({ timeoutMs: 1 }), code('retire_running', /^/));
    finish();
    assert.equal((await running).length, 1);
    assert.equal((await retire({ timeoutMs: 1 })).length, 1);
  });

  it('changes the level of the log', async () => {
    await client.logLevel('debug');
    assert.equal(agent.view.log.level, 'debug');
  });
});

describe('admin socket', () => {
  it('has the permissions of the configuration, and is gone after close', async () => {
    const agent = await startTestAgent(join(folder(), 'deep', 'er'));
    assert.equal(statSync(agent.path).mode & 0o777, 0o660);
    assert.equal(statSync(join(agent.path, '..')).mode & 0o777, 0o755);
    await agent.stop();
    await agent.stop();
    assert.equal(existsSync(agent.path), false);
  });

  it('of a live agent is left alone, and its process named', async () => {
    const agent = await startTestAgent(folder());
    const second = new AdminServer(agent.view).listen(agent.path, { group: '', mode: 0o660 });
    await assert.rejects(second, code('agent_running', new RegExp(`pid ${process.pid}`)));
    assert.equal((await new AdminClient(agent.path).status()).ready, true);
    await agent.stop();
  });

  it('of a dead agent is replaced', async () => {
    const runDir = folder();
    const running = start('test/helpers/fake-agent.js', [runDir]);
    await running.said('"ready"');
    running.child.kill('SIGKILL');
    await running.outcome;
    assert.ok(existsSync(join(runDir, 'agent.sock')));
    const agent = await startTestAgent(runDir);
    assert.equal((await new AdminClient(agent.path).status()).agent.pid, process.pid);
    await agent.stop();
  });

  it('does not replace what is no socket', async () => {
    const runDir = folder();
    writeFileSync(join(runDir, 'agent.sock'), 'precious');
    await assert.rejects(startTestAgent(runDir), code('socket_in_use'));
    assert.equal(statSync(join(runDir, 'agent.sock')).size, 8);
  });

  it('that nobody serves is agent_unreachable; one that never answers, too', async () => {
    const runDir = folder();
    const path = join(runDir, 'agent.sock');
    await assert.rejects(new AdminClient(path).status(), code('agent_unreachable'));
    const mute: Server = createServer(() => undefined).listen(path);
    await once(mute, 'listening');
    chmodSync(path, 0o600);
    await assert.rejects(new AdminClient(path, 50).status(), code('agent_unreachable'));
    mute.close();
  });

  it('belongs to a group by name or number', () => {
    const file = join(folder(), 'group');
    writeFileSync(file, 'root:x:0:\nmesh:x:990:me\n');
    assert.deepEqual([groupId('mesh', file), groupId('17', file)], [990, 17]);
    assert.throws(() => groupId('nobody-at-all', file), code('config_invalid'));
  });
});
