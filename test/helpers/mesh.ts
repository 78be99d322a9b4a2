// SPDX-License-Identifier: Apache-2.0
/** Balancing programs of its own for each test: a network namespace as host, endpoints on its loopback, real clients. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, type Config } from '../../config/load.js';
import { readServices } from '../../config/services.js';
import type { ServiceConfig } from '../../config/service-types.js';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { configRecords } from '../../agent/endpoints/sources/config.js';
import { EndpointStore } from '../../agent/endpoints/store.js';
import { Balancer } from '../../agent/mesh/balancer.js';
import { openMesh } from '../../agent/mesh/native.js';
// The one place of this suite that opens the kernel's door; tests see the types of agent/mesh.
// eslint-disable-next-line no-restricted-imports
import { meshObjects } from '../../native/mesh.js';
import type { MeshKernel } from '../../agent/mesh/types.js';
import { BPFFS, CASTS, freshName, removeCgroup } from './kernel.js';
import { keptLog } from './log.js';
import { withNetns } from './pods.js';
import { Program } from './program.js';

const PROGRAMS = fileURLToPath(new URL('../../../test/mesh/programs', import.meta.url));
const PYTHON = '/usr/bin/python3';

/** Both builds of the programs, less what this kernel does not take. */
export const builds = Object.entries(meshObjects).filter(([build]) => CASTS || build !== 'casts');
export const VIP = '10.96.0.1';
export const VIP6 = 'fd00:96::1';

/** Endpoints of a service, `e1`, `e2`, ... on the loopback of the namespace. */
export const named = (count: number, first = 1): { name: string; host: string; port: number }[] =>
  Array.from({ length: count }, (_, index) => ({ name: `e${first + index}`, host: `127.0.1.${first + index}`, port: 8080 }));

/** What client.py reports; each verb fills in its own part. */
export interface Answer {
  counts: Record<string, number>;
  names: string[];
  errors: Record<string, number>;
  peers: [string, number][];
  peer: [string, number];
  senders: [string, number][];
  error: string;
  socket: number;
}

export interface Client {
  tell(command: object): Promise<Answer>;
  readonly program: Program;
}

export class TestMesh {
  readonly name = freshName();
  readonly cgroup = join(findCgroup2(), this.name);
  readonly config: Config;
  readonly store = new EndpointStore(100_000);
  kernel: MeshKernel;
  balancer: Balancer;
  services: ServiceConfig[] = [];
  readonly #programs: Program[] = [];
  readonly #cgroups: string[] = [];

  constructor(readonly netns: string, over: Record<string, string> = {}, private readonly objectPath?: string) {
    const pinPath = join(BPFFS, this.name);
    mkdirSync(this.cgroup);
    mkdirSync(pinPath);
    this.config = loadConfig({ env: {}, file: '/dev/null', flags: { 'cgroup.path': this.cgroup, 'bpf.pinPath': pinPath, ...over } });
    [this.kernel, this.balancer] = this.open();
  }

  /** Opens, or takes over what is pinned. */
  open(services: readonly ServiceConfig[] = this.services): [MeshKernel, Balancer] {
    this.kernel = openMesh(this.config, this.objectPath);
    this.balancer = new Balancer(this.kernel, this.store, { host: 'here', zone: 'z1' }, keptLog().log, services, this.kernel.found());
    return [this.kernel, this.balancer];
  }

  /** The services as in a file, until they are in the kernel. */
  async serve(...services: object[]): Promise<void> {
    const { services: read, findings } = readServices(services.map((service) => ({ name: 'web', addresses: [VIP], port: 80, ...service })));
    if (findings.length > 0) throw new Error(JSON.stringify(findings));
    const before = new Set(configRecords(this.services).map((record) => `${record.service}/${record.address}/${record.port}`));
    this.services = read;
    const touched = configRecords(read).flatMap((record) => {
      const key = `${record.service}/${record.address}/${record.port}`;
      before.delete(key);
      return this.store.put(key, record, 'config');
    });
    touched.push(...[...before].flatMap((key) => this.store.remove(key)));
    this.balancer.setServices(read);
    this.balancer.touched(touched);
    await this.balancer.settled();
  }

  async endpoints(tcp: readonly { name: string; host: string; port: number }[], udp: readonly { name: string; host: string; port: number }[] = [], netns = this.netns): Promise<Client> {
    const rows = (list: typeof tcp): (string | number)[][] => list.map(({ name, host, port }) => [name, host, port]);
    return this.#start('servers.py', JSON.stringify({ tcp: rows(tcp), udp: rows(udp) }), undefined, (command) => Object.values(command as Record<string, string>).join(' '), netns);
  }

  client(cgroup?: string, netns?: string): Promise<Client> { return this.#start('client.py', '{}', cgroup, JSON.stringify, netns); }

  newCgroup(): string {
    const path = join(this.cgroup, freshName());
    mkdirSync(path);
    this.#cgroups.push(path);
    return path;
  }

  numberOf(address: string, port = 8080): number {
    const member = this.balancer.groups.flatMap((group) => [...group.members.values()]).find((one) => one.address === address && one.port === port);
    return member!.number;
  }

  load(address: string, port = 8080): ReturnType<MeshKernel['loads']>[number] { return this.kernel.loads([this.numberOf(address, port)])[0]!; }

  async clean(): Promise<void> {
    for (const program of this.#programs) await program.kill();
    try {
      this.kernel.uninstall();
    } finally {
      rmSync(this.config.bpf.pinPath, { recursive: true, force: true });
      for (const path of [...this.#cgroups, this.cgroup]) await removeCgroup(path);
    }
  }

  async #start(file: string, args: string, cgroup: string | undefined, write: (command: object) => string, netns = this.netns): Promise<Client> {
    const program = new Program([PYTHON, join(PROGRAMS, file), args], { cgroup: cgroup ?? this.cgroup, netns });
    this.#programs.push(program);
    await program.next();
    return {
      program,
      tell(command) {
        program.say(write(command));
        return program.next() as Promise<Answer>;
      },
    };
  }
}

export const withMesh = (test: (mesh: TestMesh) => Promise<void>, over: Record<string, string> = {}, objectPath?: string): Promise<void> =>
  withNetns(async (netns) => {
    const mesh = new TestMesh(netns, over, objectPath);
    try {
      await test(mesh);
    } finally {
      await mesh.clean();
    }
  });

/** Endpoints of the configuration from named ones. */
export const listed = (endpoints: readonly { host: string; port: number }[], each: (index: number) => object = () => ({})): object[] =>
  endpoints.map(({ host, port }, index) => ({ address: host, port, ...each(index) }));
