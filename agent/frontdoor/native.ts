/** The addon behind the interfaces of types.ts and direct-types.ts. Threads run in the door process only, direct calls are the agent's. */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { directObjectPath, native as direct, type NativeDirect } from '../../native/direct.js';
import { native, type NativeDoorSettings, type NativeFrontDoor } from '../../native/frontdoor.js';
import { translate, translated } from '../datapath/translate.js';
import type { DirectDoor, DirectKernel, DirectTally, Left } from './direct-types.js';
import type { DoorLook, DoorThreads, Target } from './types.js';

function settingsOf(door: FrontDoorConfig): NativeDoorSettings {
  const { allow, deny, maxConnections, connectTimeout, idleTimeout, acceptProxy, sendProxy, requests, lengthAt, lengthBytes, lengthOrder, lengthCounts } = door;
  return {
    allow, deny, maxConnections, connectTimeout, idleTimeout, acceptProxy, sendProxy, requests, lengthAt, lengthBytes, lengthOrder, lengthCounts,
  };
}

class HostThreads implements DoorThreads {
  constructor(private readonly native: NativeFrontDoor) {}

  open(door: FrontDoorConfig, backends: readonly Target[], descriptors: readonly number[] = []): void {
    const { name, address, port } = door;
    translated(() => { this.native.open({ name, address, port, backends, descriptors, ...settingsOf(door) }); });
  }
  configure(door: FrontDoorConfig): void { translated(() => { this.native.configure({ name: door.name, ...settingsOf(door) }); }); }
  setBackends(name: string, backends: readonly Target[]): void { translated(() => { this.native.setBackends({ name, backends }); }); }
  shut(name: string): void { translated(() => { this.native.shut({ name }); }); }
  cut(name = ''): void { translated(() => { this.native.cut({ name }); }); }
  look(): DoorLook { return translated(() => this.native.look()); }
  close(): void { this.native.close(); }
}

export const openThreads = (threads: number): DoorThreads => translated(() => new HostThreads(new native.NativeFrontDoor({ threads })));

class HostDirect implements DirectKernel {
  constructor(private readonly native: NativeDirect) {}

  async find(backends: Parameters<DirectKernel['find']>[0], ports: readonly number[]): ReturnType<DirectKernel['find']> {
    try {
      return await this.native.find({ backends, ports });
    } catch (error) {
      throw translate(error);
    }
  }
  forget(key: number): void { translated(() => { this.native.forget({ key }); }); }
  setDoors(doors: readonly DirectDoor[]): void { translated(() => { this.native.setDoors({ doors }); }); }
  tally(index: number): DirectTally {
    const { given, left } = translated(() => this.native.tally({ tally: index }));
    return { given, left: left as Record<Left, number> };
  }
  resetTally(index: number): void { translated(() => { this.native.resetTally({ tally: index }); }); }
  close(): void { this.native.close(); }
}

export const openDirect = (verifierLog: boolean): DirectKernel =>
  translated(() => new HostDirect(new direct.NativeDirect({ objectPath: directObjectPath, verifierLog })));

/** A socket of another process, as one of this one, which closes it. */
export const borrowListener = (pid: number, descriptor: number, address: string, port: number): number =>
  translated(() => native.borrowListener({ pid, descriptor, address, port }));

/** Begins this script again without the capabilities that no door needs; returns when there are none. */
export function shedPrivileges(script: string, args: string[], descriptors: number[]): void {
  translated(() => { native.shedPrivileges({ program: process.execPath, script, args, descriptors }); });
}
