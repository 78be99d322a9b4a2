/** Who holds each socket: found once per socket, remembered while it lives. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CgroupNames } from '../pairs/cgroups.js';
import { commOf, executableOf } from '../pairs/proc.js';
import type { Holder, Sharer, SocketRef } from './types.js';

export interface Owner {
  readonly pid: number;
  readonly fd: number;
  readonly comm: string;
  readonly executable: string;
  readonly cgroupPath: string;
  /** Name of the user that made the socket; '' when it has none. */
  readonly user: string;
  /** Its process group: the workers of one server share it. */
  readonly processGroup: number;
  /** Where it may run; empty: anywhere. */
  readonly cpus: readonly number[];
}

/** `0-2,5` -> 0 1 2 5. */
export function readCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Math.min(4096, Number(last) - Number(first) + 1) }, (_, index) => Number(first) + index);
  });
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

const field = (status: string, name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';

/** After the name, which may hold anything: state, parent, process group. */
const processGroupOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] ?? 0);

const userName = (uid: number, passwd: string): string =>
  text(passwd).split('\n').map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[0] ?? '';

export interface OwnersOptions {
  holders(inodes: readonly string[]): Promise<Holder[]>;
  cgroupRoot: string;
  proc?: string;
  passwd?: string;
  /** How long one that nobody holds is not looked for again. */
  retryMs?: number;
  now?: () => number;
}

export class Owners {
  readonly #proc: string;
  readonly #cgroups: CgroupNames;
  readonly #anywhere: number;
  #known = new Map<string, Owner>();
  #missed = new Map<string, number>();

  constructor(private readonly options: OwnersOptions) {
    this.#proc = options.proc ?? '/proc';
    this.#cgroups = new CgroupNames(options.cgroupRoot);
    this.#anywhere = readCpuList(text('/sys/devices/system/cpu/online').trim()).length;
  }

  /** One pass over /proc, and only when there is a socket that nobody has looked for. */
  async learn(sharers: readonly Sharer[]): Promise<void> {
    const { retryMs = 5000, now = () => performance.now() } = this.options;
    const live = new Set(sharers.map(({ cookie }) => cookie));
    this.#known = new Map([...this.#known].filter(([cookie]) => live.has(cookie)));
    this.#missed = new Map([...this.#missed].filter(([cookie, at]) => live.has(cookie) && now() - at < retryMs));
    const open = sharers.filter(({ cookie }) => !this.#known.has(cookie) && !this.#missed.has(cookie));
    if (open.length === 0) return;
    const holders = new Map((await this.options.holders(open.map(({ inode }) => inode))).map((holder) => [holder.inode, holder]));
    for (const { cookie, inode, cgroup, uid } of open) {
      const holder = holders.get(inode);
      if (holder) this.#known.set(cookie, this.#describe(holder, cgroup, uid));
      else this.#missed.set(cookie, now());
    }
  }

  of(cookie: string): Owner | undefined {
    return this.#known.get(cookie);
  }

  socket(cookie: string): SocketRef | undefined {
    const owner = this.#known.get(cookie);
    return owner && { pid: owner.pid, fd: owner.fd, cookie };
  }

  /** The process has gone; another one may hold the socket. */
  forget(cookie: string): void {
    this.#known.delete(cookie);
  }

  #describe({ pid, fd }: Holder, cgroup: string, uid: number): Owner {
    const cpus = readCpuList(field(text(join(this.#proc, String(pid), 'status')), 'Cpus_allowed_list'));
    return {
      pid,
      fd,
      comm: commOf(this.#proc, pid),
      executable: executableOf(this.#proc, pid),
      cgroupPath: this.#cgroups.pathOf(cgroup),
      user: userName(uid, this.options.passwd ?? '/etc/passwd'),
      processGroup: processGroupOf(text(join(this.#proc, String(pid), 'stat'))),
      cpus: cpus.length >= this.#anywhere ? [] : cpus,
    };
  }
}
