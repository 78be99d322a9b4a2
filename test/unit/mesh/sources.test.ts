import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { localRecords, parseListeners, type Listener } from '../../../agent/endpoints/sources/listeners.js';
import { Checker, judge, probe, unchecked, type Streak } from '../../../agent/mesh/health.js';
import { defaultInterface, nameOf } from '../../../agent/mesh/host.js';
import type { HealthConfig } from '../../../config/service-types.js';
import { eventually } from '../../helpers/kernel.js';
import { serviceOf } from './records.js';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1002 1 0000000000000000 100 0 0 10 0
   2: 0201A8C0:1F90 0301A8C0:9999 01 00000000:00000000 00:00000000 00000000     0        0 1003 1 0000000000000000 100 0 0 10 0`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 000000FD000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1004 1 0000000000000000 100 0 0 10 0`;

const host = { name: 'h', zone: 'z', addresses: { 4: '192.0.2.1', 6: 'fd00::1' } };
const health: HealthConfig = { type: 'tcp', path: '/', interval: 1000, timeout: 200, rise: 2, fall: 3 };

describe('listeners of this host', () => {
  it('are read from the tables of the kernel', () => {
    assert.deepEqual(parseListeners(tcp, 'tcp').map(({ address, port, inode }) => [address, port, inode]), [['127.0.0.1', 8080, '1001'], ['0.0.0.0', 8080, '1002']]);
    assert.deepEqual(parseListeners(tcp6, 'tcp').map(({ address, port }) => [address, port]), [['fd00::1', 80]]);
  });

  const listeners: Listener[] = [
    { address: '0.0.0.0', port: 8080, protocol: 'tcp', inode: '1' }, { address: '127.0.0.1', port: 8080, protocol: 'tcp', inode: '2' },
    { address: '::', port: 8080, protocol: 'tcp', inode: '3' }, { address: '0.0.0.0', port: 53, protocol: 'udp', inode: '4' },
  ];
  const found = (over: object, of = listeners): string[] => localRecords([serviceOf(over)], of, host, (inode) => (inode === '1' ? 'nginx' : 'other')).map(({ address }) => address).sort();

  it('become endpoints only where a service asks for their port, protocol and program', () => {
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ local: { port: 8081 } }), []);
    assert.deepEqual(found({ protocol: 'udp', local: { port: 8080 } }), []);
    assert.deepEqual(found({ local: { port: 8080, program: 'nginx' } }), ['192.0.2.1']);
    assert.deepEqual(found({ local: { port: 8080, program: 'caddy' } }), []);
    assert.deepEqual(found({ protocol: 'udp', local: { port: 53 } }), ['192.0.2.1']);
  });

  it('can be reached where they listen, in the families of the service', () => {
    assert.deepEqual(found({ local: { port: 8080 } }), ['127.0.0.1', '192.0.2.1']);
    assert.deepEqual(found({ addresses: ['fd00:96::1'], local: { port: 8080 } }), ['fd00::1']);
  });

  it('carry the name, the zone and the version of the service', () => {
    const [record] = localRecords([serviceOf({ local: { port: 8080, weight: 7, version: 'v2' } })], listeners.slice(0, 1), host, () => 'nginx');
    assert.deepEqual([record!.host, record!.zone, record!.version, record!.weight, record!.workload], ['h', 'z', 'v2', 7, 'nginx']);
  });
});

describe('this host', () => {
  it('has a name that can be part of a key', () => {
    assert.equal(nameOf('auto', 'node-1.example.org'), 'node-1');
    assert.equal(nameOf('auto', 'some host!'), 'some-host');
    assert.equal(nameOf('auto', '...'), 'localhost');
    assert.equal(nameOf('own', 'other', 'node'), 'own');
    assert.equal(nameOf('auto', 'pod-x7k2', 'node-a.example.org'), 'node-a-example-org', 'in a pod the node, not the pod');
  });

  it('knows the interface of its default route', () => {
    assert.equal(defaultInterface('Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth1\t0000A8C0\t0\t1\t0\t0\t0\t00FFFFFF\neth0\t00000000\t0100A8C0\t3\t0\t0\t0\t00000000\n'), 'eth0');
    assert.equal(defaultInterface(''), '');
  });
});

describe('health', () => {
  const run = (...answers: boolean[]): (boolean | undefined)[] => {
    let streak: Streak = unchecked;
    return answers.map((good) => { streak = judge(streak, good, health); return streak.up; });
  };

  it('takes the first answer, and then so many in a row', () => {
    assert.deepEqual(run(true, false, false, true, false, false, false, true, false, true, true), [true, true, true, true, true, true, false, false, false, false, true]);
    assert.deepEqual(run(false, true, true), [false, false, true]);
  });

  it('is asked over TCP and HTTP', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    const web = createHttpServer((request, response) => { response.writeHead(request.url === '/good' ? 204 : 503).end(); }).listen(0, '127.0.0.1');
    await Promise.all([once(listener, 'listening'), once(web, 'listening')]);
    const [port, webPort] = [listener, web].map((server) => (server.address() as AddressInfo).port) as [number, number];
    try {
      assert.equal(await probe('127.0.0.1', port, health), true);
      assert.equal(await probe('127.0.0.1', 1, health), false);
      assert.equal(await probe('127.0.0.1', webPort, { ...health, type: 'http', path: '/good' }), true);
      assert.equal(await probe('127.0.0.1', webPort, { ...health, type: 'http', path: '/bad' }), false);
      assert.equal(await probe('127.0.0.1', port, { ...health, type: 'http' }), false, 'it takes the connection and says nothing');
    } finally {
      listener.close();
      web.close();
    }
  });

  it('is told when it changes, of what is still asked for', async () => {
    let good = true;
    const seen: string[] = [];
    const checker = new Checker((id, up) => { seen.push(`${id} ${String(up)}`); }, () => Promise.resolve(good));
    try {
      checker.set([{ id: 'a', address: '10.0.0.1', port: 1, health: { ...health, interval: 10, fall: 1 } }]);
      await eventually(() => (seen.length === 1 ? '' : 'nothing yet'));
      good = false;
      await eventually(() => (seen.length === 2 ? '' : 'nothing yet'));
      assert.deepEqual(seen, ['a true', 'a false']);
      checker.set([]);
      const { checks } = checker;
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.ok(checker.checks <= checks + 1);
    } finally {
      checker.stop();
    }
  });
});
