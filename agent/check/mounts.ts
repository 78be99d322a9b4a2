/** /proc/<pid>/mountinfo: what is mounted where. */

export interface Mount {
  /** Of the file system, as major:minor: two mounts of one file system have the same. */
  readonly device: string;
  /** Directory of the file system that is shown, as this namespace names it. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly readOnly: boolean;
}

// Spaces and the like are written as octal escapes.
const unescape = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after] = line.split(' - ');
    const [, , device, root, point, options = ''] = before.split(' ');
    const type = after?.split(' ')[0];
    return device === undefined || root === undefined || point === undefined || type === undefined
      ? []
      : [{ device, root: unescape(root), point: unescape(point), type, readOnly: options.split(',').includes('ro') }];
  });
}

/** The mount that a path is on: the deepest one, and of two at one place the later one, which covers the other. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const holds = ({ point }: Mount): boolean => point === '/' || path === point || path.startsWith(`${point}/`);
  return mounts.filter(holds).reduce<Mount | undefined>(
    (best, mount) => (best && best.point.length > mount.point.length ? best : mount),
    undefined,
  );
}
