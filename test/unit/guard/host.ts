/** A host made of files and a datapath in memory: processes that the guard can look at, without starting any. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeDatapath } from '../../../agent/datapath/fake.js';
import type { HostProcess, Profile, Reads } from '../../../agent/datapath/types.js';
import { Guard } from '../../../agent/guard/guard.js';
import { Identifier } from '../../../agent/guard/identify.js';
import type { KnownProfile } from '../../../agent/guard/known.js';
import { Management } from '../../../agent/guard/manage.js';
import { ProfileStore } from '../../../agent/guard/store.js';
import { Subjects } from '../../../agent/guard/subjects.js';
import { folder } from '../../helpers/folder.js';
import { keptLog } from '../../helpers/log.js';
import { fakeProfile } from '../agent/fake-profile.js';

export class Host {
  readonly proc = join(folder(), 'proc');
  readonly datapath = new FakeDatapath();
  readonly stateDir = join(folder(), 'state');
  #next = 100;

  /** A program with a build id of its own. */
  program(name: string, digit: string, main = 'int main(void) { return 0; }'): string {
    const path = join(folder(), name);
    execFileSync('cc', ['-xc', '-', '-o', path, `-Wl,--build-id=0x${digit.repeat(40)}`], { input: main });
    return path;
  }

  run(path: string, { id = 'a'.repeat(16), comm = path.slice(path.lastIndexOf('/') + 1), place = '/one.service', args = [] as string[] } = {}): HostProcess {
    const pid = this.#next++;
    const here = join(this.proc, String(pid));
    mkdirSync(here, { recursive: true });
    symlinkSync(path, join(here, 'exe'));
    symlinkSync('/', join(here, 'root'));
    symlinkSync('/', join(here, 'cwd'));
    writeFileSync(join(here, 'cgroup'), `0::${place}\n`);
    writeFileSync(join(here, 'cmdline'), [path, ...args].join('\0'));
    const { ino, dev, ctimeNs } = statSync(path, { bigint: true });
    const process = { id, pid, comm, cgroup: '7', exeInode: String(ino), exeDev: String(dev), exeChanged: String(ctimeNs) };
    this.datapath.processList.push(process);
    return process;
  }

  row(process: HostProcess, over: Partial<Profile> = {}): void {
    this.datapath.profileList = [...this.datapath.profileList.filter(({ id }) => id !== process.id), fakeProfile({ ...process, ...over })];
  }

  guard(listed: readonly KnownProfile[] = []): { guard: Guard; profiles: Management; store: ProfileStore } {
    const { log } = keptLog();
    const store = new ProfileStore({ dir: this.stateDir, log, delayMs: 1 });
    store.load();
    const identifier = new Identifier(this.proc);
    const subjects = new Subjects(this.datapath, identifier, { pathOf: () => '' });
    const guard = new Guard({ datapath: this.datapath, store, listed, subjects, identifier, log });
    return { guard, profiles: new Management(guard, store), store };
  }
}

export const reads = (over: Partial<Reads> = {}): Reads => ({ plain: 5, blocking: 0, hazard: 0, connections: 2, accepted: 0, bytes: 50, forMs: 10, ...over });
export const none = reads({ plain: 0, connections: 0, bytes: 0, forMs: 0 });

