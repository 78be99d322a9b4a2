/**
 * Where a workload runs: the path of its cgroup, with what is made anew for each run left out. A service of systemd
 * keeps its path; of pods, containers and sessions only the kind is left, marked with a star.
 */

const volatile: readonly [RegExp, string][] = [
  // The uid of a pod, also as systemd writes it; ids of containers.
  [/[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}/g, '*'],
  [/[0-9a-f]{12,}/g, '*'],
  [/(^|\/)session-[^/]+\.scope/g, '$1session-*.scope'],
  [/(^|\/)run-[^/]+\.(scope|service)/g, '$1run-*.$2'],
  [/-\d+\.scope/g, '-*.scope'],
];

export function placeOf(cgroupPath: string): string {
  return volatile.reduce((path, [pattern, kind]) => path.replace(pattern, kind), cgroupPath);
}
