// SPDX-License-Identifier: Apache-2.0
// What an accelerated pair costs the kernel is bounded, and given back. docs/operations.md publishes the figures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { eventually } from '../helpers/kernel-lock.js';

const PAIRS = 3000;

const slabKiB = (): number => Number(/SUnreclaim:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))![1]);

function mapBytes(t: TestDatapath): number {
  return ['pairs', 'sockets', 'flows'].reduce((sum, name) => {
    const shown = execFileSync('bpftool', ['-j', 'map', 'show', 'pinned', join(t.options.pinPath, 'current', `map_${name}`)], { encoding: 'utf8' });
    return sum + (JSON.parse(shown) as { bytes_memlock: number }).bytes_memlock;
  }, 0);
}

/** Slab that `PAIRS` open connections hold, and what the maps say of them, in bytes for each pair. */
async function measure(t: TestDatapath, cgroup?: string): Promise<{ slab: number; maps: number }> {
  await sleep(500);
  const before = { slab: slabKiB(), maps: mapBytes(t) };
  const many = t.start('many_open.py', { count: PAIRS }, cgroup === undefined ? {} : { cgroup });
  await many.next();
  many.say('talk');
  await many.next();
  const now = { slab: slabKiB(), maps: mapBytes(t) };
  many.say('quit');
  await many.end();
  return { slab: ((now.slab - before.slab) * 1024) / PAIRS, maps: (now.maps - before.maps) / PAIRS };
}

describe('kernel memory', () => {
  it('a pair costs less than 8 KiB beside its two sockets, and gives them back', () => withDatapath({ maxPairs: 8192 }, async (t) => {
    const rounds: number[] = [];
    let maps = 0;
    for (let turn = 0; turn < 3; turn++) {
      const plain = await measure(t, t.newCgroup());
      const accelerated = await measure(t);
      rounds.push(accelerated.slab - plain.slab);
      maps = accelerated.maps;
    }
    const cost = rounds.sort((a, b) => a - b)[1]!;
    assert.ok(cost < 8192, `${Math.round(cost)} bytes of slab (${rounds.map(Math.round).join(', ')}), ${Math.round(maps)} of them in maps`);
    assert.ok(maps > 0 && maps < 2048, `${maps} bytes in maps`);
    await eventually(() => (t.entries('pairs') + t.entries('sockets') === 0 ? '' : 'entries are left'));
  })).timeout(60_000);
});
