import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'mocha';
import { Identifier, type Executable } from '../../../agent/guard/identify.js';
import { folder } from '../../helpers/folder.js';

describe('a process of this host', () => {
  let child: ChildProcess | undefined;
  afterEach(() => { child?.kill('SIGKILL'); });

  it('is identified by its build, wherever its file has gone', async () => {
    const path = join(folder(), 'sleeper');
    copyFileSync('/bin/sleep', path);
    child = spawn(path, ['60'], { stdio: 'ignore' });
    await sleep(100);
    const identifier = new Identifier();
    const expected = /Build ID: ([0-9a-f]+)/.exec(execFileSync('readelf', ['-n', '/bin/sleep'], { encoding: 'utf8' }))?.[1];
    const open = async (pid: number, by = identifier): Promise<Executable | undefined> => {
      const opened = by.open(pid);
      return opened && by.identify(opened);
    };
    const [running, onDisk] = [await open(child.pid!), await identifier.at('/bin/sleep')];
    assert.equal(running?.program, `buildid:${expected!}`);
    assert.equal(onDisk?.program, running.program);
    execFileSync('rm', [path]);
    assert.deepEqual((await open(child.pid!, new Identifier()))?.path, path);
    const place = identifier.place(child.pid!);
    assert.ok(readFileSync('/proc/self/cgroup', 'utf8').includes('0::') ? place.startsWith('/') : place === '');
    assert.equal(await open(2 ** 22), undefined);
  });
});

describe('a program without a build id', () => {
  it('is known by what is in its file', async () => {
    const [one, same, other] = ['a', 'b', 'c'].map((name) => join(folder(), name)) as [string, string, string];
    for (const [path, text] of [[one, 'x'], [same, 'x'], [other, 'y']] as const) writeFileSync(path, text.repeat(3_000_000));
    const identifier = new Identifier();
    const [a, b, c] = [await identifier.at(one), await identifier.at(same), await identifier.at(other)];
    assert.match(a?.program ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.equal(b?.program, a?.program);
    assert.notEqual(c?.program, a?.program);
    for (const path of ['/nonexistent', '/', '/dev/null', '/dev/zero']) assert.equal(await identifier.at(path), undefined, path);
  });
});

describe('what an interpreter runs', () => {
  const runs = (args: readonly string[]): Promise<string | undefined> => {
    const proc = folder();
    const here = join(proc, '5');
    mkdirSync(here);
    symlinkSync('/', join(here, 'root'));
    symlinkSync('/usr', join(here, 'cwd'));
    writeFileSync(join(here, 'cmdline'), ['node', ...args].join('\0'));
    return new Identifier(proc).script(5);
  };

  it('is known by every file that the command line names, wherever the process stands', async () => {
    const file = join(folder(), 'main.js');
    writeFileSync(file, 'a');
    const [absolute, again] = [await runs([file]), await runs([file])];
    assert.match(absolute ?? '', /^[0-9a-f]{64}$/);
    assert.equal(again, absolute);
    assert.match((await runs(['bin/env'])) ?? '', /^[0-9a-f]{64}$/);
    const [first, then] = [await runs([file, '/etc/passwd']), await runs([file, '/etc/group'])];
    assert.ok(first !== undefined && then !== undefined && first !== then);
    writeFileSync(file, 'b');
    assert.notEqual(await runs([file]), absolute);
  });

  it('is not known when there is too much of it', async () => {
    const file = join(folder(), 'big');
    writeFileSync(file, '');
    execFileSync('truncate', ['-s', '65M', file]);
    assert.equal(await runs([file]), undefined);
  });
});
