/** The kernel side of this host: the addon behind the interface of types.ts. */
import { native, reuseportObjectPath, type NativeReuseport } from '../../native/reuseport.js';
import { translate } from '../datapath/translate.js';
import type { Deed, GroupSetup, ListenerSetup, ReuseportHost, Chooser, ChooserInfo, Sharer, SocketRef, Tables } from './types.js';

const translated = <T>(body: () => T): T => {
  try {
    return body();
  } catch (error) {
    throw translate(error);
  }
};

/** Sockets and processes come and go: that one has gone is an answer, not a failure. */
function deed(body: () => void): Deed {
  try {
    body();
    return 'done';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'listener_gone') return 'gone';
    throw translate(error);
  }
}

const later = async <T>(promise: Promise<T>): Promise<T> => {
  try {
    return await promise;
  } catch (error) {
    throw translate(error);
  }
};

class HostChooser implements Chooser {
  constructor(private readonly native: NativeReuseport) {}

  info(): ChooserInfo { return translated(() => this.native.info()); }
  walk(): Promise<Sharer[]> { return later(this.native.walk()); }
  attach(socket: SocketRef): Deed { return deed(() => { this.native.attach(socket); }); }
  detach(socket: SocketRef): Deed { return deed(() => { this.native.detach(socket); }); }
  enlist(slot: number, listener: ListenerSetup & { fresh: boolean }, socket: SocketRef): Deed {
    return deed(() => { this.native.enlist(slot, listener, socket); });
  }
  amend(slot: number, listener: ListenerSetup): void { translated(() => { this.native.amend(slot, listener); }); }
  release(slot: number): void { translated(() => { this.native.release(slot); }); }
  writeGroup(id: number, group: GroupSetup): void { translated(() => { this.native.writeGroup(id, group); }); }
  removeGroup(id: number): void { translated(() => { this.native.removeGroup(id); }); }
  tables(): Tables { return translated(() => this.native.tables()); }
  onChange(listener: () => void): void { translated(() => { this.native.onChange(listener); }); }
  close(): void { this.native.close(); }
}

export const reuseportHost: ReuseportHost = {
  open: (options) => translated(() => new HostChooser(new native.NativeReuseport({ ...options, objectPath: reuseportObjectPath }))),
  leftovers: (pinPath) => translated(() => native.leftoverChoosers(pinPath)).length > 0,
  holders: (inodes) => later(native.socketHolders(inodes)),
  migrateSysctl: (namespaces, value) => later(native.migrateSysctl(namespaces, value)),
  probeMigration: () => later(native.probeMigration()),
};
