import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { ApiServer } from '../../helpers/api-server.js';
import { folder } from '../../helpers/folder.js';
import { eventually } from '../../helpers/kernel.js';
import { following, heard, stops, watched } from './following.js';
import { podOf, PODS, uidOf } from './objects.js';

describe('following the API server', () => {
  it('reads everything once, then each change, and asks for the pods of its node only', async () => {
    const { server, said, watcher } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    assert.equal(server.asked[0]!.query.get('fieldSelector'), 'spec.nodeName=node-a');
    server.put(PODS, podOf('b', { uid: uidOf(2) }));
    server.put(PODS, podOf('a', { labels: { app: 'web' } }));
    server.remove(PODS, 'shop', 'b');
    await heard(said, '+a', '+b', '~a', '-b');
    assert.deepEqual([watcher.state.state, watcher.state.objects, watcher.state.lists, watcher.state.events], ['following', 1, 1, 3]);
  });

  it('says nothing of a change of what nobody keeps', async () => {
    const { server, said, watcher } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    server.put(PODS, { ...podOf('a'), status: { podIPs: [{ ip: '10.244.0.7' }, { ip: 'fd00:244::7' }], conditions: [{ type: 'Ready' }] } });
    await eventually(() => (watcher.state.events === 1 ? '' : 'not heard'));
    assert.deepEqual(said, ['+a']);
  });

  it('reads in pages, and begins again when a page is too old', async () => {
    let broke = 0;
    const { server, said } = await following({
      pace: { page: 2 },
      before: (one) => {
        for (const name of ['a', 'b', 'c', 'd', 'e']) one.put(PODS, podOf(name, { uid: uidOf(name.charCodeAt(0)) }));
        one.betweenPages = () => { if (broke++ === 1) one.compact(); };
      },
    });
    await heard(said, '+a', '+b', '+c', '+d', '+e');
    assert.equal(server.lists(PODS), 2);
  });

  it('goes on where it was after a connection that broke, and reads nothing twice', async () => {
    const { server, said, watcher } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    server.put(PODS, podOf('b', { uid: uidOf(2) }));
    await heard(said, '+a', '+b');
    server.endWatches(false);
    server.put(PODS, podOf('c', { uid: uidOf(3) }));
    await heard(said, '+a', '+b', '+c');
    assert.deepEqual([server.lists(PODS), watcher.state.lists], [1, 1]);
  });

  it('drops half a line, and takes it whole the next time', async () => {
    const { server, said } = await following();
    await watched(server);
    const line = JSON.stringify({ type: 'ADDED', object: podOf('half') });
    server.say(line.slice(0, line.length / 2));
    server.endWatches(false);
    server.put(PODS, podOf('half'));
    await heard(said, '+half');
  });

  it('takes a line in pieces, and several in one', async () => {
    const { server, said } = await following();
    await watched(server);
    const lines = ['a', 'b', 'ü'].map((name, index) => {
      const pod = podOf(name, { uid: uidOf(index) });
      return `${JSON.stringify({ type: 'ADDED', object: { ...pod, metadata: { ...pod.metadata, resourceVersion: String(5000 + index) } } })}\n`;
    }).join('');
    for (let at = 0; at < lines.length; at += 100) {
      server.say(lines.slice(at, at + 100));
      await new Promise((resolve) => { setTimeout(resolve, 2); });
    }
    await heard(said, '+a', '+b', '+ü');
  });

  it('a bookmark moves the place to go on from, so that old changes may be forgotten', async () => {
    const { server, watcher } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    server.compact();
    server.bookmark();
    await eventually(() => ((watcher.state.quietMs ?? 1000) < 500 ? '' : 'quiet'));
    server.endWatches(true);
    await eventually(() => (server.asked.filter(({ query }) => query.has('watch')).length === 2 ? '' : 'not asked again'));
    assert.equal(server.lists(PODS), 1);
  });

  it('keeps what it knows while the API server is away, says so, and compares when it is back', async () => {
    const { server, url, said, watcher, lines } = await following({ before: (one) => { one.put(PODS, podOf('a')); } });
    await watched(server);
    await server.stop();
    await eventually(() => (watcher.state.state === 'away' ? '' : watcher.state.state));
    assert.deepEqual([watcher.values().length, said], [1, ['+a']]);
    await eventually(() => (watcher.state.failures > 2 && watcher.state.quietMs! > 100 ? '' : JSON.stringify(watcher.state)));
    assert.match(watcher.state.detail, /ECONNREFUSED/);
    assert.equal(lines.filter(({ msg }) => msg.includes('does not answer')).length, 1, 'one line, however often it tries');
    const other = new ApiServer();
    other.put(PODS, podOf('a'));
    other.put(PODS, podOf('b', { uid: uidOf(2) }));
    await other.start(Number(new URL(url).port));
    stops.push(() => other.stop());
    stops.shift();
    await heard(said, '+a', '+b');
    assert.equal(watcher.state.state, 'following');
  });

  it('reads the token again when it is refused', async () => {
    const tokenFile = join(folder(), 'token');
    writeFileSync(tokenFile, 'old\n');
    const { server, said, watcher } = await following({ tokenFile, before: (one) => { one.token = 'old'; one.put(PODS, podOf('a')); } });
    await watched(server);
    server.token = 'new';
    server.endWatches(false);
    await eventually(() => (watcher.state.detail.includes('token (401)') ? '' : `detail: ${watcher.state.detail}`));
    assert.deepEqual(said, ['+a']);
    writeFileSync(tokenFile, 'new\n');
    server.put(PODS, podOf('b', { uid: uidOf(2) }));
    await heard(said, '+a', '+b');
    assert.equal(server.asked.at(-1)!.authorization, 'Bearer new');
  });

  it('names what it may not do, and tries ever more rarely', async () => {
    const { server, watcher } = await following({ pace: { firstMs: 20, slowestMs: 1000 }, before: (one) => { one.broken = 403; } });
    await eventually(() => (watcher.state.failures >= 4 ? '' : 'not tried'));
    assert.match(watcher.state.detail, /may not do this: 403/);
    assert.deepEqual([watcher.state.state, watcher.wasSynced], ['starting', false]);
    assert.ok(server.asked.length <= 7);
  });

  it('a token file that is not there is a fault in words, not an end', async () => {
    const tokenFile = join(folder(), 'token');
    const { said, watcher, server } = await following({ tokenFile, before: (one) => { one.put(PODS, podOf('a')); } });
    await eventually(() => (watcher.state.detail.includes('kubernetes.tokenFile') ? '' : `detail: ${watcher.state.detail}`));
    assert.equal(server.asked.length, 0);
    writeFileSync(tokenFile, 'here');
    await heard(said, '+a');
  });

  it('a server that ends watches at once is asked in peace', async () => {
    const { server, watcher } = await following();
    const end = setInterval(() => { server.endWatches(true); }, 1);
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    clearInterval(end);
    assert.ok(server.asked.length < 60, `${server.asked.length} requests`);
    assert.ok(watcher.state.failures > 2);
  });

  it('a watch that was silent for its whole time is taken up again, and nothing is read twice', async () => {
    const { server, watcher } = await following({ pace: { watchMs: 50 } });
    for (let turn = 1; turn < 4; turn++) {
      await watched(server);
      await new Promise((resolve) => { setTimeout(resolve, 60); });
      server.endWatches(true);
      await eventually(() => (server.asked.filter(({ query }) => query.has('watch')).length > turn ? '' : 'not asked again'));
    }
    assert.deepEqual([watcher.state.lists, watcher.state.failures], [1, 0]);
  });

  it('leaves a server that does not answer, and tries again', async () => {
    const { server, watcher, said } = await following({ answerMs: 50, before: (one) => { one.mute = true; one.put(PODS, podOf('a')); } });
    await eventually(() => (watcher.state.detail === 'no answer within 0.05 s' ? '' : `detail: ${watcher.state.detail}`));
    server.mute = false;
    server.put(PODS, podOf('b', { uid: uidOf(2) }));
    await heard(said, '+a', '+b');
    assert.equal(watcher.state.detail, '');
  });

  it('stops at once, whatever it waits for', async () => {
    const { server, watcher } = await following({ before: (one) => { one.mute = true; } });
    await eventually(() => (server.asked.length === 2 ? '' : 'not asked'));
    const began = performance.now();
    await watcher.stop();
    assert.ok(performance.now() - began < 500);
  });

  it('5,000 pods cost memory for what is kept of them, not for what they are', async () => {
    const ballast = { fieldsV1: 'x'.repeat(4000) };
    const { watcher } = await following({ before: (one) => {
      for (let id = 0; id < 5000; id++) {
        const pod = podOf(`pod-${id}`, { uid: uidOf(id), owner: { kind: 'StatefulSet', name: 'db' } });
        one.put(PODS, { ...pod, metadata: { ...pod.metadata, managedFields: [ballast] } });
      }
    } });
    await eventually(() => (watcher.state.objects === 5000 ? '' : `${watcher.state.objects}`), 15_000);
    const kept = JSON.stringify(watcher.values()).length / 5000;
    assert.ok(kept < 400, `${kept} bytes each`);
  });
});
