/** The front door of this host: the addon behind the interface of types.ts. */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { native, type NativeDoorSettings, type NativeFrontDoor } from '../../native/frontdoor.js';
import { translated } from '../datapath/translate.js';
import type { DoorHost, DoorLook, Doors, Target } from './types.js';

const settingsOf = ({ allow, deny, maxConnections, connectTimeout, idleTimeout, acceptProxy, sendProxy }: FrontDoorConfig): NativeDoorSettings =>
  ({ allow, deny, maxConnections, connectTimeout, idleTimeout, acceptProxy, sendProxy });

class HostDoors implements Doors {
  constructor(private readonly native: NativeFrontDoor) {}

  open(door: FrontDoorConfig): void {
    const { name, address, port } = door;
    translated(() => { this.native.open({ name, address, port, ...settingsOf(door) }); });
  }
  configure(door: FrontDoorConfig): void { translated(() => { this.native.configure({ name: door.name, ...settingsOf(door) }); }); }
  setBackends(name: string, backends: readonly Target[]): void { translated(() => { this.native.setBackends({ name, backends }); }); }
  shut(name: string): void { translated(() => { this.native.shut({ name }); }); }
  cut(name = ''): void { translated(() => { this.native.cut({ name }); }); }
  look(): DoorLook { return translated(() => this.native.look()); }
  close(): void { this.native.close(); }
}

export const doorHost: DoorHost = {
  open: (threads) => translated(() => new HostDoors(new native.NativeFrontDoor({ threads }))),
};
