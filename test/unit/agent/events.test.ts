import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FakeDatapath } from '../../../agent/datapath/fake.js';
import { zeroTraffic } from '../../../agent/datapath/traffic.js';
import type { ConnectionEvent, EventType } from '../../../agent/datapath/types.js';
import { EventPump } from '../../../agent/events.js';
import { keptLog } from '../../helpers/log.js';

const event = (type: EventType, index: number): ConnectionEvent => ({
  type,
  id: index.toString(16).padStart(16, '0'),
  reason: type === 'refused' ? 'blocking' : 'redirected',
  at: index,
  clientSent: zeroTraffic(),
  serverSent: zeroTraffic(),
});
const many = (type: EventType, count: number): ConnectionEvent[] => Array.from({ length: count }, (_, i) => event(type, i));

describe('connection events', () => {
  it('give a bounded number of lines and a count (ops-log-flood)', () => {
    const { log, lines } = keptLog('info');
    const datapath = new FakeDatapath();
    const pump = new EventPump(log, { burst: 10, windowMs: 60_000 });
    pump.start(datapath);
    datapath.emit(many('refused', 10_000));
    assert.equal(lines.length, 10);
    pump.flush();
    assert.equal(lines.length, 11);
    assert.deepEqual([lines[10]!['total'], lines[10]!['refused blocking']], [9990, 9990]);
    assert.equal(pump.counts.refused, 10_000);
  });

  it('start a new window after a flush, and say nothing more when nothing was held back', () => {
    const { log, lines } = keptLog('info');
    const pump = new EventPump(log, { burst: 2, windowMs: 60_000 });
    for (const one of many('refused', 2)) pump.take(one);
    pump.flush();
    pump.take(event('refused', 3));
    pump.flush();
    assert.equal(lines.length, 3);
  });

  it('close the window by themselves', async () => {
    const { log, lines } = keptLog('info');
    const pump = new EventPump(log, { burst: 1, windowMs: 20 });
    for (const one of many('refused', 5)) pump.take(one);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(lines.at(-1)!['total'], 4);
  });

  it('of connections that go well are silent at info', () => {
    const { log, lines } = keptLog('info');
    const pump = new EventPump(log);
    for (const one of [...many('open', 100), ...many('close', 100)]) pump.take(one);
    pump.flush();
    assert.equal(lines.length, 0);
    assert.deepEqual(pump.counts, { open: 100, refused: 0, fallback: 0, close: 100 });
  });

  it('tell at the end what a connection carried on either path, both directions together', () => {
    const { log, lines } = keptLog('debug');
    const clientSent = { redirectedBytes: 100, redirectedMessages: 1, passedBytes: 20, passedMessages: 2 };
    const serverSent = { redirectedBytes: 3000, redirectedMessages: 3, passedBytes: 400, passedMessages: 4 };
    new EventPump(log).take({ ...event('close', 1), clientSent, serverSent });
    assert.deepEqual([lines[0]!['redirectedBytes'], lines[0]!['passedBytes']], [3100, 420]);
  });
});
