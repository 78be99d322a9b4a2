/**
 * The one list of settings. The loader, the JSON Schema, default.yaml and docs/configuration.md all come from it.
 * The environment name is not typed here: it is the key in upper snake case (keys.ts), so that the two cannot differ.
 */
import type convict from 'convict';
import { frontdoorSchema } from './frontdoor-schema.js';
import { guardSchema } from './guard-schema.js';
import { kubernetesSchema } from './kubernetes-schema.js';
import { meshSchema } from './mesh-schema.js';
import { placementSchema } from './placement-schema.js';
import { reuseportSchema } from './reuseport-schema.js';
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
      doc: 'One JSON object per line, lines for people, or lines for journald with their priority. `auto` is pretty on a terminal, journal under systemd and JSON elsewhere.',
      format: ['auto', 'json', 'pretty', 'journal'],
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
      doc: 'Slots for handshakes under way. Of two that fall on one slot at the same moment the earlier one stays on TCP.',
      format: 'count',
      min: 64,
      max: 1048576,
      default: 4096,
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
  ...placementSchema,
  ...guardSchema,
  ...reuseportSchema,
  metrics: {
    enabled: { doc: 'Serve /metrics, /healthz and /readyz.', format: 'switch', default: true },
    host: { doc: 'Address that the HTTP server listens on.', format: 'host', default: '127.0.0.1' },
    port: {
      doc: 'Port that the HTTP server listens on; 0 lets the kernel choose.',
      format: 'tcp-port',
      default: 9464,
    },
    queueWait: {
      doc: 'Measure how long redirected messages wait until they are read, one in 64 of each connection: sidestep_queue_wait_seconds. Costs every read of an accelerated socket some tens of nanoseconds.',
      format: 'switch',
      default: false,
    },
    istioNames: {
      doc: 'Serve the traffic between local services by the names and labels of Istio as well (istio_tcp_*), for tools that read those.',
      format: 'switch',
      default: false,
    },
  },
  web: {
    enabled: { doc: 'Serve a page that shows who talks to whom on this host, without login.', format: 'switch', default: false },
    host: {
      doc: 'Address that the page is served on. On another than loopback other hosts see it too, and the log warns of it.',
      format: 'host',
      default: '127.0.0.1',
    },
    port: { doc: 'Port that the page is served on; 0 lets the kernel choose.', format: 'tcp-port', default: 9465 },
    rows: { doc: 'Most rows of each table. What there is beyond them is counted.', format: 'count', min: 10, max: 2000, default: 200 },
  },
  lifecycle: {
    onExit: {
      doc: 'What happens to the pairs at SIGTERM or SIGINT: `retire` hands them back to TCP, `keep` serves on. The front door drains, or goes on, likewise.',
      format: ['retire', 'keep'],
      default: 'retire',
    },
    retireTimeout: {
      doc: 'Longest wait for queued bytes to be read while pairs are retired, and for connections through the front door to end.',
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
  ...kubernetesSchema,
  ...frontdoorSchema,
};
