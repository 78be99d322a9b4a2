import assert from 'node:assert/strict';
import fc from 'fast-check';
import { beforeEach, describe, it } from 'mocha';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceConfig } from '../../../config/service-types.js';
import { EndpointStore } from '../../../agent/endpoints/store.js';
import { Balancer } from '../../../agent/mesh/balancer.js';
import { FakeMeshKernel, noLoad } from '../../../agent/mesh/fake.js';
import { keptLog } from '../../helpers/log.js';
import { recordOf, serviceOf } from './records.js';

describe('from the store to the kernel', () => {
  let kernel: FakeMeshKernel;
  let store: EndpointStore;
  let balancer: Balancer;
  let now: number;

  const open = (services: readonly ServiceConfig[] = [serviceOf()]): void => {
    balancer = new Balancer(kernel, store, { host: 'h', zone: '' }, keptLog().log, services, kernel.found(), () => now);
    balancer.setServices(services);
  };
  const put = (key: string, over: object = {}): void => { balancer.touched(store.put(key, recordOf(over), 'local')); };
  const remove = (key: string): void => { balancer.touched(store.remove(key)); };
  /** Endpoints in the kernel's table of a service. */
  const inTable = (service = 1): string[] => {
    const { slots } = kernel.tables.get(service)!;
    return [...new Set([...slots].filter((_, index) => index % 3 === 0))].map((number) => kernel.endpoints.get(number)!.address).sort();
  };

  beforeEach(() => {
    kernel = new FakeMeshKernel();
    store = new EndpointStore(100);
    now = 1000;
    open();
  });

  it('one changed endpoint is one write, and one table', async () => {
    for (let number = 1; number <= 50; number++) put(`k${number}`, { address: `10.0.0.${number}` });
    await balancer.settled();
    kernel.calls.length = 0;
    put('k7', { address: '10.0.0.7', weight: 3 });
    await balancer.settled();
    assert.deepEqual(kernel.calls, ['put 7', 'swap 1']);
    assert.equal(kernel.endpoints.get(7)!.weight, 3);
  });

  it('many changes in one turn are one table', async () => {
    kernel.calls.length = 0;
    for (let number = 1; number <= 50; number++) put(`k${number}`, { address: `10.0.0.${number}` });
    await balancer.settled();
    assert.equal(kernel.calls.filter((call) => call.startsWith('swap')).length, 1);
    assert.equal(inTable().length, 50);
  });

  it('a service that is being written waits, and then gets what came meanwhile', async () => {
    put('k1');
    await new Promise(setImmediate);
    let release = (): void => undefined;
    kernel.slow = new Promise((resolve) => { release = resolve; });
    put('k2', { address: '10.0.0.2' });
    await new Promise(setImmediate);
    put('k3', { address: '10.0.0.3' });
    await new Promise(setImmediate);
    assert.deepEqual(inTable(), ['10.0.0.1', '10.0.0.2']);
    kernel.slow = undefined;
    release();
    await balancer.settled();
    assert.deepEqual(inTable(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  it('an address leads nowhere before its service has a table, and stays with the old service until then', async () => {
    put('k1');
    await balancer.settled();
    const leads = (): number | undefined => kernel.vips.get('10.96.0.1:80/tcp')?.service;
    assert.equal(leads(), 1);
    let release = (): void => undefined;
    kernel.slow = new Promise((resolve) => { release = resolve; });
    const [other, added] = [serviceOf({ name: 'other' }), serviceOf({ name: 'added', addresses: ['10.96.0.9'] })];
    balancer.setServices([other, added]);
    put('k2', { service: 'other' });
    await new Promise(setImmediate);
    assert.equal(leads(), 1);
    assert.equal(kernel.vips.has('10.96.0.9:80/tcp'), false);
    assert.equal(inTable().length, 1, 'what still has the address still has its endpoints');
    release();
    await balancer.settled();
    assert.equal(leads(), 2);
    assert.equal(kernel.vips.has('10.96.0.9:80/tcp'), true);
    assert.equal(kernel.tables.has(1), false);
    assert.ok(kernel.calls.includes('removeServices 1'));
  });

  it('an address that several sources tell of is one endpoint, until the last of them is silent', async () => {
    put('a');
    put('b');
    await balancer.settled();
    assert.equal(kernel.endpoints.size, 1);
    remove('a');
    await balancer.settled();
    assert.equal(kernel.endpoints.size, 1);
    remove('b');
    await balancer.settled();
    assert.equal(kernel.endpoints.size, 0);
    assert.equal(kernel.tables.get(1)!.tiers.all, 0);
  });

  it('an endpoint of the wrong family or protocol is none of the service', async () => {
    put('a', { address: 'fd00::1' });
    put('b', { protocol: 'udp' });
    await balancer.settled();
    assert.equal(kernel.endpoints.size, 0);
  });

  it('lb-name-hash-slot: a number stands for one endpoint for ever, and comes back with it', async () => {
    put('a');
    put('b', { address: '10.0.0.2' });
    kernel.load.set(1, noLoad({ active: 3 }));
    remove('a');
    balancer.tidy();
    put('c', { address: '10.0.0.3' });
    put('a');
    await balancer.settled();
    assert.deepEqual([...kernel.endpoints.values()].map(({ number, address }) => [number, address]).sort(), [[1, '10.0.0.1'], [2, '10.0.0.2'], [3, '10.0.0.3']]);
    remove('a');
    kernel.load.set(1, noLoad());
    balancer.tidy();
    put('a');
    assert.deepEqual([...kernel.endpoints.keys()].sort(), [2, 3, 4], 'once its last connection is over, the number is not used again');
  });

  it('who is down is left out, and nobody is when all are', async () => {
    put('a');
    put('b', { address: '10.0.0.2', health: 'unhealthy' });
    await balancer.settled();
    assert.deepEqual(inTable(), ['10.0.0.1']);
    put('a', { health: 'unhealthy' });
    await balancer.settled();
    assert.deepEqual(inTable(), ['10.0.0.1', '10.0.0.2']);
    assert.equal(balancer.groups[0]!.desperate, true);
    put('a', { health: 'healthy' });
    await balancer.settled();
    assert.deepEqual(inTable(), ['10.0.0.1']);
  });

  it('a changed service keeps its number and what did not change', async () => {
    put('a');
    await balancer.settled();
    kernel.calls.length = 0;
    balancer.setServices([serviceOf()]);
    await balancer.settled();
    assert.deepEqual(kernel.calls, []);
    balancer.setServices([serviceOf({ policy: 'round-robin' }), serviceOf({ name: 'db', port: 81 })]);
    await balancer.settled();
    assert.equal(kernel.tables.get(1)!.policy, 'round-robin');
    assert.deepEqual([...kernel.vips.values()].map(({ port, service }) => [port, service]), [[80, 1], [81, 2]]);
    balancer.setServices([serviceOf({ name: 'db', port: 81 })]);
    await balancer.settled();
    assert.deepEqual([[...kernel.vips.values()].map(({ port }) => port), [...kernel.tables.keys()], kernel.endpoints.size], [[81], [2], 0]);
  });

  it('a change that the kernel does not take is counted, and does not stop the next', async () => {
    kernel.putEndpoints = () => { throw new Error('no room'); };
    put('a');
    await balancer.settled();
    assert.ok(balancer.failures > 0);
  });

  it('a table that the kernel does not take is said to be missing, and tried again until it does', async () => {
    const taken = kernel.swapTables.bind(kernel);
    kernel.swapTables = () => Promise.reject(new Error('the wrong types'));
    put('a');
    await balancer.settled();
    assert.deepEqual([kernel.tables.size, kernel.vips.size], [0, 0], 'no address leads to what is not there');
    assert.match(balancer.problems.join(), /^the kernel does not take the endpoints of web: /);
    kernel.swapTables = taken;
    await sleep(1100);
    await balancer.settled();
    assert.deepEqual([inTable(), kernel.vips.size, balancer.problems], [['10.0.0.1'], 1, []]);
  });

  it('whatever happens, in whatever order, the table has exactly the endpoints that are up', async () => {
    const change = fc.record({
      key: fc.integer({ min: 1, max: 6 }).map((number) => `k${number}`), number: fc.integer({ min: 1, max: 6 }),
      remove: fc.boolean(), draining: fc.boolean(), weight: fc.constantFrom(0, 1, 100),
    });
    await fc.assert(fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
      kernel = new FakeMeshKernel();
      store = new EndpointStore(100);
      open();
      for (const { key, number, remove: gone, draining, weight } of changes) {
        if (gone) remove(key);
        else put(key, { address: `10.0.0.${number}`, draining, weight });
      }
      await balancer.settled();
      const members = [...balancer.groups[0]!.members.values()];
      assert.deepEqual([...kernel.endpoints.keys()].sort(), members.map(({ number }) => number).sort());
      const addresses = new Set(store.of('web').map(({ record }) => record.address));
      assert.deepEqual(members.map(({ address }) => address).sort(), [...addresses].sort());
      const up = members.filter(({ state, weight }) => state === 'up' && weight > 0).map(({ address }) => address);
      assert.deepEqual(inTable(), up.sort());
    }), { numRuns: 60 });
  });
});
