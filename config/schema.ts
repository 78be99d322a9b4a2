/**
 * The one list of settings. The loader, the JSON Schema, default.yaml and docs/configuration.md all come from it.
 * The environment name is not typed here: it is the key in upper snake case (keys.ts), so that the two cannot differ.
 */
import type convict from 'convict';
import { meshSchema } from './mesh-schema.js';
import type { Config } from './types.js';

const KiB = 1024;
const MiB = 1024 * KiB;

export const schema: convict.Schema<Config> = {
  log: {
    level: {
      doc: 'The least important line that is still written.',
      format: ['trace', 'debug', 'info', 'warn', 'error'],
      default: 'info',
    },
    format: {
      doc: 'One JSON object per line, or lines for people. `auto` is pretty on a terminal and JSON elsewhere.',
      format: ['auto', 'json', 'pretty'],
      default: 'auto',
    },
  },
  runDir: {
    doc: 'Directory of the admin socket, agent.sock.',
    format: 'path',
    // sun_path holds 108 bytes, of which "/agent.sock" and its end take 12.
    maxBytes: 96,
    default: '/run/sidestep',
  },
  stateDir: {
    doc: 'Directory of what outlives the host: profiles.json, how programs were seen to read.',
    format: 'path',
    default: '/var/lib/sidestep',
  },
  cgroup: {
    path: {
      doc: 'Cgroup v2 directory whose processes are served. `auto` is the root of the hierarchy, also on hybrid hosts.',
      format: 'path',
      keyword: 'auto',
      default: 'auto',
    },
  },
  bpf: {
    pinPath: {
      doc: 'Directory, on a BPF file system, of the pinned maps and programs.',
      format: 'path',
      default: '/sys/fs/bpf/sidestep',
    },
  },
  datapath: {
    mode: {
      doc: 'How enrolled sockets read. `auto` takes the best mode that this kernel can do; `off` enrols nothing.',
      format: ['auto', 'unified', 'split', 'off'],
      default: 'auto',
    },
    enabled: {
      doc: 'Whether messages are redirected. When false, pairs stay enrolled and every message takes TCP.',
      format: 'switch',
      default: true,
    },
    observe: {
      doc: 'Count what would be redirected and redirect nothing.',
      format: 'switch',
      default: false,
    },
    trustListeners: {
      doc: 'Enrol connections at once, before anybody saw how their ends read. Otherwise they join some milliseconds after both ends have read.',
      format: 'switch',
      default: false,
    },
    maxPairs: {
      doc: 'Most pairs served at once. Connections beyond it take TCP.',
      format: 'count',
      min: 1,
      max: 1048576,
      default: 65536,
    },
    maxHalfOpen: {
      doc: 'Most connections whose second end is still awaited.',
      format: 'count',
      min: 64,
      max: 1048576,
      default: 16384,
    },
    maxListeners: {
      doc: 'Most listening sockets remembered.',
      format: 'count',
      min: 64,
      max: 65536,
      default: 4096,
    },
    maxEdges: {
      doc: 'Most service edges (who talks to whom) counted separately.',
      format: 'count',
      min: 16,
      max: 65536,
      default: 1024,
    },
    queueBytes: {
      doc: 'Unread bytes that may wait at a socket before its peer falls back to TCP, which can push back.',
      format: 'size',
      min: 4 * KiB,
      max: 64 * MiB,
      default: 256 * KiB,
    },
    eventBuffer: {
      doc: 'Ring buffer between the kernel and the agent.',
      format: 'size',
      min: 4 * KiB,
      max: 64 * MiB,
      powerOfTwo: true,
      multipleOf: 4 * KiB,
      default: MiB,
    },
    selfTest: {
      doc: 'Prove the kernel on throw-away sockets before any real one is enrolled.',
      format: 'switch',
      default: true,
    },
  },
  scope: {
    include: {
      doc: 'Accelerate only connections of which one end matches one of these selectors. Empty: all of them.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    exclude: {
      doc: 'Never accelerate a connection of which one end matches one of these selectors. Wins over everything else.',
      format: 'selectors',
      max: 32,
      default: [],
    },
  },
  guard: {
    trust: {
      doc: 'Take ends that match one of these selectors as known to read plainly: their connections are enrolled without being watched first.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    allowBlocking: {
      doc: 'Accept that ends that match one of these selectors block when they read. What may change for such a program is in docs/limits.md.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    preseed: {
      doc: 'Which entries of the list that comes with Sidestep are believed: those of known builds, by build id, or also those by name alone, which any program may carry.',
      format: ['off', 'buildid', 'name'],
      default: 'buildid',
    },
    profiles: {
      doc: 'A file of profiles of your own, as `sidestep profiles export` writes it, read at start.',
      format: 'path',
      keyword: 'none',
      default: 'none',
    },
    window: {
      time: {
        doc: 'How long ago a program must first have been seen to read plainly, before connections of it are accelerated.',
        format: 'duration',
        min: 0,
        max: 86_400_000,
        default: 0,
      },
      connections: {
        doc: 'On how many connections it must have been seen to read plainly.',
        format: 'count',
        min: 1,
        max: 1_000_000,
        default: 1,
      },
      bytes: {
        doc: 'How many bytes it must have been seen to read plainly.',
        format: 'size',
        min: 0,
        max: 1024 * MiB,
        default: 0,
      },
    },
  },
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
  metrics: {
    enabled: { doc: 'Serve /metrics, /healthz and /readyz.', format: 'switch', default: true },
    host: { doc: 'Address that the HTTP server listens on.', format: 'host', default: '127.0.0.1' },
    port: {
      doc: 'Port that the HTTP server listens on; 0 lets the kernel choose.',
      format: 'tcp-port',
      default: 9464,
    },
  },
  lifecycle: {
    onExit: {
      doc: 'What happens to the pairs at SIGTERM or SIGINT: `retire` hands them back to TCP, `keep` serves on.',
      format: ['retire', 'keep'],
      default: 'retire',
    },
    retireTimeout: {
      doc: 'Longest wait for queued bytes to be read while pairs are retired.',
      format: 'duration',
      min: 0,
      max: 600_000,
      default: 5000,
    },
  },
  admin: {
    group: {
      doc: 'Group, by name or number, that owns agent.sock. Empty keeps the group of the agent.',
      format: 'group',
      default: '',
    },
    mode: { doc: 'Permissions of agent.sock, octal.', format: 'file-mode', default: 0o660 },
  },
  ...meshSchema,
};
