/**
 * Pods and their cgroups, by the number that the kubelet writes into the path:
 *   /kubepods/burstable/pod1234.../CONTAINER                                    driver cgroupfs
 *   /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234_....slice/cri-containerd-....scope   driver systemd
 * with whatever `cgroup-root` puts in front. Only a path below the kubelet's own counts: everybody may name his a pod.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const above = /^(?:[\w.-]*-)?kubepods(?:\.slice)?$/;
const uid = '([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})';
const pod = new RegExp(`^(?:[\\w.-]*-)?pod${uid}(?:\\.slice)?$`);
const between = /(?:^|-)(?:burstable|besteffort)(?:\.slice)?$/;

/** Number and cgroup of the pod that a path belongs to; undefined: of none. */
export function podOf(path: string): { uid: string; cgroup: string } | undefined {
  const parts = path.split('/');
  const kubelet = parts.findIndex((part) => above.test(part));
  if (kubelet < 0) return undefined;
  const at = between.test(parts[kubelet + 1] ?? '') ? kubelet + 2 : kubelet + 1;
  const [, number] = pod.exec(parts[at] ?? '') ?? [];
  return number === undefined ? undefined : { uid: number.replaceAll('_', '-'), cgroup: parts.slice(0, at + 1).join('/') };
}

/** The kubelet's own is near the root. */
const deepest = 6;

const foldersIn = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // It went while somebody looked.
  }
};

/** Anything may lie in front of the kubelet's own, but not these. */
const isLeaf = (name: string): boolean => /\.(?:scope|service)$/.test(name);

/** Cgroups of pods below the v2 mount, by the number of the pod. Nothing below a pod is looked at. */
export function podCgroups(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const todo = [{ path: '', depth: 0 }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { path, depth } = next;
    for (const name of foldersIn(join(root, path))) {
      const here = `${path}/${name}`;
      const known = podOf(here);
      if (known) found.set(known.uid, known.cgroup);
      else if (depth < deepest && !isLeaf(name)) todo.push({ path: here, depth: depth + 1 });
    }
  }
  return found;
}
