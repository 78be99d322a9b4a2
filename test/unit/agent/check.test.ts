import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bpffsChecks } from '../../../agent/check/bpffs.js';
import { capabilityChecks } from '../../../agent/check/capabilities.js';
import { cgroupChecks } from '../../../agent/check/cgroup.js';
import type { Host } from '../../../agent/check/host.js';
import { kernelChecks, sysctlChecks } from '../../../agent/check/kernel.js';
import { mountOf, parseMounts } from '../../../agent/check/mounts.js';
import { runChecks } from '../../../agent/check/run.js';
import { info, type Check, type CheckProvider } from '../../../agent/check/types.js';
import { loadConfig } from '../../../config/load.js';

interface Seen { files?: Record<string, string>; inodes?: Record<string, string>; architecture?: string; flags?: Record<string, string> }

const run = async (provider: CheckProvider, { files = {}, inodes = {}, architecture = 'x64', flags = {} }: Seen): Promise<Check[]> => {
  const host: Host = { release: '6.8.0', architecture, read: (path) => files[path], inode: (path) => inodes[path], list: () => [] };
  return runChecks([provider], { host, config: loadConfig({ env: {}, flags }) });
};
const results = (checks: Check[]): string[] => checks.map(({ name, result }) => `${name}: ${result}`);

const mount = (point: string, type: string, root = '/'): string => `31 23 0:28 ${root} ${point} rw,relatime shared:9 - ${type} ${type} rw`;
const v2 = mount('/sys/fs/cgroup', 'cgroup2');
const bpf = mount('/sys/fs/bpf', 'bpf');

describe('mounts', () => {
  it('are read with their escapes, and the deepest and latest one holds a path', () => {
    const mounts = parseMounts([mount('/', 'ext4'), mount('/a\\040b', 'tmpfs'), mount('/a\\040b', 'bpf'), 'nonsense', ''].join('\n'));
    assert.equal(mounts.length, 3);
    assert.equal(mountOf(mounts, '/a b/c')!.type, 'bpf');
    assert.equal(mountOf(mounts, '/a bc')!.type, 'ext4');
  });
});

describe('check', () => {
  it('kernel: BTF and architecture', async () => {
    assert.deepEqual(results(await run(kernelChecks, { inodes: { '/sys/kernel/btf/vmlinux': '5' } })),
      ['release: pass', 'architecture: pass', 'types (BTF): pass']);
    assert.deepEqual(results(await run(kernelChecks, { architecture: 'riscv64' })),
      ['release: pass', 'architecture: fail', 'types (BTF): fail']);
  });

  const self = '/proc/self/mountinfo';
  const rootInode = { '/sys/fs/cgroup': '1' };

  it('cgroup: good on v2, and beside v1', async () => {
    assert.deepEqual(results(await run(cgroupChecks, { files: { [self]: v2 }, inodes: rootInode })), ['v2 hierarchy: pass', 'root of the host: pass']);
    const hybrid = [mount('/sys/fs/cgroup/cpu', 'cgroup'), mount('/sys/fs/cgroup/unified', 'cgroup2')].join('\n');
    const [first] = await run(cgroupChecks, { files: { [self]: hybrid }, inodes: { '/sys/fs/cgroup/unified': '1' } });
    assert.match(first!.detail, /unified, beside 1 hierarchies of v1 \(hybrid host\)/);
  });

  it('cgroup: no v2 is a failure that says what is there', async () => {
    const [first] = await run(cgroupChecks, { files: { [self]: mount('/sys/fs/cgroup/cpu', 'cgroup') } });
    assert.deepEqual([first!.result, first!.detail], ['fail', 'not mounted; cgroup v1 is (1 hierarchies)']);
  });

  it('cgroup: a private namespace is found by the inode of its root (h-private-cgroup-namespace)', async () => {
    const seen = { files: { [self]: v2, '/proc/1/cgroup': '0::/', '/proc/self/cgroup': '0::/' }, inodes: { '/sys/fs/cgroup': '4711' } };
    assert.deepEqual(results(await run(cgroupChecks, seen)), ['v2 hierarchy: pass', 'root of the host: fail']);
  });

  it('cgroup: a namespace of its own with the mount of the host is good, and said', async () => {
    const seen = { files: { [self]: v2, '/proc/1/cgroup': '0::/../../init.scope' }, inodes: rootInode };
    const checks = await run(cgroupChecks, seen);
    assert.deepEqual(results(checks), ['v2 hierarchy: pass', 'root of the host: pass']);
    assert.match(checks[1]!.detail, /a cgroup namespace of its own/);
  });

  it('cgroup: a configured path must be on v2', async () => {
    const flags = { 'cgroup.path': '/mnt/x' };
    const inodes = { '/mnt/x': '9' };
    const at = async (type: string) => results(await run(cgroupChecks, { flags, inodes, files: { [self]: `${v2}\n${mount('/mnt', type)}` } }))[1];
    assert.deepEqual([await at('cgroup2'), await at('ext4')], ['cgroup.path: pass', 'cgroup.path: fail']);
    assert.equal(results(await run(cgroupChecks, { flags, files: { [self]: v2 } }))[1], 'cgroup.path: fail');
  });

  it('bpffs: pins must be on one, and it must be the host’s (h-bpffs-missing-on-host)', async () => {
    const at = async (mine: string, host: string) =>
      results(await run(bpffsChecks, { files: { [self]: mine, '/proc/1/mountinfo': host } }))[0];
    assert.equal(await at(bpf, bpf), 'bpf.pinPath: pass');
    assert.equal(await at(mount('/', 'ext4'), bpf), 'bpf.pinPath: fail');
    assert.equal(await at(bpf, mount('/', 'ext4')), 'bpf.pinPath: warn');
    assert.equal(await at(bpf.replace('0:28', '0:99'), bpf), 'bpf.pinPath: warn');
  });

  it('capabilities: names those that are missing', async () => {
    const having = async (mask: string) =>
      (await run(capabilityChecks, { files: { '/proc/self/status': `Name:\tx\nCapEff:\t${mask}\n` } }))
        .filter(({ result }) => result !== 'pass').map(({ name, result }) => `${name} ${result}`);
    assert.deepEqual(await having('000001ffffffffff'), []);
    assert.deepEqual(await having('000000c000001000'), ['CAP_SYS_ADMIN warn', 'CAP_SYS_PTRACE warn']);
    assert.deepEqual((await having('0000000000000000')).slice(0, 3), ['CAP_BPF fail', 'CAP_NET_ADMIN fail', 'CAP_PERFMON fail']);
    assert.deepEqual(await having('0000000000200000'), ['CAP_NET_ADMIN fail', 'CAP_SYS_PTRACE warn']);
  });

  it('sysctl: warns of an interpreter and of unprivileged loading', async () => {
    const files = { '/proc/sys/net/core/bpf_jit_enable': '0', '/proc/sys/kernel/unprivileged_bpf_disabled': '0' };
    assert.deepEqual(results(await run(sysctlChecks, { files })),
      ['net.core.bpf_jit_enable: warn', 'kernel.unprivileged_bpf_disabled: warn', 'net.mptcp.enabled: info']);
  });

  it('what is neither good nor bad asks for nothing', () => {
    assert.deepEqual(info('not needed'), { result: 'info', detail: 'not needed', remedy: '' });
  });

  it('a provider that throws is one failed check', async () => {
    const broken: CheckProvider = { group: 'x', run: () => { throw new Error('boom'); } };
    assert.deepEqual(results(await run(broken, {})), ['could not check: fail']);
  });
});
