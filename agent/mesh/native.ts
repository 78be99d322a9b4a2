/** The balancing programs of this host: the addon behind the interface that the rest of the agent knows. */
import type { Config } from '../../config/types.js';
import { MESH_STATES, meshObjectPath, NativeMeshClass, type NativeMesh } from '../../native/mesh.js';
import type { Table } from '../balance/table.js';
import { servedCgroup } from '../datapath/cgroup.js';
import { translate, translated } from '../datapath/translate.js';
import { AFFINITIES, POLICIES, type Protocol } from '../../config/service-types.js';
import { pinsOf } from './pins.js';
import { fromKernel, ruleToNative } from './native-tuning.js';
import type { Found, KernelEndpoint, KernelRule, Load, MeshKernel, MeshKernelInfo, RuleTally, ServiceLoad, TunedSocket, Vip } from './types.js';

const protocols: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };
const numbered = (vip: Vip): { address: string; port: number; protocol: number; service: number } =>
  ({ ...vip, protocol: protocols[vip.protocol] });

/** In the order of the programs' enumerations. */
const policyNumber = (policy: Table['policy']): number => POLICIES.indexOf(policy);
const affinityNumber = (affinity: Table['affinity']): number => AFFINITIES.indexOf(affinity);

export function openMesh(config: Config, objectPath = meshObjectPath()): MeshKernel {
  return new HostMesh(translated(() => new NativeMeshClass({
    objectPath,
    cgroupPath: servedCgroup(config.cgroup.path),
    pinPath: pinsOf(config),
    maxServices: config.mesh.maxServices,
    maxEndpoints: config.mesh.maxEndpoints,
    verifierLog: config.log.level === 'debug' || config.log.level === 'trace',
  })));
}

class HostMesh implements MeshKernel {
  #enabled = true;
  #excepts = false;

  constructor(private readonly native: NativeMesh) {}

  info(): MeshKernelInfo { return translated(() => this.native.info()); }

  found(): Found {
    const { vips, endpoints } = translated(() => this.native.state());
    return {
      vips: vips.map((vip) => ({ ...vip, protocol: vip.protocol === protocols.udp ? 'udp' : 'tcp' })),
      endpoints: endpoints.map(({ state, ...rest }) => ({ ...rest, state: MESH_STATES[state] ?? 'up', age: undefined })),
    };
  }

  setEnabled(on: boolean): void {
    this.#enabled = on;
    this.#apply();
  }

  setExcepts(excepts: readonly { cgroup: string; service: number | undefined }[]): void {
    translated(() => { this.native.setExcepts(excepts.map(({ cgroup, service }) => ({ cgroup, service: service ?? 0 }))); });
    this.#excepts = excepts.length > 0;
    this.#apply();
  }

  putVips(vips: readonly Vip[]): void { translated(() => { this.native.putVips(vips.map(numbered)); }); }
  removeVips(vips: readonly Vip[]): void { translated(() => { this.native.removeVips(vips.map(numbered)); }); }
  removeServices(numbers: readonly number[]): void { translated(() => { this.native.removeServices(numbers); }); }

  putEndpoints(endpoints: readonly KernelEndpoint[]): void {
    translated(() => {
      this.native.putEndpoints(endpoints.map((endpoint) =>
        ({ ...endpoint, state: MESH_STATES.indexOf(endpoint.state), ageMs: endpoint.age ?? -1 })));
    });
  }

  removeEndpoints(numbers: readonly number[]): void { translated(() => { this.native.removeEndpoints(numbers); }); }
  forgetLoads(numbers: readonly number[]): void { translated(() => { this.native.forgetLoads(numbers); }); }

  async swapTables(tables: ReadonlyMap<number, Table | undefined>): Promise<void> {
    const rows = [...tables].map(([service, table]) => {
      if (!table) return { service, slots: null };
      const { tiers, policy, affinity, ...rest } = table;
      return {
        ...rest, service, policy: policyNumber(policy), affinity: affinityNumber(affinity),
        hostSlots: tiers.host, zoneSlots: tiers.zone, allSlots: tiers.all,
      };
    });
    try {
      await translated(() => this.native.swapTables(rows));
    } catch (error) {
      throw translate(error);
    }
  }

  loads(numbers: readonly number[]): Load[] { return translated(() => this.native.loads(numbers)); }
  services(): ServiceLoad[] { return translated(() => this.native.services()); }

  async endDead(): Promise<number> {
    try {
      return await translated(() => this.native.endDead());
    } catch (error) {
      throw translate(error);
    }
  }

  setRules(rules: readonly KernelRule[]): void { translated(() => { this.native.putTuning(rules.map(ruleToNative)); }); }
  tallies(): RuleTally[] { return translated(() => this.native.tallies()); }

  async tuned(): Promise<TunedSocket[]> {
    try {
      return (await translated(() => this.native.tuned())).map(fromKernel);
    } catch (error) {
      throw translate(error);
    }
  }

  uninstall(): void { translated(() => { this.native.uninstall(); }); }
  close(): void { this.native.close(); }

  #apply(): void { translated(() => { this.native.applySettings({ enabled: this.#enabled, excepts: this.#excepts }); }); }
}
