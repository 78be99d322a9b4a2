import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import type { Host } from '../../../agent/check/host.js';
import { preExitCode, preProviders } from '../../../agent/check/pre.js';
import { runChecks } from '../../../agent/check/run.js';
import { runtimeChecks } from '../../../agent/check/runtime.js';
import { info, pass, warn, type Check, type CheckProvider } from '../../../agent/check/types.js';
import { loadConfig } from '../../../config/load.js';
import { built } from '../../helpers/run.js';

const all = '000001ffffffffff';
const none = '0000000000000000';
const status = (effective: string, bounding: string, seccomp = '0'): string => `Name:\tx\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nSeccomp:\t${seccomp}\n`;
const mount = (point: string, type: string, options = 'rw'): string => `31 23 0:28 / ${point} ${options},relatime shared:9 - ${type} ${type} rw`;
const mounts = `${mount('/', 'ext4')}\n${mount('/sys/fs/cgroup', 'cgroup2')}\n${mount('/sys/fs/bpf', 'bpf')}`;

interface Fake { release?: string; files?: Record<string, string | undefined>; inodes?: Record<string, string>; pids?: string[]; owners?: CheckProvider | undefined }

const owners: CheckProvider = { group: 'hooks', run: () => [{ group: 'hooks', name: 'other owners', ...pass('none') }] };

/** A host that has everything: each test takes one thing away. */
async function check(fake: Fake = {}): Promise<Check[]> {
  const files: Record<string, string | undefined> = {
    '/proc/self/mountinfo': mounts, '/proc/1/mountinfo': mounts, '/proc/self/status': status(all, all), '/proc/self/uid_map': '         0          0 4294967295',
    '/proc/self/limits': 'Max locked memory         8388608              8388608              bytes', '/proc/filesystems': 'nodev\tbpf\n\text4',
    '/sys/kernel/security/lockdown': '[none] integrity confidentiality', '/proc/sys/net/core/bpf_jit_enable': '1',
    '/proc/sys/kernel/unprivileged_bpf_disabled': '2', ...fake.files,
  };
  const inodes: Record<string, string> = { '/sys/kernel/btf/vmlinux': '5', '/sys/fs/cgroup': '1', '/run/systemd/system': '9', '/proc/self/ns/pid': '4026531836', ...fake.inodes };
  const host: Host = {
    release: fake.release ?? '6.8.0', architecture: 'x64', read: (path) => files[path], list: (path) => (path === '/proc' ? [...(fake.pids ?? []), 'self'] : []),
    // What is built lies where this test runs.
    inode: (path) => inodes[path] ?? (/\.(bpf\.o|node)$/.test(path) ? '7' : undefined),
  };
  const list = preProviders('owners' in fake ? fake.owners : owners);
  return runChecks(list, { host, config: loadConfig({ env: {}, flags: {} }) });
}

/** Everything that is neither good nor neutral. */
const bad = (checks: Check[]): string[] => checks.filter(({ result }) => result === 'warn' || result === 'fail').map(({ name, result }) => `${name}: ${result}`);
const detail = (checks: Check[], wanted: string): string => checks.find(({ name }) => name === wanted)!.detail;

describe('check --pre', () => {
  it('of a host that has everything finds nothing, and each row says what was seen', async () => {
    const checks = await check();
    assert.deepEqual(bad(checks), []);
    assert.equal(preExitCode(checks), 0);
    assert.ok(checks.every(({ detail: seen }) => seen !== ''));
  });

  for (const [what, fake, rows] of [
    ['a kernel without BTF', { inodes: { '/sys/kernel/btf/vmlinux': undefined as never } }, ['types (BTF): fail']],
    ['a kernel that is older than any that was tested', { release: '5.15.0-91-generic' }, ['age: warn']],
    ['a kernel in lockdown', { files: { '/sys/kernel/security/lockdown': 'none integrity [confidentiality]' } }, ['lockdown: fail']],
    ['lockdown for integrity, which forbids nothing that is needed', { files: { '/sys/kernel/security/lockdown': 'none [integrity] confidentiality' } }, []],
    ['cgroup v1 alone', { files: { '/proc/self/mountinfo': `${mount('/sys/fs/cgroup/cpu', 'cgroup')}\n${mount('/sys/fs/bpf', 'bpf')}` } }, ['v2 hierarchy: fail']],
    ['cgroups that are read-only', { files: { '/proc/self/mountinfo': mounts.replace('cgroup rw', 'cgroup ro') } }, ['delegated: warn']],
    ['no BPF file system, on a kernel that has it', { files: { '/proc/self/mountinfo': mounts.replace(/.*bpf.*/, '') } }, ['bpf.pinPath: warn']],
    ['no BPF file system, on a kernel that has none', { files: { '/proc/self/mountinfo': mounts.replace(/.*bpf.*/, ''), '/proc/filesystems': '\text4' } }, ['bpf.pinPath: fail']],
    ['programs that are interpreted', { files: { '/proc/sys/net/core/bpf_jit_enable': '0' } }, ['net.core.bpf_jit_enable: warn']],
    ['a filter of seccomp', { files: { '/proc/self/status': status(all, all, '2') } }, ['seccomp: warn']],
    ['a process namespace of its own', { inodes: { '/proc/self/ns/pid': '4026532999', '/.dockerenv': '3' } }, ['container or host: warn']],
    ['a container in the namespace of the host', { inodes: { '/.dockerenv': '3' } }, []],
    ['a user namespace', { files: { '/proc/self/uid_map': '0 100000 65536' } }, ['users: fail']],
    ['a kernel that counts locked memory', { release: '5.10.0' }, ['age: warn', 'locked memory: warn']],
    ['Cilium beside it', { pids: ['1', '77'], files: { '/proc/1/comm': 'systemd', '/proc/77/comm': 'cilium-agent' } }, ['cilium-agent: warn']],
    ['another owner of a hook', { owners: { group: 'hooks', run: () => [{ group: 'hooks', name: 'bpf_redir (id 3)', ...warn('sk_msg', 'x') }] } }, ['bpf_redir (id 3): warn']],
  ] as const satisfies readonly (readonly [string, Fake, readonly string[]])[])
    it(`finds ${what}`, async () => {
      const checks = await check(fake);
      assert.deepEqual(bad(checks), rows);
      assert.ok(checks.filter(({ result }) => result === 'warn' || result === 'fail').every(({ remedy }) => remedy !== ''), 'each says what to do');
      assert.equal(preExitCode(checks), rows.some((row) => row.endsWith('fail')) ? 2 : rows.length > 0 ? 1 : 0);
    });

  const capabilities = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON', 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE'];

  it('of an ordinary user names each capability that root would have, and what cannot be seen', async () => {
    const checks = await check({ files: { '/proc/self/status': status(none, all) } });
    assert.deepEqual(bad(checks), capabilities.map((name) => `${name}: warn`));
    assert.match(detail(checks, 'other owners'), /could not see .* as root/);
    assert.equal(preExitCode(checks), 1);
  });

  it('of a container that was given none is a failure', async () => {
    const checks = await check({ files: { '/proc/self/status': status(none, none) } });
    assert.deepEqual(bad(checks), ['CAP_BPF: fail', 'CAP_NET_ADMIN: fail', 'CAP_PERFMON: fail', 'CAP_SYS_ADMIN: warn', 'CAP_SYS_PTRACE: warn']);
  });

  it('without the addon says that owners could not be seen', async () => {
    const checks = await check({ owners: undefined });
    assert.match(detail(checks, 'other owners'), /the addon is not built yet/);
    assert.deepEqual(bad(checks), []);
  });

  it('Node.js must be new enough; a compiler need not be there', async () => {
    const of = async (version: string): Promise<string[]> =>
      (await runChecks([runtimeChecks(version)], { config: loadConfig({ env: {}, flags: {} }), host: { release: '', architecture: '', read: () => undefined, inode: () => '1', list: () => [] } }))
        .map(({ name, result }) => `${name}: ${result}`);
    assert.deepEqual(await of('20.18.9'), ['Node.js: fail', 'compiled parts: pass', 'clang: info']);
    assert.deepEqual((await of('20.19.0'))[0], 'Node.js: pass');
    assert.deepEqual((await of('22.1.0'))[0], 'Node.js: pass');
  });

  it('what could not be seen is neutral', () => {
    assert.equal(preExitCode([{ group: 'x', name: 'y', ...info('z') }]), 0);
  });

  const ask = (...command: string[]): { status: number | null; checks: Check[] } => {
    const { status: code, stdout } = spawnSync(command[0]!, [...command.slice(1), process.execPath, built('agent/cli/main.js'), 'check', '--pre', '-o', 'json'], { encoding: 'utf8' });
    return { status: code, checks: (JSON.parse(stdout) as { checks: Check[] }).checks };
  };

  it('on this host: the exit code fits, and no line is empty', () => {
    const { status: code, checks } = ask('/usr/bin/env');
    assert.equal(code, preExitCode(checks));
    assert.ok(checks.length > 20, String(checks.length));
    assert.ok(checks.every(({ detail: seen }) => seen !== ''));
    assert.equal(checks.find(({ name }) => name === 'release')!.detail, `Linux ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()}`);
  });

  it('on this host without any capability: it goes on, and says what it lacks', () => {
    const { status: code, checks } = ask('setpriv', '--securebits=+noroot', '--inh-caps=-all');
    assert.equal(code, preExitCode(checks));
    assert.deepEqual(bad(checks).filter((row) => row.startsWith('CAP_')), capabilities.map((name) => `${name}: warn`));
    assert.equal(checks.find(({ name }) => name === 'other owners')!.result, 'info');
  });

  it('not together with --quick, which asks something else', () => {
    const { status: code, stderr } = spawnSync(process.execPath, [built('agent/cli/main.js'), 'check', '--pre', '--quick'], { encoding: 'utf8' });
    assert.equal(code, 2);
    assert.match(stderr, /^sidestep: .*cannot be used with/);
  });
});
