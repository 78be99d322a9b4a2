// SPDX-License-Identifier: Apache-2.0
/** A real agent under load, a real Prometheus that scrapes it, and every question that the dashboards ask. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiServer } from '../helpers/api-server.js';
import { eventually } from '../helpers/kernel-lock.js';
import { freePort } from '../helpers/free-port.js';
import type { Program } from '../helpers/program.js';
import { Ground } from '../helpers/real-agent.js';
import { DASHBOARDS } from '../../scripts/monitoring/dashboards.js';
import { endpointOf, podOf, PODS, serviceOf, SERVICES, sliceOf, SLICES, uidOf } from '../unit/kubernetes/objects.js';
import { Prometheus } from './prometheus.js';

const LOAD = fileURLToPath(new URL('../../../test/monitoring/programs/load.py', import.meta.url));
const VIP = '10.96.77.1';

/** As Grafana would ask with everything chosen. */
const asked = (expr: string): string => expr.replaceAll('$__rate_interval', '10s').replaceAll('$job', '.+').replaceAll('$instance', '.+');

describe('metrics of a real agent, in a real Prometheus', function () {
  this.timeout(90_000);
  let ground: Ground;
  let load: Program;
  let url = '';
  let visits: NodeJS.Timeout;
  const web = createServer((_, response) => { response.end('ok'); });
  const prometheus = new Prometheus();
  const api = new ApiServer();

  before(async function underLoad() {
    this.timeout(60_000);
    ground = new Ground();
    const port = await freePort(), doorPort = await freePort(), nearPort = await freePort();
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    visits = setInterval(() => { for (const to of [doorPort, nearPort]) void fetch(`http://127.0.0.1:${String(to)}`).catch(() => undefined); }, 100);
    const container = join(ground.cgroup, 'kubepods', `pod${uidOf(1)}`, 'container');
    mkdirSync(container, { recursive: true });
    load = ground.command(['/usr/bin/python3', LOAD, JSON.stringify({ port, vip: VIP, vipPort: 80 })], container);
    api.put(PODS, podOf('load-1', { owner: { kind: 'StatefulSet', name: 'load' } }));
    api.put(SERVICES, serviceOf('load', { spec: { clusterIPs: ['10.96.77.2'] } }));
    api.put(SLICES, sliceOf('load-x', 'load', [endpointOf('127.0.0.1')], { ports: [{ name: 'http', port, protocol: 'TCP' }] }));
    await load.next();
    const config = ground.config(JSON.stringify({
      services: [{ name: 'web', addresses: [VIP], port: 80, endpoints: [{ address: '127.0.0.1', port }], health: { type: 'tcp', interval: '500ms' } }],
      frontdoors: [{ name: 'door', port: doorPort, requests: 'http1' }, { name: 'near', port: nearPort, path: 'direct' }]
        .map((door) => ({ ...door, address: '127.0.0.1', backends: [{ address: '127.0.0.1', port: (web.address() as AddressInfo).port }] })),
      metrics: { queueWait: true },
      tuning: [{ port: 9, keepaliveIdle: '60s' }],
      kubernetes: { enabled: true, node: 'node-a', apiServer: await api.start(), tokenFile: '', caFile: '' },
      reuseport: { enabled: true, include: [`port:${port}`], interval: '200ms', graceTime: '100ms' },
    }));
    const agent = ground.start(['--set', 'bus.mode=embedded'], config);
    await agent.says('ready');
    url = /"url":"(http:[^"]+)"/.exec(agent.stderr)![1]!;
    load.say();
    await prometheus.start(new URL(url).host);
    await eventually(async () => {
      const [sample] = await prometheus.query('count_over_time(sidestep_reuseport_selections_total[60s])');
      return Number(sample?.value[1] ?? 0) >= 6 ? '' : `too few scrapes: ${JSON.stringify(sample)}`;
    }, 30_000);
  });

  after(async function stop() {
    this.timeout(30_000);
    clearInterval(visits);
    web.closeAllConnections();
    web.close();
    await prometheus.stop();
    await ground.clean();
    await api.stop();
  });

  it('are clean for promtool', async () => {
    const text = await (await fetch(url)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { encoding: 'utf8', input: text });
    // Of the agent's own runtime the names are those of prom-client.
    const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !/^(nodejs|process)_/.test(line));
    assert.deepEqual(complaints, [], String(status));
  });

  for (const { name, rows } of DASHBOARDS)
    it(`every panel of the dashboard ${name} has data`, async () => {
      for (const { title, queries } of rows.flatMap((row) => row.panels))
        for (const { expr } of queries) {
          const samples = await prometheus.query(asked(expr));
          assert.ok(samples.length > 0, `${title}: ${asked(expr)}`);
          assert.ok(samples.every(({ value }) => Number.isFinite(Number(value[1]))), `${title}: ${JSON.stringify(samples)}`);
        }
    });

  it('the variables of the dashboards find the agent', async () => {
    const [build] = await prometheus.query('sidestep_build_info');
    assert.deepEqual([build?.metric['job'], build?.metric['instance']], ['sidestep', new URL(url).host]);
  });

  it('tell what the load did: most bytes around TCP, both kinds of connections, both listeners, the service', async () => {
    const panel = (dashboard: string, title: string): string =>
      asked(DASHBOARDS.find(({ name }) => name === dashboard)!.rows.flatMap((row) => row.panels).find((one) => one.title === title)!.queries[0]!.expr);
    const values = async (expr: string): Promise<number[]> => (await prometheus.query(expr)).map(({ value }) => Number(value[1]));
    const [share] = await values(panel('overview', 'Share around TCP'));
    assert.ok(share! > 0.5 && share! <= 1, String(share));
    assert.ok((await values(panel('overview', 'Accelerated connections')))[0]! >= 4);
    assert.deepEqual(await values(panel('overview', 'Nodes')), [1]);
    assert.equal((await values(`${panel('services', 'Connections by listener')} > 0`)).length, 2);
    assert.ok((await values(asked('sum(rate(sidestep_service_picks_total{service="web"}[$__rate_interval]))')))[0]! > 1);
    assert.ok((await values(asked('rate(sidestep_health_checks_total{result="good"}[$__rate_interval])')))[0]! > 0.5);
  });

  it('name the workload of a pod', async () => {
    const own = await prometheus.query('sidestep_workload_connections{result="accelerated"}');
    const { client_workload: client, server_workload: server, server_namespace: namespace } = own[0]!.metric;
    assert.deepEqual([client, server, namespace], ['StatefulSet/load', 'StatefulSet/load', 'shop']);
    const joined = 'sum by (namespace, workload) (rate(sidestep_edge_bytes_total[10s]) * on (instance, server) group_left (namespace, workload) label_replace(sidestep_owner_info, "server", "$1", "program", "(.*)"))';
    assert.ok((await prometheus.query(joined)).some(({ metric, value }) => metric['workload'] === 'StatefulSet/load' && Number(value[1]) > 1000));
  });

  it('every rule is evaluated, and no alert is on its way while all is well', async () => {
    const rules = await prometheus.rules();
    assert.ok(rules.length > 15);
    for (const { name, health, lastError, state } of rules) {
      assert.equal(health, 'ok', `${name}: ${lastError ?? ''}`);
      assert.ok(state === undefined || state === 'inactive', `${name} is ${state}`);
    }
  });

  it('the load lost nothing', async () => {
    load.child.stdin!.end();
    const { messages, short, wrong, failed } = await load.next();
    assert.ok(messages > 100 && short > 10, `${messages} ${short}`);
    assert.deepEqual([wrong, failed], [0, []]);
  });
});
