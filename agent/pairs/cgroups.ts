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

/** Calls `visit` with each cgroup, by its directory and its path below the root, until it says true. */
function visitAll(root: string, visit: (directory: string, path: string) => boolean): void {
  const todo = ['/'];
  let visited = 0;
  for (let path = todo.pop(); path !== undefined && visited < most; path = todo.pop()) {
    try {
      const here = join(root, path);
      if (visit(here, path)) return;
      visited++;
      for (const entry of readdirSync(here, { withFileTypes: true }))
        if (entry.isDirectory()) todo.push(join(path, entry.name));
    } catch {
      // The cgroup was removed during the walk.
    }
  }
}

function walk(root: string): Map<string, string> {
  const paths = new Map<string, string>();
  visitAll(root, (directory, path) => {
    paths.set(String(statSync(directory, { bigint: true }).ino), path);
    return false;
  });
  return paths;
}

/** Path below the root of a cgroup that `is` is true for; undefined when there is none. */
export function findBelow(root: string, is: (directory: string) => boolean): string | undefined {
  let found: string | undefined;
  visitAll(root, (directory, path) => {
    if (is(directory)) found = path;
    return found !== undefined;
  });
  return found;
}
