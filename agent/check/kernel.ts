import { fail, info, pass, warn, type CheckProvider } from './types.js';

const group = 'kernel';

/** The release only explains: what the kernel can do is found out by trying, in other groups. */
export const kernelChecks: CheckProvider = {
  group,
  run({ host }) {
    const known = host.architecture === 'x64' || host.architecture === 'arm64';
    return [
      { group, name: 'release', ...pass(`Linux ${host.release}`) },
      {
        group,
        name: 'architecture',
        ...(known ? pass(host.architecture) : fail(host.architecture, 'Use a machine with an x86-64 or arm64 processor.')),
      },
      {
        group,
        name: 'types (BTF)',
        ...(host.inode('/sys/kernel/btf/vmlinux') !== undefined
          ? pass('/sys/kernel/btf/vmlinux')
          : fail('/sys/kernel/btf/vmlinux is missing', 'Use a kernel built with CONFIG_DEBUG_INFO_BTF=y.')),
      },
    ];
  },
};

const sysctl = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

export const sysctlChecks: CheckProvider = {
  group: 'sysctl',
  run({ host }) {
    const one = (name: string, judge: (value: string) => ReturnType<typeof pass>) => {
      const value = host.read(sysctl(name));
      const verdict = value === undefined ? info('not in this kernel') : judge(value);
      return { group: 'sysctl', name, ...verdict };
    };
    return [
      one('net.core.bpf_jit_enable', (value) =>
        value === '0' ? warn('0: programs are interpreted, which is slow', 'sysctl -w net.core.bpf_jit_enable=1') : pass(value)),
      one('kernel.unprivileged_bpf_disabled', (value) =>
        value === '0'
          ? warn('0: any user may load programs; Sidestep does not need that', 'sysctl -w kernel.unprivileged_bpf_disabled=2')
          : pass(value)),
      one('net.mptcp.enabled', (value) =>
        pass(value === '0' ? '0' : `${value}: sockets that ask for Multipath TCP stay on it and are not accelerated`)),
    ];
  },
};
