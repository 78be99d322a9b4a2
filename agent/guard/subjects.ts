/**
 * From a workload, which the kernel numbers anew after each boot, to who that is. A process number may pass to another
 * process at any time, so the kernel is asked before and after whether it still belongs to the workload.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Datapath, ExecutableFile, HostProcess } from '../datapath/types.js';
import type { CgroupNames } from '../pairs/cgroups.js';
import type { Executable, Identifier, OpenExecutable } from './identify.js';
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
    const known = this.#executables.get(fileKey(process));
    const seen = this.#whileIn(process, () => this.#look(process.pid, known === undefined));
    const executable = known ?? (await this.#identify(process, seen?.open));
    if (!executable) return undefined;
    const { program, interpreter, splices, path } = executable;
    const script = interpreter ? await this.#script(process) : '';
    const place = seen?.place ?? placeOf(this.cgroups.pathOf(process.cgroup));
    if (script === undefined || place === '') return undefined;
    return { subject: { program, name: process.comm, script, place, interpreter, splices }, executable: path };
  }

  #look(pid: number, executable: boolean): { place: string; open: OpenExecutable | undefined } {
    return { place: this.identifier.place(pid), open: executable ? this.identifier.open(pid) : undefined };
  }

  async #identify(process: HostProcess, open: OpenExecutable | undefined): Promise<Executable | undefined> {
    const read = (open && (await this.identifier.identify(open))) ?? (await this.#searched(process));
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

  /** What is seen of a process that belongs to the workload, before and after. */
  #whileIn({ pid, id }: HostProcess, look: () => { place: string; open: OpenExecutable | undefined }): ReturnType<typeof look> | undefined {
    const isIn = (): boolean => pid !== 0 && this.datapath.processes(pid).some((one) => one.pid === pid && one.id === id);
    if (!isIn()) return undefined;
    const seen = look();
    if (isIn()) return seen;
    if (seen.open) closeSync(seen.open.file);
    return undefined;
  }
}
