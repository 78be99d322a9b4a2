import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const library = fileURLToPath(new URL('../../../scripts/lib/preflight.sh', import.meta.url));
const cgroup2 = '41 31 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n';
const hybrid = '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n';
const bpf = '50 31 0:40 / /sys/fs/bpf rw,nosuid shared:10 - bpf bpf rw,mode=700\n';

describe('the checks of a host', () => {
  let root: string;
  const put = (file: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text, { mode });
  };
  const command = (name: string, body: string): void => {
    rmSync(join(root, 'bin', name), { force: true });
    put(`bin/${name}`, `#!/bin/sh\n${body}\n`, 0o755);
  };

  /** A host that has everything: each test takes one thing away. */
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sidestep-host-'));
    command('id', 'echo 0');
    command('uname', '[ "$1" = -s ] && echo Linux || echo x86_64');
    command('node', 'echo 20.19.0');
    command('mount', 'exit 32');
    for (const tool of ['awk', 'grep', 'dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, join(root, 'bin', tool));
    put('include/node/node_api.h', '');
    put('sys/kernel/btf/vmlinux', '');
    put('proc/self/mountinfo', cgroup2 + bpf);
    put('proc/self/status', 'Name:\tbash\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const checks = 'btf cgroup bpffs capabilities node node_headers';
  function preflight(): { status: number | null; said: string[] } {
    const script = `set -euo pipefail; source '${library}'; preflight ${checks}`;
    // bash takes a socket as its standard input for a remote login, which reads rc files.
    const { status, stderr } = spawnSync('/bin/bash', ['--norc', '-c', script], {
      env: { PATH: join(root, 'bin'), PREFLIGHT_ROOT: root },
      encoding: 'utf8',
    });
    return { status, said: stderr.split('\n').filter((line) => line !== '') };
  }

  const refused = (pattern: RegExp): void => {
    const { status, said } = preflight();
    assert.equal(status, 1);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0]!, pattern);
  };

  it('a host that has everything passes in silence', () => {
    assert.deepEqual(preflight(), { status: 0, said: [] });
    put('proc/self/mountinfo', hybrid + bpf);
    assert.deepEqual(preflight(), { status: 0, said: [] });
  });

  it('somebody who is not root is told so and nothing else', () => {
    command('id', 'echo 1000');
    unlinkSync(join(root, 'sys/kernel/btf/vmlinux'));
    refused(/needs root; run it again with sudo/);
  });

  it('another system and another processor are refused', () => {
    command('uname', '[ "$1" = -s ] && echo Darwin || echo arm64');
    refused(/this is Darwin and Sidestep works on Linux only/);
    command('uname', '[ "$1" = -s ] && echo Linux || echo riscv64');
    refused(/this processor is riscv64/);
    command('uname', '[ "$1" = -s ] && echo Linux || echo aarch64');
    assert.equal(preflight().status, 0);
  });

  it('a kernel without BTF is refused', () => {
    unlinkSync(join(root, 'sys/kernel/btf/vmlinux'));
    refused(/CONFIG_DEBUG_INFO_BTF=y/);
  });

  it('a host with cgroup v1 only is refused', () => {
    put('proc/self/mountinfo', `40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup2 rw\n${bpf}`);
    refused(/no cgroup v2 hierarchy is mounted; run: mount/);
  });

  it('a BPF file system that is missing is mounted, and it is said', () => {
    put('proc/self/mountinfo', cgroup2 + bpf.replace('/sys/fs/bpf', '/elsewhere'));
    refused(/could not be mounted; run: mount -t bpf bpf \/sys\/fs\/bpf/);
    command('mount', `[ "$*" = "-t bpf bpf ${root}/sys/fs/bpf" ]`);
    const { status, said } = preflight();
    assert.equal(status, 0);
    assert.match(said.join(), /mounted a BPF file system on \/sys\/fs\/bpf/);
  });

  it('each capability that is missing is named, and no other', () => {
    const bits = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_PERFMON: 38n, CAP_BPF: 39n };
    for (const [name, bit] of Object.entries(bits)) {
      const effective = (0x1ffffffffffn & ~(1n << bit)).toString(16).padStart(16, '0');
      put('proc/self/status', `CapEff:\t${effective}\n`);
      refused(new RegExp(`lacks ${name};`));
    }
    put('proc/self/status', 'CapEff:\t0000000000000000\n');
    refused(/lacks CAP_NET_ADMIN CAP_SYS_ADMIN CAP_PERFMON CAP_BPF;/);
  });

  it('Node.js that is too old is refused, and newer is not', () => {
    command('node', 'echo 20.18.9');
    refused(/Node\.js 20\.18\.9 is too old; install version 20\.19 or newer/);
    for (const version of ['20.20.0', '22.0.0', '24.1.0']) {
      command('node', `echo ${version}`);
      assert.equal(preflight().status, 0, version);
    }
  });

  it('Node.js without its headers is refused, also behind a link', () => {
    mkdirSync(join(root, 'opt/node/bin'), { recursive: true });
    put('opt/node/bin/node', '#!/bin/sh\necho 20.19.0\n', 0o755);
    unlinkSync(join(root, 'bin/node'));
    symlinkSync('../opt/node/bin/node', join(root, 'bin/node'));
    refused(/headers of Node\.js are not in .*\/opt\/node\/include\/node/);
    put('opt/node/include/node/node_api.h', '');
    assert.equal(preflight().status, 0);
  });

  it('everything that is missing is said at once', () => {
    unlinkSync(join(root, 'sys/kernel/btf/vmlinux'));
    put('proc/self/mountinfo', '');
    command('node', 'echo 18.0.0');
    assert.equal(preflight().said.length, 4);
  });
});
