/** Names of the system calls that take bytes out of a socket, by their numbers on this machine. */
const x64: Readonly<Record<number, string>> = {
  0: 'read', 19: 'readv', 40: 'sendfile', 45: 'recvfrom', 47: 'recvmsg', 55: 'getsockopt', 275: 'splice', 276: 'tee',
  299: 'recvmmsg', 327: 'preadv2', 426: 'io_uring_enter',
};
const arm64: Readonly<Record<number, string>> = {
  63: 'read', 65: 'readv', 71: 'sendfile', 76: 'splice', 77: 'tee', 207: 'recvfrom', 209: 'getsockopt', 212: 'recvmsg',
  243: 'recvmmsg', 286: 'preadv2', 426: 'io_uring_enter',
};

export function callName(number: number, arch: string = process.arch): string {
  return (arch === 'arm64' ? arm64 : x64)[number] ?? `system call ${String(number)}`;
}
