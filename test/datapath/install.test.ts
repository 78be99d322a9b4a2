// SPDX-License-Identifier: Apache-2.0
// An installation on a plain host: its files, the agent from them under exactly the unit's capabilities, and its removal.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { folder } from '../helpers/folder.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withNetns } from '../helpers/pods.js';
import { Program, startPython } from '../helpers/program.js';
import { onGround, type Ground } from '../helpers/real-agent.js';

const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));
const UNIT = readFileSync(script('systemd/sidestep.service'), 'utf8');
const CAPABILITIES = /^CapabilityBoundingSet=(.*)$/m.exec(UNIT)![1]!.split(' ').map((name) => name.replace('CAP_', '').toLowerCase());

const run = (name: string, destination: string, ...args: string[]): string =>
  execFileSync(script(name), args, { encoding: 'utf8', env: { ...process.env, DESTDIR: destination }, stdio: ['ignore', 'pipe', 'pipe'] });

const files = (dir: string): string[] => readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => !statSync(join(dir, name)).isDirectory()).sort();

/** As the unit starts it: in a cgroup of its own, as root, but with these capabilities only, and no way to more. */
function started(ground: Ground, destination: string, capabilities: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const cgroup = join(ground.cgroup, 'agent');
  mkdirSync(cgroup);
  const bounds = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const command = ['setpriv', `--bounding-set=${bounds}`, '--no-new-privs', process.execPath, join(destination, 'usr/lib/sidestep/bin/sidestep'),
    '--config', join(destination, 'etc/sidestep/config.yaml'), '--run-dir', ground.runDir, 'agent', ...ground.flags];
  return new Program(command, { cgroup, env });
}

async function talk(actor: Program): Promise<void> {
  for (const line of ['send c 1000', 'read s', 'send s 1000', 'read c']) {
    actor.say(line);
    await actor.next();
  }
}

describe('an installation', () => {
  let destination: string;
  before(function install() {
    this.timeout(120_000);
    destination = mkdtempSync(join(tmpdir(), 'ss-install-'));
    run('install', destination);
  });
  after(() => { rmSync(destination, { recursive: true }); });

  it('is complete and goes without a trace; the configuration only when asked', () => {
    for (const file of ['usr/lib/sidestep/bin/sidestep', 'usr/lib/sidestep/monitoring/rules.yaml', 'usr/lib/sidestep/monitoring/overview.json', 'etc/sidestep/config.yaml', 'etc/systemd/system/sidestep.service']) assert.ok(existsSync(join(destination, file)), file);
    execFileSync(join(destination, 'usr/bin/sidestep'), ['config', 'validate', join(destination, 'etc/sidestep/config.yaml')], { stdio: 'pipe' });
    const installed = files(destination);
    run('install', destination);
    assert.deepEqual(files(destination), installed, 'twice is once');
    assert.equal(installed.some((file) => /node_modules\/(mocha|typescript)\//.test(file)), false, 'no package for development');
    const other = folder();
    run('install', other);
    run('uninstall', other);
    assert.deepEqual(files(other), ['etc/sidestep/config.yaml']);
    run('uninstall', other, '--purge');
    assert.deepEqual(files(other), []);
  }).timeout(120_000);

  it('has a unit that systemd understands', () => {
    const unit = join(destination, 'etc/systemd/system/sidestep.service');
    assert.match(readFileSync(unit, 'utf8'), /^ExecStart=\/\S*node /m);
    // Elsewhere the file that is to be started is not there.
    const said = execFileSync('systemd-analyze', ['verify', unit], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(said, '');
  });

  it('its agent does all of its work with the capabilities of the unit, and tells the service manager', () => onGround((ground) => withNetns(async (netns) => {
    const before = bpfObjects();
    const socket = join(folder(), 'notify');
    const manager = startPython('notify_socket.py', { path: socket }, {});
    await manager.next();
    const actors = [ground.program('actor.py'), startPython('actor.py', {}, { cgroup: ground.cgroup, netns })];
    for (const actor of actors) await actor.next();
    const agent = started(ground, destination, CAPABILITIES, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' });
    const silence = agent.lastWords().then((words) => assert.fail(`the agent ended: ${words}`));
    silence.catch(() => undefined);
    const heard = async (): Promise<string[]> => (await Promise.race([manager.next(), silence]))['said'] as string[];
    try {
      const ready = await heard();
      assert.deepEqual(ready, ['READY=1', 'STATUS=serving', `MAINPID=${agent.pid}`]);
      await eventually(async () => {
        for (const actor of actors) await talk(actor);
        const states = ground.pairs().map(({ state }) => state);
        return states.filter((state) => state === 'active').length === 2 ? '' : states.join(' ');
      }, 8000);
      assert.deepEqual(ground.pairs().map(({ client }) => client.comm), ['python3', 'python3'].map(() => ground.pairs()[0]!.client.comm));
      assert.deepEqual(await heard(), ['WATCHDOG=1']);
      agent.child.kill('SIGHUP');
      const told: string[] = [];
      while (!told.some((word) => word.startsWith('RELOADING'))) told.push(...await heard());
      const { code, stdout } = ground.cli('retire', '--all', '--uninstall');
      assert.equal(code, 0, stdout);
      while (!told.includes('STOPPING=1')) told.push(...(await manager.next())['said'] as string[]);
      assert.match(await agent.lastWords(), /^0 /);
      await noneSince(before);
      for (const actor of actors) await talk(actor);
    } finally {
      for (const program of [agent, manager, ...actors]) await program.kill();
    }
  }))).timeout(60_000);

  it('three capabilities are enough for what is in its own network namespace', () => withNetns(() => onGround(async (ground) => {
    const agent = started(ground, destination, ['bpf', 'perfmon', 'net_admin']);
    const actor = ground.program('actor.py');
    try {
      await actor.next();
      await eventually(() => (ground.cli('status').code === 0 ? '' : ground.cli('status').stdout + ground.cli('status').stderr), 10_000);
      await eventually(async () => {
        await talk(actor);
        return ground.pairs()[0]?.state === 'active' ? '' : JSON.stringify(ground.pairs());
      }, 8000);
      assert.equal(ground.cli('retire', '--all', '--uninstall').code, 0);
      const words = await agent.lastWords();
      assert.match(words, /^0 /);
      assert.doesNotMatch(words, /could not be/);
    } finally {
      await agent.kill();
    }
  }))).timeout(40_000);

  it('without CAP_NET_ADMIN it says so and leaves nothing', () => onGround(async (ground) => {
    const agent = started(ground, destination, CAPABILITIES.filter((name) => name !== 'net_admin'));
    assert.match(await agent.lastWords(), /^1 .*CAP_NET_ADMIN/s);
    assert.equal(existsSync(ground.pins), false);
  }));
});
