import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Frame } from '../../../agent/admin/objects.js';
import { fakeCounters, fakeEndpoint, fakePair, FakeDatapath } from '../../../agent/datapath/fake.js';
import { totalsOf, zeroByReason } from '../../../agent/datapath/traffic.js';
import type { Pair } from '../../../agent/datapath/types.js';
import { coloured, hasColour } from '../../../agent/cli/render/paint.js';
import { renderPairs } from '../../../agent/cli/render/pairs.js';
import { table } from '../../../agent/cli/render/table.js';
import { renderTop, topRows } from '../../../agent/cli/render/top.js';
import { age, bytes, count, percent } from '../../../agent/cli/render/units.js';
import { renderChecks } from '../../../agent/cli/render/check.js';
import { widthOf } from '../../../agent/cli/io.js';
import { kubernetesLine, renderPods } from '../../../agent/cli/render/kubernetes.js';
import { fakeKubernetes, fakeWatch } from './fake-kubernetes.js';
import { Screen } from '../../../agent/cli/screen.js';

const view = (pair: Pair): Frame['pairs'][number] => {
  const more = { executable: '', cgroupPath: '', pod: null };
  return { ...pair, client: { ...pair.client, ...more }, server: { ...pair.server, ...more } };
};
const traffic = (redirectedMessages: number, passedMessages: number, size = 100) => ({
  redirectedMessages, passedMessages, redirectedBytes: redirectedMessages * size, passedBytes: passedMessages * size,
});
const frame = (at: number, ...pairs: Pair[]): Frame => {
  const counters = fakeCounters({
    bytes: { ...zeroByReason(), redirected: 5 * 2 ** 30 },
    connections: { ...zeroByReason(), redirected: 1234, blocking: 7 },
  });
  const datapath = new FakeDatapath();
  datapath.live = pairs;
  return { at, pairs: pairs.map(view), status: { datapath: datapath.state, totals: totalsOf(counters, datapath.groups()) } };
};

const redis = (redirected: number): Pair => fakePair({
  id: '000000000000000a', client: fakeEndpoint({ comm: 'redis-benchmark', pid: 31337 }),
  server: fakeEndpoint({ comm: 'redis-server', pid: 4711, port: 6379 }),
  clientSent: traffic(redirected, 0), serverSent: traffic(redirected, 0),
});
const slow = (passed: number): Pair => fakePair({
  id: '000000000000000b', lastPass: 'queue_full', client: fakeEndpoint({ comm: '', pid: 0, address: '10.0.0.7', port: 55555 }),
  server: fakeEndpoint({ comm: 'a-rather-long-na', pid: 2, port: 443 }), clientSent: traffic(1, passed),
});
const refused = fakePair({ id: '000000000000000c', state: 'tcp', reason: 'blocking' });

describe('top', () => {
  const earlier = frame(1000, redis(100), slow(1), refused);
  const now = frame(3000, redis(10_100), slow(3), refused);

  it('gives rates of the interval, shares and reasons, the busiest first', () => {
    const rows = topRows(now, earlier).map(({ pair, messagesPerSecond, bytesPerSecond, share, why }) =>
      [pair.id.at(-1), messagesPerSecond, bytesPerSecond, share, why]);
    assert.deepEqual(rows, [
      ['a', 10_000, 1_000_000, 1, ''],
      ['b', 1, 100, 0, 'queue_full'],
      ['c', 0, 0, undefined, 'blocking'],
    ]);
  });

  it('has no rates in its first frame', () => {
    assert.deepEqual(topRows(now, undefined).map((row) => row.messagesPerSecond), [0, 0, 0]);
  });

  it('counts a pair that is new from its birth, and has no rate yet for one that was not among the busiest before', () => {
    const rows = topRows(frame(3000, fakePair({ id: '000000000000000d', ageMs: 900, clientSent: traffic(4, 0) }), fakePair({ id: '000000000000000e', ageMs: 60_000, clientSent: traffic(9000, 0) })), earlier);
    assert.deepEqual(rows.map(({ pair, messagesPerSecond }) => [pair.id.at(-1), messagesPerSecond]), [['d', 2], ['e', 0]]);
  });

  it('counts the rest of which it was not told', () => {
    const one = frame(3000, redis(1));
    one.status.totals.pairs = 100_000;
    assert.equal(renderTop(one, undefined, { width: 80, height: 20 }).at(-1), '... and 99999 more');
  });

  it('fits 80 columns', () => {
    assert.deepEqual(renderTop(now, earlier, { width: 80 }), [
      'sidestep  mode unified  enabled',
      '2 active  5.0GiB redirected  connections: 1.2k accelerated, 7 refused',
      '',
      'CLIENT            SERVER         PORT  STATE   SHARE  MSG/s  BYTES/s  WHY',
      'redis-bench…  ->  redis-serve…  :6379  active   100%  10.0k   977KiB',
      '10.0.0.7:55…  ->  a-rather-lo…   :443  active     0%      1     100B  queue_full',
      'client/100    ->  server/200    :8080  tcp         -      0       0B  blocking',
    ]);
    for (const line of renderTop(now, earlier, { width: 80 })) assert.ok(line.length <= 80, line);
  });

  it('shows whole names at 140 columns', () => {
    const lines = renderTop(now, earlier, { width: 140 });
    assert.deepEqual(lines, [
      'sidestep  mode unified  enabled',
      '2 active  5.0GiB redirected  connections: 1.2k accelerated, 7 refused',
      '',
      'CLIENT                     SERVER               PORT  STATE   SHARE  MSG/s  BYTES/s  WHY',
      'redis-benchmark/31337  ->  redis-server/4711   :6379  active   100%  10.0k   977KiB',
      '10.0.0.7:55555         ->  a-rather-long-na/2   :443  active     0%      1     100B  queue_full',
      'client/100             ->  server/200          :8080  tcp         -      0       0B  blocking',
    ]);
  });

  it('keeps to the height of the terminal and counts the rest', () => {
    const many = frame(0, ...Array.from({ length: 50 }, (_, i) => fakePair({ id: i.toString(16).padStart(16, '0') })));
    const lines = renderTop(many, undefined, { width: 80, height: 20 });
    assert.deepEqual([lines.length, lines.at(-1)], [20, '... and 35 more']);
  });

  it('says so when there is nothing', () => {
    assert.equal(renderTop(frame(0), undefined, { width: 80 }).at(-1), 'no local connections');
  });

  it('paints without changing the text', () => {
    const painted = renderTop(now, earlier, { width: 140, paint: coloured });
    const bare = painted.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd());
    assert.deepEqual(bare, renderTop(now, earlier, { width: 140 }));
  });
});

describe('render', () => {
  it('cuts the widest columns first and leaves the others', () => {
    const columns = [{ title: 'A', min: 3 }, { title: 'B', min: 3 }, { title: 'C' }];
    assert.deepEqual(table(columns, [['aaaaaaaaaa', 'bb', 'cccc']], 14), ['A     B   C', 'aaa…  bb  cccc']);
  });

  it('does not let a name control the terminal', () => {
    assert.equal(table([{ title: 'A' }], [['x\u001b[2Jy\n']], 80)[1], 'x?[2Jy?');
  });

  it('shows pairs within the width', () => {
    for (const width of [100, 140, 1000])
      for (const line of renderPairs([view(redis(5)), view(slow(9))], width)) assert.ok(line.length <= width, line);
  });

  it('writes numbers short', () => {
    assert.deepEqual([0, 7.4, 999.4, 999.6, 1234, 99_999, 1e6, 1.5e12].map(count), ['0', '7', '999', '1.0k', '1.2k', '100k', '1.0M', '1.5T']);
    assert.deepEqual([0, 1023, 1536, 5 * 2 ** 30].map(bytes), ['0B', '1.0KiB', '1.5KiB', '5.0GiB']);
    assert.deepEqual([undefined, 0, 0.996, 1].map(percent), ['-', '0%', '99%', '100%']);
    assert.deepEqual([900, 61_000, 3_720_000, 180_000_000].map(age), ['0s', '1m01s', '1h02m', '2d']);
  });

  it('is colourless without a terminal, with NO_COLOR and on a dumb terminal', () => {
    assert.deepEqual(
      [hasColour(true, {}), hasColour(false, {}), hasColour(true, { NO_COLOR: '1' }), hasColour(true, { TERM: 'dumb' }), hasColour(true, { NO_COLOR: '' })],
      [true, false, false, false, true],
    );
  });

  it('groups checks and shows what to do', () => {
    const check = { group: 'kernel', name: 'types', result: 'fail', detail: 'missing', remedy: 'Do it.' } as const;
    assert.deepEqual(renderChecks([check]), ['kernel', '  ✗ types: missing', '      Do it.', '', '0 good, 0 to look at, 1 failed']);
  });

  it('gives a check that does not matter a mark of its own, and counts it apart', () => {
    const check = { group: 'program types', name: 'lsm', result: 'info', detail: 'not needed', remedy: '' } as const;
    const lines = ['program types', '  · lsm: not needed', '', '0 good, 0 to look at, 0 failed, 1 neutral'];
    assert.deepEqual(renderChecks([check]), lines);
    assert.ok(renderChecks([check], coloured)[1]!.includes('\u001b[2m·'), 'dim');
  });
});

describe('screen', () => {
  it('takes a terminal that says 0 for one that does not know', () => {
    const write = (): void => undefined;
    const sizes = [{ columns: 0, rows: 0 }, {}, { columns: 132, rows: 43 }].map((size) => {
      const screen = new Screen({ ...size, write });
      return [screen.width, screen.height];
    });
    assert.deepEqual(sizes, [[80, 23], [80, 23], [132, 42]]);
    const stdout = { isTTY: true, columns: 0, write };
    assert.deepEqual([widthOf({ stdout, stderr: stdout, env: {} }), widthOf({ stdout: { write }, stderr: stdout, env: {} })], [80, 1000]);
  });

  it('redraws in place, and lets log lines pass above', () => {
    let text = '';
    const screen = new Screen({ columns: 80, rows: 24, write: (more) => { text += more; } });
    screen.draw(['a', 'b']);
    assert.equal(text, '\u001b[?25la\nb\n');
    text = '';
    screen.print('log\n');
    assert.equal(text, '\u001b[2A\r\u001b[Jlog\na\nb\n');
    text = '';
    screen.close();
    screen.print('later\n');
    assert.equal(text, '\u001b[?25hlater\n');
  });
});

describe('sidestep pods', () => {
  const pod = { namespace: 'shop', name: 'web-1', workload: 'Deployment/web', uid: 'u', labels: {}, addresses: ['10.244.0.7'], cgroup: '/kubepods/podu', leftAlone: [] };
  const shown = (...pods: object[]): string[] => renderPods({ apiVersion: 1, reads: true, pods: pods as (typeof pod)[] }, 160);

  it('says whose each is, and what asks to be left alone', () => {
    const [, first, second] = shown(pod, { ...pod, name: 'web-2', cgroup: '', leftAlone: ['sidestep.io/accelerate: disabled'] });
    assert.match(first!, /^shop\/web-1 +Deployment\/web +10\.244\.0\.7 +\/kubepods\/podu$/);
    assert.match(second!, /^shop\/web-2 .* not there +left alone: sidestep\.io\/accelerate: disabled$/);
    assert.deepEqual(shown(), ['no pods on this node']);
  });

  it('the line of status says since when nothing was heard', () => {
    assert.equal(kubernetesLine(fakeKubernetes()), 'node-a, away for 1m05s, what is known is kept; 2 pods (1 left alone), 1 service balanced');
    assert.equal(kubernetesLine(fakeKubernetes({ optOuts: 0, watches: [fakeWatch()] })), 'node-a, following; 2 pods, 1 service balanced');
    assert.match(kubernetesLine(fakeKubernetes({ watches: [fakeWatch({ state: 'starting' })] })), /^node-a, starting;/);
  });
});
