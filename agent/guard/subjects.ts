/**
 * From a workload, which the kernel numbers anew after each boot, to who that is. A process number may pass to another
 * process at any time, so the kernel is asked before and after whether it still belongs to the workload.
 */
import { join } from 'node:path';
import type { Datapath, ExecutableFile, HostProcess } from '../datapath/types.js';
import type { CgroupNames } from '../pairs/cgroups.js';
import type { Executable, Identifier } from './identify.js';
import type { Subject } from './known.js';
import { placeOf } from './place.js';

export interface Found {
  readonly subject: Subject;
  readonly executable: string;
}

const mostScripts = 64;
const mostFiles = 1024;
const commandFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin'];

const fileKey = ({ exeInode, exeDev, exeChanged }: ExecutableFile): string => `${exeDev} ${exeInode} ${exeChanged}`;

export class Subjects {
  /** By the kernel's own numbers, which are not those of stat(2) on every file system. */
  readonly #executables = new Map<string, Executable>();

  constructor(
    private readonly datapath: Pick<Datapath, 'processes'>,
    private readonly identifier: Identifier,
    private readonly cgroups: Pick<CgroupNames, 'pathOf'>,
  ) {}

  /** Undefined when nobody can tell (any more), or when it runs more than one script. */
  async of(process: HostProcess): Promise<Found | undefined> {
    const executable = await this.#executableOf(process);
    if (!executable) return undefined;
    const { program, interpreter, path } = executable;
    const script = interpreter ? await this.#script(process) : '';
    const place = await this.#place(process);
    if (script === undefined || place === '') return undefined;
    return { subject: { program, name: process.comm, script, place, interpreter }, executable: path };
  }

  async #executableOf(process: HostProcess): Promise<Executable | undefined> {
    const known = this.#executables.get(fileKey(process));
    if (known) return known;
    const read = (await this.#whileIn(process, () => this.identifier.executable(process.pid))) ?? (await this.#searched(process));
    if (read) {
      this.#executables.set(fileKey(process), read);
      const [oldest] = this.#executables.keys();
      if (this.#executables.size > mostFiles && oldest !== undefined) this.#executables.delete(oldest);
    }
    return read;
  }

  /** A command that has ended: where commands are, by its name, and only if it is that very file. */
  async #searched(process: HostProcess): Promise<Executable | undefined> {
    for (const folder of commandFolders) {
      const file = await this.identifier.at(join(folder, process.comm));
      if (file && fileKey(file) === fileKey(process)) return file;
    }
    return undefined;
  }

  /** One for all processes of the workload, which share what is learned of it. */
  async #script({ id }: HostProcess): Promise<string | undefined> {
    const members = this.datapath.processes().filter((one) => one.id === id);
    if (members.length > mostScripts) return undefined;
    const scripts = new Set<string | undefined>();
    for (const { pid } of members) scripts.add(await this.identifier.script(pid));
    const [script] = scripts;
    return scripts.size === 1 ? script : undefined;
  }

  async #place(process: HostProcess): Promise<string> {
    const place = await this.#whileIn(process, () => this.identifier.place(process.pid));
    return place ?? placeOf(this.cgroups.pathOf(process.cgroup));
  }

  async #whileIn<T>({ pid, id }: HostProcess, read: () => Promise<T>): Promise<T | undefined> {
    const isIn = (): boolean => pid !== 0 && this.datapath.processes(pid).some((one) => one.pid === pid && one.id === id);
    if (!isIn()) return undefined;
    const value = await read();
    return isIn() ? value : undefined;
  }
}
