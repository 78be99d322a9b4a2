/** Settings of adaptive placement: which traffic is better off on TCP. The defaults are measured: docs/benchmarks.md. */
import type convict from 'convict';
import type { Config } from './types.js';

const KiB = 1024;
const MiB = 1024 * KiB;

export const placementSchema: Pick<convict.Schema<Config>, 'placement'> = {
  placement: {
    enabled: {
      doc: 'Whether what is faster on TCP is left there: one-way streams of small messages, for as long as they are that, and connections that end after a few messages.',
      format: 'switch',
      default: true,
    },
    messages: {
      doc: 'Messages that one end must send without a word from the other before they are looked at; two such runs in a row make a stream, or sixteen of which most took TCP.',
      format: 'count',
      min: 16,
      max: 1_000_000,
      default: 128,
    },
    rate: {
      doc: 'Messages per second from which on it is a stream. Slower ones gain by short ways, and lose nothing by not being joined.',
      format: 'count',
      min: 1,
      max: 10_000_000,
      default: 5000,
    },
    messageBytes: {
      doc: 'Largest mean size of the messages of a stream that leaves. One of which most takes TCP anyway leaves whatever their size and rate.',
      format: 'size',
      min: 0,
      max: MiB,
      default: 8 * KiB,
    },
    stay: {
      doc: 'How long a stream stays on TCP at least. Doubles, up to 64 times, with each time that it comes back and leaves again.',
      format: 'duration',
      min: 100,
      max: 3_600_000,
      default: 1000,
    },
    brief: {
      doc: 'Where the connections of a listener end, on average, after so many messages of each end or fewer, the next ones begin on TCP: to enter the map costs more than they gain. One that goes on for twice as many is adopted. 0: all may enter at once.',
      format: 'count',
      min: 0,
      max: 64,
      default: 4,
    },
    follow: {
      doc: 'Of brief connections to a listener one in so many is followed, and what it carried counts for the others too; these cost their ends nothing, are not in `sidestep top`, and one that goes on is adopted within seconds. 1: all are followed.',
      format: 'count',
      min: 1,
      max: 1024,
      default: 32,
    },
    refresh: {
      doc: 'When an end of an accelerated connection has sent nothing over TCP for so long, its next message takes TCP: conntrack, NAT and firewalls between two pods forget a connection that they see nothing of, a half-closed one after a minute. Make it shorter than the shortest of their timeouts. 0: never.',
      format: 'duration',
      min: 0,
      max: 3_600_000,
      default: 20_000,
    },
  },
};
