// SPDX-License-Identifier: Apache-2.0
/** An accelerator as they were before, for comparison: naive/naive.bpf.c, attached to a cgroup of its own with bpftool. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { compileForKernel } from '../helpers/compile.js';
import { BPFFS, freshName, removeCgroup } from '../helpers/kernel.js';

const SOURCE = fileURLToPath(new URL('../../../test/bench/naive/naive.bpf.c', import.meta.url));

const bpftool = (...args: string[]): void => { execFileSync('bpftool', args, { stdio: ['ignore', 'ignore', 'pipe'] }); };

export class Naive {
  readonly cgroup = join(findCgroup2(), freshName());
  readonly #pins = join(BPFFS, freshName());

  /** `folder` is for what is built. */
  constructor(folder: string) {
    const object = join(folder, 'naive.bpf.o');
    compileForKernel(SOURCE, object);
    mkdirSync(this.cgroup);
    bpftool('prog', 'loadall', object, this.#pins, 'pinmaps', join(this.#pins, 'maps'));
    bpftool('prog', 'attach', 'pinned', join(this.#pins, 'naive_msg'), 'sk_msg_verdict', 'pinned', join(this.#pins, 'maps', 'naive_sockets'));
    bpftool('cgroup', 'attach', this.cgroup, 'sock_ops', 'pinned', join(this.#pins, 'naive_ops'), 'multi');
  }

  async clean(): Promise<void> {
    rmSync(this.#pins, { recursive: true, force: true });
    await removeCgroup(this.cgroup);
  }
}
