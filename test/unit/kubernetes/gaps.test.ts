import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ApiServer } from '../../helpers/api-server.js';
import { eventually } from '../../helpers/kernel.js';
import { following, heard, watched } from './following.js';
import { podOf, PODS, uidOf } from './objects.js';

describe('a gap in what the API server says', () => {
  it('after 410 everything is read and compared: only what differs is said, nothing flaps (lb-stale-after-restart)', async () => {
    const { server, said, watcher } = await following({ before: (one) => { for (const [name, id] of [['a', 1], ['b', 2], ['c', 3]] as const) one.put(PODS, podOf(name, { uid: uidOf(id) })); } });
    await heard(said, '+a', '+b', '+c');
    await watched(server);
    server.remove(PODS, 'shop', 'b', false);
    server.put(PODS, podOf('c', { uid: uidOf(3), labels: { changed: 'yes' } }), false);
    server.put(PODS, podOf('d', { uid: uidOf(4) }), false);
    server.compact();
    server.endWatches(true);
    await eventually(() => (watcher.state.lists === 2 ? '' : 'not read again'));
    assert.deepEqual(said, ['+a', '+b', '+c', '~c', '+d', '-b']);
  });

  it('takes a 410 that comes as a line of the watch', async () => {
    const { server, said, watcher } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    server.put(PODS, podOf('b', { uid: uidOf(2) }), false);
    server.say(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } })}\n`);
    await heard(said, '+a', '+b');
    assert.equal(watcher.state.lists, 2);
  });

  it('does not run round when every place is too old', async () => {
    const { server } = await following();
    await watched(server);
    const began = server.asked.length;
    const again = setInterval(() => {
      server.say(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`);
      server.compact();
    }, 1);
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    clearInterval(again);
    assert.ok(server.asked.length - began < 60, `${server.asked.length - began} requests in 300 ms`);
  });

  it('compares everything from time to time: a store that was put back says nothing of it', async () => {
    const { server, watcher, said } = await following({ pace: { watchMs: 50, compareMs: 100 }, before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    server.put(PODS, podOf('b', { uid: uidOf(2) }), false);
    await new Promise((resolve) => { setTimeout(resolve, 120); });
    assert.deepEqual(said, ['+a']);
    server.endWatches(true);
    await heard(said, '+a', '+b');
    assert.equal(watcher.state.lists, 2);
  });

  const ten = (one: ApiServer): void => { for (let id = 0; id < 10; id++) one.put(PODS, podOf(`p${id}`, { uid: uidOf(id) })); };
  const lose = (server: ApiServer, names: readonly string[]): void => {
    for (const name of names) server.remove(PODS, 'shop', name, false);
    server.compact();
    server.endWatches(true);
  };
  const nine = Array.from({ length: 9 }, (_, id) => `p${id}`);

  it('keeps most of what it knows when a server comes back empty, and takes what is new (lb-map-emptied-own-dependency-cut)', async () => {
    const { server, said, watcher } = await following({ before: ten });
    await watched(server);
    said.length = 0;
    lose(server, nine);
    server.put(PODS, podOf('new', { uid: uidOf(11) }), false);
    await eventually(() => (watcher.state.detail === '9 of 11 have vanished at once; they are kept until that has been so for 30 s' ? '' : `detail: ${watcher.state.detail}`));
    assert.deepEqual([watcher.state.state, watcher.state.objects, said], ['away', 11, ['+new']]);
    for (const name of nine) server.put(PODS, podOf(name, { uid: uidOf(Number(name.slice(1))) }));
    await eventually(() => (watcher.state.state === 'following' ? '' : watcher.state.detail));
    assert.deepEqual(said, ['+new'], 'nothing flapped');
  });

  it('believes it when it stays so', async () => {
    const { server, said, watcher } = await following({ pace: { holdMs: 100 }, before: ten });
    await watched(server);
    lose(server, nine);
    await eventually(() => (watcher.state.objects === 1 && watcher.state.state === 'following' ? '' : JSON.stringify(watcher.state)));
    assert.equal(said.filter((one) => one.startsWith('-')).length, 9);
  });
});
