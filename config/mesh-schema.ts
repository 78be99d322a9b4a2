/** The settings of services, endpoints and the bus: a part of schema.ts. */
import type convict from 'convict';
import type { Config } from './types.js';

export const meshSchema: convict.Schema<Pick<Config, 'host' | 'mesh' | 'bus' | 'services' | 'tuning'>> = {
  host: {
    name: {
      doc: 'Name of this host, its own among all agents of the cluster. `auto` is the host name up to the first dot; in a pod, the node that the variable NODE_NAME names.',
      format: 'name',
      keyword: 'auto',
      default: 'auto',
    },
    address: {
      doc: 'Address at which other hosts reach the listeners of this one. `auto` is that of the default route.',
      format: 'address',
      keyword: 'auto',
      default: 'auto',
    },
    zone: { doc: 'Zone of this host, for services that prefer near endpoints.', format: 'name', keyword: '', default: '' },
  },
  mesh: {
    enabled: {
      doc: 'Whether connections to virtual addresses are balanced. When false, every program sees addresses as they are.',
      format: 'switch',
      default: true,
    },
    except: {
      doc: 'Cgroup directories whose processes, and those of the cgroups below, see all virtual addresses as they are.',
      format: 'paths',
      default: [],
    },
    maxServices: {
      doc: 'Most services; one with addresses of both families counts twice.',
      format: 'count',
      min: 1,
      max: 65536,
      default: 4096,
    },
    maxEndpoints: {
      doc: 'Most endpoints, of this host and all others. Further ones are left out and counted.',
      format: 'count',
      min: 1,
      max: 1048576,
      default: 131072,
    },
  },
  bus: {
    mode: {
      doc: 'Where endpoints of other hosts come from. `external` uses `bus.servers`, `embedded` runs a nats-server of its own on loopback, `auto` takes the first of the two that there is.',
      format: ['auto', 'off', 'embedded', 'external'],
      default: 'auto',
    },
    servers: {
      doc: 'NATS servers, such as tls://nats-1.example:4222, by real and not by virtual addresses.',
      format: 'nats-servers',
      default: [],
    },
    cluster: { doc: 'Name of the cluster: agents see endpoints of their own cluster only.', format: 'name', default: 'default' },
    credentials: { doc: 'Credentials file of NATS (JWT and seed). Read again at each connection.', format: 'path', keyword: '', default: '' },
    nkey: { doc: 'File with an NKey seed, for servers that know hosts by NKey. Read again at each connection.', format: 'path', keyword: '', default: '' },
    ca: { doc: 'File of the certificate authority that signed the servers. Empty trusts those of the system.', format: 'path', keyword: '', default: '' },
    certificate: { doc: 'Client certificate, for servers that ask for one.', format: 'path', keyword: '', default: '' },
    key: { doc: 'Private key of the client certificate.', format: 'path', keyword: '', default: '' },
    plaintext: {
      doc: 'Allow connections without TLS to servers that are not on loopback. Whoever can listen in or change packets on the way can then steer connections.',
      format: 'switch',
      default: false,
    },
    reassert: { doc: 'Between two signs of life of this host.', format: 'duration', min: 500, max: 600_000, default: 10_000 },
    lease: {
      doc: 'How long endpoints of a host are believed without a sign of life, by the clock of this agent and while the bus itself is alive.',
      format: 'duration',
      min: 1000,
      max: 3_600_000,
      default: 30_000,
    },
    withdrawShare: {
      doc: 'Most endpoints of other hosts, in percent, that may vanish within a second. Further ones are kept until their leases run out.',
      format: 'count',
      min: 1,
      max: 100,
      default: 30,
    },
    embeddedPort: { doc: 'Port of the embedded server on 127.0.0.1; 0 lets the kernel choose.', format: 'tcp-port', default: 0 },
    stateDir: { doc: 'Directory of the store of the embedded server. `auto` is nats below stateDir.', format: 'path', keyword: 'auto', default: 'auto' },
  },
  services: { doc: 'Services with virtual addresses. Their keys are listed below.', format: 'services', default: [] },
  tuning: { doc: 'TCP settings of connections that leave this host, by service, port or network. The first rule that fits holds. Its keys are listed below.', format: 'tuning', default: [] },
};
