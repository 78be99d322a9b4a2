import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readPage } from '../../../agent/web/files.js';
import { isExposed, WebEndpoint } from '../../../agent/web/endpoint.js';
import { bounded, matchesWords, type ViewObject } from '../../../agent/web/view.js';
import { fakePair } from '../../../agent/datapath/fake.js';
import { noMesh, startTestAgent } from '../../helpers/agent-view.js';
import { folder } from '../../helpers/folder.js';
import { packageRoot } from '../../helpers/root.js';
import { few, fill, many, startWebAgent, type WebAgent } from '../../helpers/web-view.js';
import { fakeService } from '../agent/fake-mesh.js';

describe('web view over HTTP', () => {
  let web: WebAgent;
  beforeEach(async () => { web = await startWebAgent(folder(), { mesh: { ...noMesh, services: () => [fakeService({ name: 'orders', addresses: ['127.0.0.1'], port: 8080 })] } }); });
  afterEach(() => web.stop());

  const look = async (query = ''): Promise<ViewObject> => (await fetch(`${web.url}v1/view?${new URLSearchParams({ q: query }).toString()}`)).json() as Promise<ViewObject>;
  const raw = async (path: string, options: { method?: string; host?: string } = {}): Promise<IncomingMessage> => {
    const { port } = new URL(web.url);
    const sent = request({ host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: { host: options.host ?? `127.0.0.1:${port}` }, agent: false });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return response;
  };

  it('serves the page, and only its files, each with the headers that keep others out', async () => {
    for (const [path, { type }] of readPage()) {
      const response = await fetch(new URL(path, web.url));
      assert.deepEqual([response.status, response.headers.get('content-type')], [200, type], path);
      assert.match(response.headers.get('content-security-policy')!, /default-src 'none'/);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    }
    for (const path of ['/../package.json', '/..%2f..%2fpackage.json', '/tsconfig.json', '/metrics', '/v1/status', '/v1/retire', '/constructor', '//etc/passwd', '/index.html/'])
      assert.equal((await raw(path)).statusCode, 404, path);
    const error = await raw('/nothing');
    assert.match(String(error.headers['content-security-policy']), /default-src 'none'/);
  });

  it('serves every file of the folder that a browser needs', () => {
    const files = readdirSync(join(packageRoot(), 'agent/web/page')).filter((name) => name !== 'tsconfig.json').sort();
    assert.deepEqual([...readPage().keys()].filter((path) => path !== '/').map((path) => path.slice(1)).sort(), files);
  });

  it('has no markup that the policy forbids, and asks nobody else for anything', () => {
    for (const [path, { body }] of readPage()) {
      const text = body.toString().replaceAll('http://www.w3.org/2000/svg', '');
      assert.doesNotMatch(text, /https?:\/\/|@import/, path);
      assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, path);
    }
    assert.doesNotMatch(readFileSync(join(packageRoot(), 'agent/web/page/index.html'), 'utf8'), /<script>|\son\w+=|style="|<style/);
  });

  it('answers only GET, only for its own address', async () => {
    const post = await raw('/v1/view', { method: 'POST' });
    assert.deepEqual([post.statusCode, post.headers.allow], [405, 'GET']);
    assert.equal((await raw('/v1/view', { host: 'evil.example' })).statusCode, 421);
    assert.equal((await raw('/', { host: 'evil.example' })).statusCode, 421);
    assert.equal((await raw('/v1/view')).headers['access-control-allow-origin'], undefined);
  });

  it('shows edges with what is open, why not, and by which service', async () => {
    fill(web.agent.datapath, few);
    const view = await look();
    assert.equal(view.apiVersion, 1);
    assert.deepEqual(view.edges.rows.map(({ client, server, live, why, services }) => [client, server, live, why, services]), [
      ['orders-api', 'postgres', 1, [{ reason: 'blocking', pairs: 1 }], []],
      ['orders-api', 'redis-server', 1, [], []],
      ['nginx', 'orders-api', 1, [], ['orders']],
    ]);
    assert.deepEqual(view.reasons.map(({ name, remedy }) => [name, remedy !== '']), [['blocking', true]]);
    assert.deepEqual([view.services.rows[0]!.name, view.pairs.rows.length, view.exposed], ['orders', 3, false]);
  });

  it('is bounded, and says how many more there are', async () => {
    fill(web.agent.datapath, many(2000));
    const { edges, pairs } = await look();
    assert.deepEqual([edges.rows.length, edges.more, pairs.rows.length, pairs.more], [200, 1800, 200, 1800]);
    assert.equal(pairs.rows[0]!.server.port, 4999, 'the busiest first');
  });

  it('finds connections beyond the first rows', async () => {
    fill(web.agent.datapath, many(2000));
    const { pairs } = await look(' :3001 SERVICE ');
    assert.deepEqual([pairs.rows.map(({ server }) => server.port), pairs.more], [[3001], 0]);
    assert.deepEqual((await look('no such thing')).pairs, { rows: [], more: 0 });
    assert.equal((await raw(`/v1/view?q=${'x'.repeat(300)}`)).statusCode, 400);
  });

  it('asks the kernel once for all who look at the same time', async () => {
    let readings = 0;
    const { datapath } = web.agent;
    const edges = datapath.edges.bind(datapath);
    datapath.edges = () => { readings++; return edges(); };
    await Promise.all(Array.from({ length: 20 }, (_, index) => look(String(index))));
    assert.equal(readings, 1);
  });

  it('reads again the less often the longer it takes', async () => {
    let readings = 0;
    const { datapath } = web.agent;
    const edges = datapath.edges.bind(datapath);
    datapath.edges = () => {
      readings++;
      const until = performance.now() + 150;
      while (performance.now() < until);
      return edges();
    };
    await look();
    // Half a second is not enough any more.
    await sleep(900);
    await look();
    assert.equal(readings, 1);
    await sleep(2000);
    await look();
    assert.equal(readings, 2);
  });

  it('tells of a datapath that fails, without its stack, and goes on', async () => {
    web.agent.datapath.broken = new Error('the map is gone');
    const response = await fetch(`${web.url}v1/view`);
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.match(text, /the map is gone/);
    assert.doesNotMatch(text, /\.[jt]s:\d/);
    web.agent.datapath.broken = undefined;
    assert.equal((await look()).edges.more, 0);
  });

  it('does not fill the log with requests that fail (ops-log-flood)', async () => {
    web.agent.datapath.broken = new Error('the map is gone');
    for (let times = 0; times < 100; times++) assert.equal((await raw('/v1/view')).statusCode, 500);
    assert.equal(web.agent.lines.filter(({ level }) => level === 'warn').length, 1);
  });

  it('costs the same bytes for 10,000 programs as for 1,000 (m-pod-label-explosion)', async () => {
    const sizeOf = async (programs: number): Promise<number> => {
      const other = await startWebAgent(folder());
      fill(other.agent.datapath, Array.from({ length: programs }, (_, index) => [`pod-${10_000 + index}`, `service-${10_000 + index}`, 3000, 1] as const));
      const text = await (await fetch(`${other.url}v1/view`)).text();
      await other.stop();
      return text.length;
    };
    const [small, large] = [await sizeOf(1000), await sizeOf(10_000)];
    assert.ok(large < 1.05 * small && large < 512 * 1024, `${small} and ${large} bytes`);
  });
});

describe('web view as a part of the agent', () => {
  it('a taken port costs the view, not the agent', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const clashing = await startWebAgent(folder(), {}, { port });
    assert.deepEqual(clashing.web.state, { state: 'failed', detail: `the port of the web view is taken (127.0.0.1:${port})`, exposed: false });
    assert.deepEqual(clashing.agent.lines.map(({ level }) => level), ['error']);
    await clashing.stop();
    other.close();
  });

  it('off unless it is switched on', async () => {
    const agent = await startTestAgent(folder());
    const web = new WebEndpoint(agent.view.config().web);
    await web.start(agent.view, agent.view.log);
    assert.equal(web.state.state, 'disabled');
    await web.stop();
    await agent.stop();
  });

  it('on loopback says where; elsewhere warns, and tells whoever looks', async () => {
    const quiet = await startWebAgent(folder());
    assert.deepEqual(quiet.agent.lines.map(({ level, msg }) => [level, msg]), [['info', 'serving the web view']]);
    await quiet.stop();
    const open = await startWebAgent(folder(), {}, { host: '0.0.0.0' });
    assert.deepEqual(open.agent.lines.map(({ level, msg }) => [level, msg]), [['warn', 'the web view is open to other hosts, without login']]);
    const view = (await (await fetch(open.url.replace('0.0.0.0', '127.0.0.1') + 'v1/view')).json()) as ViewObject;
    assert.equal(view.exposed, true);
    await open.stop();
  });

  it('knows loopback by the address', () => {
    assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::', '10.0.0.7', 'fd00::7'].map(isExposed),
      [false, false, false, false, true, true, true, true]);
  });

  it('cuts, counts and matches', () => {
    assert.deepEqual([bounded([1, 2, 3], 2), bounded([1], 2)], [{ rows: [1, 2], more: 1 }, { rows: [1], more: 0 }]);
    const pair = fakePair({ reason: 'blocking', state: 'tcp' });
    for (const [words, matches] of [[[], true], [['client/100'], true], [['blocking', ':8080'], true], [['blocking', 'nginx'], false], [['127.0.0.1:40000'], true]] as const)
      assert.equal(matchesWords(pair, words), matches, words.join());
  });
});
