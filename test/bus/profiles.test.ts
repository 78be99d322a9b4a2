// SPDX-License-Identifier: Apache-2.0
/** Profiles between hosts, on a real nats-server. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PROFILES_BUCKET } from '../../agent/bus/keys.js';
import { BusProfiles } from '../../agent/bus/profiles.js';
import { encodeShared, keyOf, type SharedProfile } from '../../agent/guard/exchange.js';
import { NO_EVIDENCE } from '../../agent/guard/known.js';
import { eventually } from '../helpers/kernel.js';
import { keptLog } from '../helpers/log.js';
import { withBus, type TestBus } from '../helpers/registry.js';

export const shared = (host: string, over: Partial<SharedProfile> = {}): SharedProfile => ({
  version: 1, host, sequence: 1, leaseMs: 60_000, program: `buildid:${'a'.repeat(40)}`, name: 'redis-server', script: '',
  state: 'clean', reason: '', serves: true, plain: true, since: '2026-01-01T00:00:00.000Z', evidence: NO_EVIDENCE, ...over,
});

class Listener {
  heard: readonly SharedProfile[] = [];
  readonly exchange: BusProfiles;

  constructor(bus: TestBus, readonly name: string, againMs = 60_000) {
    this.exchange = new BusProfiles(bus.linkOf(name, { bucket: PROFILES_BUCKET }), { cluster: 'test', host: name, againMs }, keptLog().log);
    this.exchange.receive((profiles) => { this.heard = profiles; });
    this.exchange.start();
  }

  async hears(...expected: SharedProfile[]): Promise<void> {
    await eventually(() => {
      try {
        assert.deepEqual([...this.heard].sort((a, b) => a.host.localeCompare(b.host)), expected);
        return '';
      } catch { return `${this.name} heard ${JSON.stringify(this.heard)}; ${this.exchange.problem}`; }
    }, 10_000);
  }
}

async function withListeners(test: (bus: TestBus, listener: (name: string, againMs?: number) => Listener) => Promise<void>): Promise<void> {
  await withBus(async (bus) => {
    const all: Listener[] = [];
    try {
      await test(bus, (name, againMs) => {
        const one = new Listener(bus, name, againMs);
        all.push(one);
        return one;
      });
    } finally {
      for (const { exchange } of all) await exchange.stop();
    }
  });
}

describe('profiles on the bus', () => {
  it('reach hosts that are there and hosts that come later, with each change, and not their own', () => withListeners(async (_bus, host) => {
    const a = host('a'), b = host('b');
    await a.exchange.publish([shared('a')]);
    await b.hears(shared('a'));
    await host('c').hears(shared('a'));
    const worse = shared('a', { sequence: 2, state: 'unsafe', reason: 'splice', serves: false, plain: false });
    await a.exchange.publish([worse]);
    await b.hears(worse);
    await b.exchange.publish([shared('b')]);
    await a.hears(shared('b'));
    await a.exchange.publish([]);
    await b.hears();
  }));

  it('are said again when the server comes back without them (nats-watch-dead-after-restart), and by nobody who has gone', () => withListeners(async (bus, host) => {
    const a = host('a', 300), b = host('b', 300);
    await a.exchange.publish([shared('a', { leaseMs: 1500 })]);
    await b.hears(shared('a', { leaseMs: 1500 }));
    await bus.server.stop();
    bus.server.empty();
    await bus.server.start();
    await host('late').hears(shared('a', { leaseMs: 1500 }));
    await a.exchange.stop();
    await b.hears();
  }));

  it('are checked before they are believed', () => withListeners(async (bus, host) => {
    const b = host('b');
    await b.exchange.publish([shared('b')]);
    await eventually(() => b.exchange.problem);
    const admin = await bus.admin();
    const put = async (key: string, value: SharedProfile | string): Promise<void> => {
      await admin.jetstream().publish(`$KV.${PROFILES_BUCKET}.${key}`, typeof value === 'string' ? value : encodeShared(value));
    };
    let bad = 0;
    // One after the other: of a key the bucket keeps, and hands out, only the latest.
    const refuses = async (key: string, value: SharedProfile | string): Promise<void> => {
      await put(key, value);
      bad++;
      await eventually(() => (b.exchange.rejected === bad ? '' : `${b.exchange.rejected} of ${bad} were refused; the last: ${JSON.stringify(value)}`));
    };
    const key = keyOf('test', shared('a'));
    await refuses(key, 'not JSON');
    await refuses(key, JSON.stringify({ ...shared('a'), name: 'x'.repeat(3000) }));
    await refuses(key, shared('somebody-else'));
    await refuses(key, shared('a', { name: 'another-program' }));
    await refuses(key, shared('a', { leaseMs: 1e15 }));
    await refuses(key, JSON.stringify({ ...shared('a'), state: 'splendid' }));
    await refuses(key, JSON.stringify({ ...shared('a'), extra: 1 }));
    await refuses('test.a.not-an-id', shared('a'));
    await refuses(keyOf('test', shared('a', { program: 'any' })), shared('a', { program: 'any' }));
    await put(key, shared('a', { sequence: 9 }));
    await b.hears(shared('a', { sequence: 9 }));
    await refuses(key, shared('a', { sequence: 8, state: 'unsafe', reason: 'splice', plain: false, serves: false }));
    await b.hears(shared('a', { sequence: 9 }));
  }));
});
