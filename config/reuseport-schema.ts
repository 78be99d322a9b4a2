/** Settings of listeners that share a port. */
import type convict from 'convict';
import type { Config } from './types.js';

export const reuseportSchema: convict.Schema<Pick<Config, 'reuseport'>> = {
  reuseport: {
    enabled: {
      doc: 'Balance listeners that share a port with SO_REUSEPORT. It changes how the kernel serves sockets of other programs, so only what `reuseport.include` names is balanced.',
      format: 'switch',
      default: false,
    },
    include: {
      doc: 'Balance groups of which one listener matches one of these selectors; cidr is its own address. `port:1-65535` names all. Empty: none.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    exclude: {
      doc: 'Never balance groups of which one listener matches one of these selectors. Wins over everything else.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    policy: {
      doc: 'Which TCP listener gets the next connection.',
      format: ['least-queue', 'round-robin', 'weighted', 'cpu', 'sticky'],
      default: 'least-queue',
    },
    udpPolicy: {
      doc: 'Which UDP socket gets the next datagram. Anything but `sticky` scatters the datagrams of one client.',
      format: ['least-queue', 'round-robin', 'weighted', 'cpu', 'sticky'],
      default: 'sticky',
    },
    weights: {
      doc: 'Shares for the policy `weighted`: selectors and the weight of listeners that match, the first that fits; whoever none names weighs 1.',
      format: 'weights',
      max: 32,
      default: [],
    },
    graceTime: {
      doc: 'A new listener gets nothing for so long, unless there is no other: tests of a configuration listen for a moment too.',
      format: 'duration',
      min: 0,
      max: 600_000,
      default: 500,
    },
    stuckAfter: {
      doc: 'A listener whose oldest connection has waited for so long gets no others until it accepts again; 0 switches that off.',
      format: 'duration',
      min: 0,
      max: 600_000,
      default: 500,
    },
    busyAfter: {
      doc: 'A TCP listener that nobody has waited for and nobody has accepted from for so long is busy with something, and gets connections only while all are; 0 switches that off. For the policies least-queue and cpu.',
      format: 'duration',
      min: 0,
      max: 60_000,
      default: 20,
    },
    generations: {
      doc: 'When new listeners take over from old ones: after `sidestep reuseport rotate`, or (`auto`) whenever they belong to a process group that the port did not have before.',
      format: ['manual', 'auto'],
      default: 'manual',
    },
    migrateSysctl: {
      doc: 'Whether to set net.ipv4.tcp_migrate_req where groups are balanced. They do not need it: the selector has connections moved by itself.',
      format: ['leave', 'set'],
      default: 'leave',
    },
    interval: {
      doc: 'How often groups of listeners are looked for. A change of a balanced group is seen at its next connection, whatever this says.',
      format: 'duration',
      min: 100,
      max: 60_000,
      default: 1000,
    },
    maxListeners: {
      doc: 'Most listeners balanced at once.',
      format: 'count',
      min: 16,
      max: 65536,
      default: 1024,
    },
    maxGroups: { doc: 'Most groups balanced at once.', format: 'count', min: 1, max: 16384, default: 256 },
  },
};
