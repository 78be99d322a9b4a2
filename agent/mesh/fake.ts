/** A kernel in memory, for tests: what it was told is in its maps, what it reports is set from outside. */
import type { Table } from '../balance/table.js';
import type { Found, KernelEndpoint, KernelRule, Load, MeshKernel, MeshKernelInfo, RuleTally, ServiceLoad, TunedSocket, Vip } from './types.js';

export const noLoad = (over: Partial<Load> = {}): Load => ({ connecting: 0, active: 0, total: 0, failures: 0, resets: 0, costMs: 0, ejectedMs: 0, ...over });

export class FakeMeshKernel implements MeshKernel {
  readonly vips = new Map<string, Vip>();
  readonly endpoints = new Map<number, KernelEndpoint>();
  readonly tables = new Map<number, Table>();
  readonly load = new Map<number, Load>();
  readonly calls: string[] = [];
  serviceLoads: ServiceLoad[] = [];
  before: Found = { vips: [], endpoints: [] };
  state: MeshKernelInfo = { tookOver: false, programs: [], missing: [] };
  excepts: readonly { cgroup: string; service: number | undefined }[] = [];
  enabled = true;
  rules: readonly KernelRule[] = [];
  ruleTallies: RuleTally[] = [];
  tunedSockets: TunedSocket[] = [];
  /** Resolves when a swap may end; undefined: at once. */
  slow: Promise<void> | undefined;

  info(): MeshKernelInfo { return this.state; }
  found(): Found { return this.before; }
  setEnabled(on: boolean): void { this.enabled = on; }
  setExcepts(excepts: readonly { cgroup: string; service: number | undefined }[]): void { this.excepts = excepts; }
  putVips(vips: readonly Vip[]): void { for (const vip of vips) this.vips.set(`${vip.address}:${vip.port}/${vip.protocol}`, vip); }
  removeVips(vips: readonly Vip[]): void { for (const vip of vips) this.vips.delete(`${vip.address}:${vip.port}/${vip.protocol}`); }
  removeServices(numbers: readonly number[]): void { this.calls.push(`removeServices ${numbers.join(' ')}`); }

  putEndpoints(endpoints: readonly KernelEndpoint[]): void {
    if (endpoints.length > 0) this.calls.push(`put ${endpoints.map(({ number }) => number).join(' ')}`);
    for (const endpoint of endpoints) this.endpoints.set(endpoint.number, endpoint);
  }

  removeEndpoints(numbers: readonly number[]): void {
    this.calls.push(`remove ${numbers.join(' ')}`);
    for (const number of numbers) this.endpoints.delete(number);
  }

  forgetLoads(numbers: readonly number[]): void { for (const number of numbers) this.load.delete(number); }

  async swapTables(tables: ReadonlyMap<number, Table | undefined>): Promise<void> {
    this.calls.push(`swap ${[...tables.keys()].join(' ')}`);
    for (const [service, table] of tables) {
      if (table) this.tables.set(service, table);
      else this.tables.delete(service);
    }
    await this.slow;
  }

  loads(numbers: readonly number[]): Load[] { return numbers.map((number) => this.load.get(number) ?? noLoad()); }
  services(): ServiceLoad[] { return this.serviceLoads; }
  endDead(): Promise<number> { this.calls.push('endDead'); return Promise.resolve(0); }
  setRules(rules: readonly KernelRule[]): void { this.rules = rules; }
  tallies(): RuleTally[] { return this.ruleTallies; }
  tuned(): Promise<TunedSocket[]> { return Promise.resolve(this.tunedSockets); }

  uninstall(): void {
    this.calls.push('uninstall');
    for (const map of [this.vips, this.endpoints, this.tables]) map.clear();
  }

  close(): void { this.calls.push('close'); }
}
