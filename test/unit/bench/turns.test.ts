// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { Turns } from '../../bench/turns.js';

const runs = ({ pid }: ChildProcess): boolean => !/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe('bench: turns', () => {
  it('one runs while the other is stopped, each in its turn, and both when it is over', async () => {
    const flows = [1, 2].map(() => [spawn('sleep', ['60']), spawn('sleep', ['60'])]);
    const turns = new Turns();
    try {
      await Promise.all(flows.flat().map((program) => once(program, 'spawn')));
      const [first = [], second = []] = flows;
      turns.join(first);
      await sleep(100);
      assert.ok(!first.some(runs), 'the first waits for the second');
      turns.join(second);
      const seen = new Set<string>();
      let both = 0;
      for (let look = 0; look < 200; look++) {
        const before = first.some(runs), other = second.some(runs);
        // A signal takes effect when its process gets to it.
        both += Number(before && other && first.some(runs));
        seen.add(`${before} ${other}`);
        await sleep(3);
      }
      assert.ok(both < 20, `both at once in ${both} of 200 looks`);
      assert.ok(seen.has('true false') && seen.has('false true'), [...seen].join());
      turns.end();
      await sleep(200);
      assert.ok(flows.flat().every(runs));
    } finally {
      turns.end();
      for (const program of flows.flat()) program.kill('SIGKILL');
    }
  });
});
