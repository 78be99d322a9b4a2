// SPDX-License-Identifier: Apache-2.0
// The front door as an object: its lists are those of the agent, and misuse is refused in words.
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { ANSWERS, OUTCOME_NAMES, WAIT_BOUNDS } from '../../agent/frontdoor/types.js';
import { native } from '../../native/frontdoor.js';
import { doorConfig } from '../helpers/door-config.js';
import { freePort } from '../helpers/free-port.js';

type Untyped = Record<string, (argument?: unknown) => unknown>;

describe('the front door of the addon', () => {
  it('names outcomes and answers as the agent does', () => {
    assert.deepEqual(native.doorNames, { outcomes: OUTCOME_NAMES, answers: ANSWERS, waitBounds: WAIT_BOUNDS.map((seconds) => Math.round(seconds * 1e6)) });
  });

  it('refuses what makes no sense, and names it', () => {
    assert.throws(() => new native.NativeFrontDoor({ threads: 0 }), /NativeFrontDoor: threads must be a whole number from 1 to 64/);
    const door = new native.NativeFrontDoor({ threads: 1 });
    const untyped = door as unknown as Untyped;
    const good = { ...doorConfig({ port: 9 }), descriptors: [] };
    for (const [over, expected] of [
      [{ address: 'localhost' }, /open: address must be an IP address/], [{ port: 0 }, /port must be/], [{ allow: 1 }, /allow must be a list/],
      [{ allow: [{ address: [1], prefix: 8 }] }, /address must have sixteen bytes/], [{ sendProxy: 'v3' }, /sendProxy must be off, v1 or v2/],
      [{ acceptProxy: 1 }, /acceptProxy must be true or false/], [{ maxConnections: 0 }, /maxConnections must be/],
      [{ requests: 'http2' }, /requests must be off, http1 or length/], [{ lengthBytes: 9 }, /lengthBytes must be a whole number from 1 to 8/],
    ] as const) assert.throws(() => { door.open({ ...good, ...over } as never); }, expected);
    assert.throws(() => untyped['open']!(), /open: takes an object/);
    assert.throws(() => { door.setBackends({ name: 'none', backends: [] }); }, /could not find the listener none/);
    assert.throws(() => { door.configure({ ...good, name: 'none' }); }, /could not find the listener none/);
    door.shut({ name: 'none' });
    door.cut({ name: '' });
    assert.deepEqual(door.look(), { listeners: [], totals: [] });
    door.close();
    door.close();
    assert.throws(() => { door.look(); }, /the front door is closed/);
  });

  it('ends with the environment that made it', async () => {
    const port = await freePort();
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ native }) => {
        const door = new native.NativeFrontDoor({ threads: 2 });
        door.open(workerData.config);
        globalThis.kept = door;
        parentPort.postMessage('open');
      });`;
    const start = async (): Promise<Worker> => {
      const worker = new Worker(script, { eval: true, workerData: { module: new URL('../../native/frontdoor.js', import.meta.url).href, config: { ...doorConfig({ port }), descriptors: [] } } });
      await once(worker, 'message');
      return worker;
    };
    const worker = await start();
    await worker.terminate();
    await (await start()).terminate();
  });
});
