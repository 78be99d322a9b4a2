/** Names of cgroups: the id of a v2 cgroup is the inode number of its directory. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export class CgroupNames {
  #paths = new Map<string, string>();
  #walked = -Infinity;

  /** A walk costs one stat per cgroup, so an id that nobody knows is looked for at most once per `everyMs`. */
  constructor(
    private readonly root: string,
    private readonly everyMs = 5000,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Path below the mount, `/` for its root; '' when there is no such cgroup (any more). */
  pathOf(id: string): string {
    if (!this.#paths.has(id) && this.now() - this.#walked >= this.everyMs) {
      this.#walked = this.now();
      this.#paths = walk(this.root);
    }
    return this.#paths.get(id) ?? '';
  }
}

const most = 20_000;

function walk(root: string): Map<string, string> {
  const paths = new Map<string, string>();
  const todo = ['/'];
  for (let path = todo.pop(); path !== undefined && paths.size < most; path = todo.pop()) {
    try {
      const here = join(root, path);
      paths.set(String(statSync(here, { bigint: true }).ino), path);
      for (const entry of readdirSync(here, { withFileTypes: true }))
        if (entry.isDirectory()) todo.push(join(path, entry.name));
    } catch {
      // The cgroup was removed during the walk.
    }
  }
  return paths;
}
