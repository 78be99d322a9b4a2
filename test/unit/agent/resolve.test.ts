import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import { fakeEndpoint, fakePair } from '../../../agent/datapath/fake.js';
import { CgroupNames } from '../../../agent/pairs/cgroups.js';
import { socketInode } from '../../../agent/pairs/proc.js';
import { Resolver } from '../../../agent/pairs/resolve.js';
import { folder } from '../../helpers/folder.js';

const unknown = (inode: string) => fakeEndpoint({ pid: 0, comm: '', inode });

describe('resolve', () => {
  let proc: string;

  const addProcess = (pid: number, comm: string, inodes: readonly string[]): void => {
    mkdirSync(join(proc, String(pid), 'fd'), { recursive: true });
    writeFileSync(join(proc, String(pid), 'comm'), `${comm}\n`);
    symlinkSync(`/usr/bin/${comm}`, join(proc, String(pid), 'exe'));
    symlinkSync('/dev/null', join(proc, String(pid), 'fd', '0'));
    inodes.forEach((inode, fd) => { symlinkSync(`socket:[${inode}]`, join(proc, String(pid), 'fd', String(fd + 3))); });
  };

  beforeEach(() => {
    proc = folder();
    mkdirSync(join(proc, 'sys'));
    addProcess(10, 'nginx', ['1', '77']);
    addProcess(9, 'master', ['77']);
    mkdirSync(join(proc, '11'));
  });

  const resolver = (): Resolver => new Resolver({ proc, cgroupRoot: '/nonexistent', retryMs: 10_000 });

  it('finds a process by the inode of its socket; a shared socket belongs to the first', async () => {
    const [pair] = await resolver().resolve([fakePair({ client: unknown('1'), server: unknown('77') })]);
    assert.deepEqual([pair!.client.pid, pair!.client.comm, pair!.client.executable], [10, 'nginx', '/usr/bin/nginx']);
    assert.deepEqual([pair!.server.pid, pair!.server.comm], [9, 'master']);
  });

  it('believes the kernel where it knows', async () => {
    const [pair] = await resolver().resolve([fakePair({ client: fakeEndpoint({ inode: '1' }) })]);
    assert.deepEqual([pair!.client.pid, pair!.client.comm], [100, 'client']);
  });

  it('leaves unknown what nobody holds, and what is not accepted yet', async () => {
    const [pair] = await resolver().resolve([fakePair({ client: unknown('5'), server: unknown('0') })]);
    assert.deepEqual([pair!.client.pid, pair!.server.pid, pair!.client.comm], [0, 0, '']);
  });

  it('remembers while the connection lives, and forgets afterwards', async () => {
    const cached = resolver();
    await cached.resolve([fakePair({ client: unknown('1') })]);
    rmSync(join(proc, '10'), { recursive: true });
    const [still] = await cached.resolve([fakePair({ client: unknown('1') })]);
    assert.equal(still!.client.pid, 10);
    await cached.resolve([]);
    const [gone] = await cached.resolve([fakePair({ client: unknown('1') })]);
    assert.equal(gone!.client.pid, 0);
  });

  it('gives up at its time limit', async () => {
    addProcess(5, 'many', Array.from({ length: 600 }, (_, i) => String(10_000 + i)));
    const [pair] = await new Resolver({ proc, cgroupRoot: '/nonexistent', limitMs: 0 }).resolve([fakePair({ client: unknown('1') })]);
    assert.equal(pair!.client.pid, 0);
  });

  it('reads links of sockets only', () => {
    assert.deepEqual([socketInode('socket:[12]'), socketInode('pipe:[12]'), socketInode('/socket:[12]')], ['12', undefined, undefined]);
  });
});

describe('cgroup names', () => {
  it('are found by inode, and looked for again only now and then', () => {
    const root = folder();
    const inode = (path: string): string => String(statSync(join(root, path)).ino);
    mkdirSync(join(root, 'system.slice/redis.service'), { recursive: true });
    let now = 0;
    const names = new CgroupNames(root, 5000, () => now);
    assert.equal(names.pathOf(inode('system.slice/redis.service')), '/system.slice/redis.service');
    assert.equal(names.pathOf(inode('.')), '/');
    mkdirSync(join(root, 'new'));
    assert.equal(names.pathOf(inode('new')), '');
    now = 5000;
    assert.equal(names.pathOf(inode('new')), '/new');
  });
});
