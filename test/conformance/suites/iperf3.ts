// SPDX-License-Identifier: Apache-2.0
/** iperf3: streams as fast as they go, both ways. What arrived must be what was sent. */
import { Checks, must } from '../checks.js';
import type { Place } from '../place.js';
import type { Suite } from '../suite.js';

interface Sums { sum_sent: { bytes: number }; sum_received: { bytes: number } }

async function measure(place: Place, bytes: number, ...words: string[]): Promise<string> {
  const text = await place.output(['iperf3', '-c', '127.0.0.1', '-J', '-n', String(bytes), ...words], { limitS: 60 });
  const { end, error } = JSON.parse(text) as { end: Sums; error?: string };
  must(error === undefined, String(error));
  must(end.sum_sent.bytes >= bytes, `${end.sum_sent.bytes} of ${bytes} bytes were sent`);
  // The server stops counting when the client says that it has sent enough: what is on the way then is not counted.
  must(end.sum_received.bytes > 0 && end.sum_received.bytes <= end.sum_sent.bytes, `${end.sum_received.bytes} of ${end.sum_sent.bytes} bytes arrived`);
  return 'sent all';
}

export const IPERF3: Suite = {
  name: 'iperf3',
  about: 'iperf3: one stream and several, forth and back, in large and small pieces',
  floor: { connections: 0, bytes: 0 },
  why: 'iperf3 reads from blocking sockets',
  needs: ['iperf3'],
  async run(place) {
    const checks = new Checks();
    const size = place.short ? 200_000_000 : 2_000_000_000;
    const server = place.start(['iperf3', '-s', '-B', '127.0.0.1']);
    await place.listening(server, 5201);
    await checks.check('one stream', () => measure(place, size));
    await checks.check('one stream, back', () => measure(place, size, '-R'));
    await checks.check('four streams', () => measure(place, size, '-P', '4'));
    await checks.check('four streams, back', () => measure(place, size, '-P', '4', '-R'));
    await checks.check('both ways', () => measure(place, size, '--bidir'));
    await checks.check('small pieces', () => measure(place, size / 20, '-l', '1K'));
    await checks.check('small pieces, not delayed', () => measure(place, size / 20, '-l', '128', '-N'));
    await checks.check('a small window', () => measure(place, size / 10, '-w', '16K'));
    return checks.outcomes;
  },
};
