import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { beforeEach, describe, it } from 'mocha';
import { FakeDatapath, fakeCounters, fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import type { PairState } from '../../../agent/datapath/types.js';
import { REASON_NAMES } from '../../../agent/datapath/reasons.js';
import { zeroByReason, zeroTraffic } from '../../../agent/datapath/traffic.js';
import { Collector } from '../../../agent/metrics/collector.js';
import { fakeDoorView } from '../../helpers/door-view.js';
import { metricsDoc } from '../../../agent/metrics/doc.js';
import { METRICS } from '../../../agent/metrics/names.js';
import { Scraper } from '../../../agent/metrics/scrape.js';
import { Series } from '../../../agent/metrics/series.js';
import { keptLog, type Line } from '../../helpers/log.js';
import { fakeKubernetes } from './fake-kubernetes.js';
import { fakeMesh } from './fake-mesh.js';
import { fakeReuseportView } from '../../helpers/reuseport-view.js';
import { fakeProfile } from './fake-profile.js';

describe('metrics', () => {
  let datapath: FakeDatapath;
  let scraper: Scraper;
  let collect: (istioNames: boolean) => Scraper;
  let lines: Line[];

  // Three in the first bucket, one above them all.
  const waits = { buckets: [3, ...new Array<number>(22).fill(0), 1], sumNs: 3e9 };
  const web = { namespace: 'shop', name: 'web-1', workload: 'Deployment/web' };
  const pods = new Map<string, typeof web>();

  beforeEach(() => {
    pods.clear();
    pods.set('7', web);
    datapath = new FakeDatapath();
    const kept = keptLog();
    lines = kept.lines;
    const reloadState = () => ({ successful: true, at: 12.5 });
    collect = (istioNames) => new Scraper(new Collector({ istioNames, datapath, mesh: fakeMesh, kubernetes: { view: fakeKubernetes }, podOf: (cgroup: string) => pods.get(cgroup) ?? null, maxEdges: 3, reuseport: () => fakeReuseportView(), frontdoor: () => fakeDoorView, version: '9.9.9', log: kept.log, reloadState }));
    scraper = collect(true);
  });

  const text = async (accept = ''): Promise<string> => (await scraper.scrape(accept)).text;
  /** The value of one series; labels in any order. */
  const value = (scraped: string, name: string, ...labels: string[]): number | undefined => {
    const line = scraped.split('\n').find((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `)
      ? labels.every((label) => one.includes(label)) : false);
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };

  it('are those of the table and no others, with its help and type', async () => {
    datapath.totals = [{ client: 'a', server: 'b', port: 1, clientSent: zeroTraffic(), serverSent: zeroTraffic(), connections: 1, accelerated: 1 }];
    datapath.live = [fakePair({ server: fakeEndpoint({ cgroup: '7' }) })];
    datapath.profileList = [fakeProfile({ cgroup: '7' })];
    datapath.counts = fakeCounters({ queueWaits: { client: waits, server: waits } });
    const scraped = await text();
    for (const [name, { help, type }] of Object.entries(METRICS)) {
      assert.ok(scraped.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}`), name);
    }
    const names = [...scraped.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    for (const name of names) assert.match(name, /^(sidestep|istio|process|nodejs)_/);
    assert.deepEqual(names.filter((name) => /^(sidestep|istio)_/.test(name)), Object.keys(METRICS));
  });

  it('have the names and labels of Istio as well, for whoever asks for them', async () => {
    const traffic = (redirectedBytes: number, passedBytes: number) => ({ ...zeroTraffic(), redirectedBytes, passedBytes });
    datapath.totals = [{ client: 'curl', server: 'nginx', port: 80, connections: 7, accelerated: 5, clientSent: traffic(10, 1), serverSent: traffic(200, 2) }];
    datapath.profileList = [fakeProfile({ cgroup: '7', comm: 'nginx' }), fakeProfile({ cgroup: '8', comm: 'curl' })];
    const scraped = await text();
    const labels = ['source_workload="curl"', 'source_workload_namespace="unknown"', 'destination_workload="web"', 'destination_workload_namespace="shop"', 'reporter="source"'];
    assert.equal(value(scraped, 'istio_tcp_connections_opened_total', ...labels), 7);
    assert.equal(value(scraped, 'istio_tcp_received_bytes_total', ...labels), 11);
    assert.equal(value(scraped, 'istio_tcp_sent_bytes_total', ...labels), 202);
    scraper = collect(false);
    assert.doesNotMatch(await text(), /istio/);
  });

  it('have every reason from the start, at zero', async () => {
    const scraped = await text();
    for (const reason of REASON_NAMES) {
      const path = reason === 'redirected' ? 'redirect' : 'tcp';
      assert.equal(value(scraped, 'sidestep_messages_total', `path="${path}"`, `reason="${reason}"`), 0);
      assert.equal(value(scraped, 'sidestep_bytes_total', `path="${path}"`, `reason="${reason}"`), 0);
      const result = reason === 'redirected' ? 'accelerated' : 'tcp';
      assert.equal(value(scraped, 'sidestep_connections_total', `result="${result}"`, `reason="${reason}"`), 0);
    }
  });

  it('follow a long connection at every scrape (m-long-connection-not-counted)', async () => {
    for (const redirected of [100, 2500, 1_073_741_824]) {
      datapath.counts = fakeCounters({ bytes: { ...zeroByReason(), redirected } });
      assert.equal(value(await text(), 'sidestep_bytes_total', 'path="redirect"'), redirected);
    }
  });

  it('give each direction its role, once (m-same-node-tuple-mixup)', async () => {
    datapath.totals = [{
      client: 'curl', server: 'nginx', port: 8080, connections: 3, accelerated: 2,
      clientSent: { redirectedBytes: 10, redirectedMessages: 1, passedBytes: 20, passedMessages: 2 },
      serverSent: { redirectedBytes: 3000, redirectedMessages: 30, passedBytes: 4000, passedMessages: 40 },
    }];
    const scraped = await text();
    const edge = ['client="curl"', 'server="nginx"', 'port="8080"'];
    const bytes = (direction: string, path: string): number | undefined =>
      value(scraped, 'sidestep_edge_bytes_total', ...edge, `direction="${direction}"`, `path="${path}"`);
    assert.deepEqual(
      [bytes('request', 'redirect'), bytes('request', 'tcp'), bytes('response', 'redirect'), bytes('response', 'tcp')],
      [10, 20, 3000, 4000],
    );
    assert.equal(scraped.match(/^sidestep_edge_bytes_total\{/gm)!.length, 4);
    assert.equal(value(scraped, 'sidestep_edge_messages_total', 'direction="response"', 'path="tcp"'), 40);
    assert.equal(value(scraped, 'sidestep_edge_connections_total', ...edge, 'result="accelerated"'), 2);
    assert.equal(value(scraped, 'sidestep_edge_connections_total', ...edge, 'result="tcp"'), 1);
  });

  it('of Kubernetes say by kind what is followed, and how old what is known may be', async () => {
    const scraped = await text();
    assert.deepEqual(['pods', 'endpointslices'].map((kind) => value(scraped, 'sidestep_kubernetes_synced', `kind="${kind}"`)), [1, 0]);
    assert.deepEqual(['pods', 'endpointslices'].map((kind) => value(scraped, 'sidestep_kubernetes_quiet_seconds', `kind="${kind}"`)), [1.5, 65]);
    assert.equal(value(scraped, 'sidestep_kubernetes_opt_outs'), 1);
  });

  it('name the workload of a program, never a pod, and of 10,000 pods that come and go nothing more (m-pod-label-explosion)', async () => {
    for (let id = 0; id < 10_000; id++) pods.set(`1${id}`, { ...web, name: `web-${id}` });
    datapath.profileList = [...pods.keys()].map((cgroup) => fakeProfile({ comm: 'nginx', cgroup }));
    assert.equal(value(await text(), 'sidestep_owner_info', 'program="nginx"', 'namespace="shop"', 'workload="Deployment/web"'), 1);
    pods.set('2', { ...web, workload: 'Deployment/other' });
    datapath.profileList.push(fakeProfile({ comm: 'nginx', cgroup: '2' }), fakeProfile({ comm: 'sshd', cgroup: '3' }));
    const scraped = await text();
    assert.deepEqual(scraped.match(/^sidestep_owner_info\{.*/gm), ['sidestep_owner_info{program="nginx",namespace="",workload="several"} 1']);
    assert.ok(!scraped.includes('web-1'));
  });

  it('count the open connections between workloads, and tell apart only as many as edges (m-pod-label-explosion)', async () => {
    const end = (cgroup: string, port: number) => fakeEndpoint({ cgroup, port });
    const between = (client: string, port: number, state: PairState, id: number) => fakePair({ id: String(id), state, client: end(client, 40_000 + id), server: end('7', port) });
    pods.set('8', { ...web, name: 'api-1', workload: 'StatefulSet/api' });
    pods.set('9', { ...web, name: 'api-2', workload: 'StatefulSet/api' });
    datapath.live = [between('8', 80, 'active', 1), between('9', 80, 'active', 2), between('8', 80, 'tcp', 3), between('5', 80, 'active', 4), between('8', 81, 'active', 5),
      between('8', 82, 'active', 6), between('9', 83, 'active', 7), fakePair({ id: '8' })];
    const rows = (await text()).match(/^sidestep_workload_connections\{.*/gm)!;
    const row = (client: string, port: string, result: string, count: number, server = 'server_namespace="shop",server_workload="Deployment/web"'): string =>
      `sidestep_workload_connections{${client},${server},port="${port}",result="${result}"} ${count}`;
    const api = 'client_namespace="shop",client_workload="StatefulSet/api"';
    assert.deepEqual(rows, [
      row(api, '80', 'accelerated', 2), row(api, '80', 'tcp', 1), row('client_namespace="",client_workload=""', '80', 'accelerated', 1), row(api, '81', 'accelerated', 1),
      row('client_namespace="",client_workload="other"', '', 'accelerated', 2, 'server_namespace="",server_workload="other"'),
    ]);
  });

  it('are gauges unless they can only grow (m-gauge-called-total)', () => {
    for (const [name, { type, labels, help }] of Object.entries(METRICS)) {
      assert.match(name, /^(sidestep|istio_tcp)_[a-z][a-z_]*$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.doesNotMatch(name, /_(count|sum|bucket|milliseconds|ms|kb)$/);
      assert.match(help, /\.$/);
      // The name of a metric does not repeat its labels.
      for (const label of labels) assert.ok(!name.split('_').includes(label) || ['path', 'program', 'service'].includes(label) || name.includes('map') || name.includes('mode'), `${name} ${label}`);
    }
  });

  it('pass promtool, where there is one', async function () {
    const found = spawnSync('promtool', ['--version']);
    if (found.error) return;
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await text(), encoding: 'utf8' });
    const ours = stderr.split('\n').filter((line) => line.startsWith('sidestep_'));
    assert.deepEqual([status === 0 || ours.length === 0, ours], [true, []]);
  });

  it('never fall, even when a total of the kernel dips for an instant', async () => {
    const read = async (redirected: number): Promise<number | undefined> => {
      datapath.counts = fakeCounters({ messages: { ...zeroByReason(), redirected } });
      return value(await text(), 'sidestep_messages_total', 'path="redirect"');
    };
    assert.deepEqual([await read(100), await read(90), await read(95), await read(101)], [100, 100, 100, 101]);
  });

  it('let gauges fall', async () => {
    datapath.live = [fakePair(), fakePair({ state: 'half' })];
    assert.equal(value(await text(), 'sidestep_active_pairs', 'state="active"'), 1);
    datapath.live = [];
    assert.equal(value(await text(), 'sidestep_active_pairs', 'state="active"'), 0);
  });

  it('say nothing of what this agent does not have: no bus, no Kubernetes, no zero that an alert would take for a failure', async () => {
    const alone = new Scraper(new Collector({ datapath, version: '9.9.9', log: keptLog().log, reloadState: () => ({ successful: true, at: 1 }) }));
    for (let reading = 0; reading < 2; reading++) assert.doesNotMatch((await alone.scrape('')).text, /^sidestep_(bus|kubernetes|service|endpoints|frontdoor|health|table)_\S+ /m);
    assert.equal(value((await alone.scrape('')).text, 'sidestep_resets_total'), 0);
    assert.equal(value(await text(), 'sidestep_bus_synced'), 1);
  });

  it('show the waits in queues by who reads, in buckets that add up, and none where they are not measured', async () => {
    datapath.counts = fakeCounters({ queueWaits: { client: waits, server: { buckets: waits.buckets.map((count) => count * 2), sumNs: 4e9 } } });
    const scraped = await text();
    const bucket = (reader: string, le: string): number | undefined => value(scraped, 'sidestep_queue_wait_seconds_bucket', `reader="${reader}"`, `le="${le}"`);
    assert.deepEqual(['5.12e-7', '0.000001024', '2.147483648', '+Inf'].map((le) => bucket('client', le)), [3, 3, 3, 4]);
    assert.deepEqual([bucket('server', '+Inf'), value(scraped, 'sidestep_queue_wait_seconds_sum', 'reader="server"')], [8, 4]);
    datapath.counts = fakeCounters();
    assert.doesNotMatch(await text(), /^sidestep_queue_wait_seconds_/m);
  });

  it('count workloads by verdict, and resets', async () => {
    datapath.profileList = [
      fakeProfile(), fakeProfile({ blocking: true }), fakeProfile({ plain: false, blocking: true }), fakeProfile({ hazard: 'splice' }),
    ];
    datapath.counts = fakeCounters({ resets: 3 });
    const scraped = await text();
    const workloads = ['clean', 'blocking', 'unsafe', 'learning'].map((verdict) => value(scraped, 'sidestep_workloads', `verdict="${verdict}"`));
    assert.deepEqual([workloads, value(scraped, 'sidestep_resets_total')], [[1, 2, 1, 0], 3]);
  });

  it('keep the last values, count and tell when the kernel cannot be read', async () => {
    datapath.counts = fakeCounters({ eventsLost: 5 });
    await text();
    datapath.broken = new Error('gone');
    const scraped = await text();
    assert.deepEqual([value(scraped, 'sidestep_events_lost_total'), value(scraped, 'sidestep_scrape_errors_total')], [5, 1]);
    assert.equal(lines.length, 1);
    datapath.broken = undefined;
    assert.equal(value(await text(), 'sidestep_scrape_errors_total'), 1);
  });

  it('tell the mode in force, the programs and the build', async () => {
    const scraped = await text();
    assert.equal(value(scraped, 'sidestep_datapath_mode', 'mode="unified"'), 1);
    assert.equal(value(scraped, 'sidestep_datapath_mode', 'mode="off"'), 0);
    assert.equal(value(scraped, 'sidestep_program_info', 'program="sidestep_msg"', 'tag="0123456789abcdef"'), 1);
    assert.equal(value(scraped, 'sidestep_build_info', 'version="9.9.9"', 'layout="1"'), 1);
    assert.equal(value(scraped, 'sidestep_config_last_reload_success_timestamp_seconds'), 12.5);
  });

  it('come as OpenMetrics to those who ask, also side by side', async () => {
    const [open, plain] = await Promise.all([scraper.scrape('application/openmetrics-text;version=1.0.0,text/plain;q=0.5'), scraper.scrape('text/plain')]);
    assert.match(open.contentType, /^application\/openmetrics-text; version=1\.0\.0/);
    assert.match(open.text, /# TYPE sidestep_bytes counter\nsidestep_bytes_total\{[^]*# EOF\n$/);
    assert.match(plain.text, /# TYPE sidestep_bytes_total counter\nsidestep_bytes_total\{/);
    assert.doesNotMatch(plain.text, /total_total|# EOF/);
    assert.equal((await scraper.scrape('application/openmetrics-text')).text.includes('_total_total'), false);
  });

  it('are all in the document', () => {
    const rows = [...metricsDoc().matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(rows, Object.keys(METRICS));
  });
});

describe('series', () => {
  const take = (series: Series, ...values: number[]): number[] => {
    for (const one of values) series.add({ a: 'x' }, one);
    return series.take().map(({ value }) => value);
  };

  it('adds up samples with equal labels', () => { assert.deepEqual(take(new Series(true), 1, 2), [3]); });

  it('keeps an absent counter for a while, then forgets its mark', () => {
    const series = new Series(true);
    assert.deepEqual(take(series, 50), [50]);
    for (let reading = 0; reading < 3; reading++) assert.deepEqual(take(series), [50]);
    assert.deepEqual(take(series), []);
    assert.deepEqual(take(series, 2), [2]);
  });

  it('forgets a gauge at once', () => {
    const series = new Series(false);
    take(series, 1);
    assert.deepEqual(take(series), []);
  });
});
