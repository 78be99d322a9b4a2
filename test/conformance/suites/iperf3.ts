// SPDX-License-Identifier: Apache-2.0
/** iperf3: streams as fast as they go, both ways. What arrived must be what was sent. */
import { Checks, must } from '../checks.js';
import type { Place } from '../place.js';
import type { Suite } from '../suite.js';

type Sum = 'sum_sent' | 'sum_received' | 'sum_sent_bidir_reverse' | 'sum_received_bidir_reverse';
type Sums = Partial<Record<Sum, { bytes: number }>>;

/** What arrived is never more than what was sent. It may be less: counting ends while bytes are on the way. */
function direction(end: Sums, sent: Sum, received: Sum): number {
  const [went, came] = [end[sent]?.bytes ?? 0, end[received]?.bytes ?? 0];
  must(came > 0 && came <= went, `${came} of ${went} bytes arrived`);
  return went;
}

async function measure(place: Place, bytes: number, ...words: string[]): Promise<string> {
  const text = await place.output(['iperf3', '-c', '127.0.0.1', '-J', '-n', String(bytes), ...words], { limitS: 60 });
  const { end, error } = JSON.parse(text) as { end: Sums; error?: string };
  must(error === undefined, String(error));
  const forth = direction(end, 'sum_sent', 'sum_received');
  // Both ways it ends when one of the two has sent enough.
  const back = words.includes('--bidir') ? direction(end, 'sum_sent_bidir_reverse', 'sum_received_bidir_reverse') : 0;
  must(Math.max(forth, back) >= bytes, `${forth} and ${back} of ${bytes} bytes were sent`);
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
