// SPDX-License-Identifier: Apache-2.0
/** A second owner of our hooks that is not Sidestep: programs/neighbour.bpf.c, loaded and attached with bpftool. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileForKernel } from './compile.js';
import { folder } from './folder.js';
import { BPFFS, freshName } from './kernel.js';
import { PROGRAMS } from './program.js';

const bpftool = (...args: string[]): string => execFileSync('bpftool', args, { encoding: 'utf8' });

export class Neighbour {
  readonly #pins = join(BPFFS, freshName());
  readonly #attached: [cgroup: string, hook: string, program: string][] = [];

  constructor() {
    const object = join(folder(), 'neighbour.bpf.o');
    compileForKernel(join(PROGRAMS, 'neighbour.bpf.c'), object);
    bpftool('prog', 'loadall', object, this.#pins, 'pinmaps', join(this.#pins, 'maps'));
  }

  /** On the messages of the sockets in its map. */
  watchMessages(): void {
    bpftool('prog', 'attach', 'pinned', join(this.#pins, 'their_message'), 'sk_msg_verdict', 'pinned', join(this.#pins, 'maps', 'their_sockets'));
  }

  attach(program: 'their_holder' | 'their_flags' | 'their_option', cgroup: string): void {
    const hook = program === 'their_option' ? 'setsockopt' : 'sock_ops';
    bpftool('cgroup', 'attach', cgroup, hook, 'pinned', join(this.#pins, program), 'multi');
    this.#attached.push([cgroup, hook, program]);
  }

  /** Sockets that it got into its map, and messages that it saw. */
  counts(): { sockets: number; messages: number } {
    const rows = JSON.parse(bpftool('-j', 'map', 'dump', 'pinned', join(this.#pins, 'maps', 'their_counts'))) as { formatted: { value: number } }[];
    const [sockets = 0, messages = 0] = rows.map(({ formatted: { value } }) => value);
    return { sockets, messages };
  }

  clean(): void {
    for (const [cgroup, hook, program] of this.#attached.splice(0)) bpftool('cgroup', 'detach', cgroup, hook, 'pinned', join(this.#pins, program));
    rmSync(this.#pins, { recursive: true, force: true });
  }
}
