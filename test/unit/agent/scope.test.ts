import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { FakeDatapath, fakePair } from '../../../agent/datapath/fake.js';
import { resolveRule } from '../../../agent/scope/resolve.js';
import { rulesOf } from '../../../agent/scope/rules.js';
import { Scope } from '../../../agent/scope/scope.js';
import { loadConfig, type Config } from '../../../config/load.js';
import { folder } from '../../helpers/folder.js';
import { keptLog } from '../../helpers/log.js';

const configOf = (flags: Record<string, string>): Config => loadConfig({ env: {}, flags });

function scoped(flags: Record<string, string> = {}): { scope: Scope; datapath: FakeDatapath; runDir: string; lines: { msg: string }[]; again: () => Scope } {
  const runDir = folder();
  const { log, lines } = keptLog();
  const config = configOf({ runDir, ...flags });
  const make = (): Scope => new Scope(config, { cgroupRoot: runDir }, log);
  const scope = make();
  const datapath = new FakeDatapath();
  scope.start(datapath);
  return { scope, datapath, runDir, lines: lines, again: make };
}

describe('scope', () => {
  it('rules keep their order and know where they came from; what was switched by hand comes first', () => {
    const config = configOf({ 'scope.exclude': 'port:1', 'scope.include': 'port:2', 'guard.trust': 'port:3', 'guard.allowBlocking': 'port:4' });
    assert.deepEqual(rulesOf(config, ['port:5']).map(({ effect, text, origin }) => [effect, text, origin]), [
      ['exclude', 'port:5', 'sidestep disable'], ['exclude', 'port:1', 'flag --scope-exclude'], ['include', 'port:2', 'flag --scope-include'],
      ['trust', 'port:3', 'flag --guard-trust'], ['blocking', 'port:4', 'flag --guard-allow-blocking'],
    ]);
  });

  it('names become numbers, and one that is not there matches nothing', () => {
    const root = folder();
    mkdirSync(join(root, 'app.slice'));
    writeFileSync(join(root, 'passwd'), 'root:x:0:0::/:\napp:x:1234:5::/:\n');
    const resolve = (text: string): ReturnType<typeof resolveRule> => {
      const [rule] = rulesOf(configOf({ 'scope.exclude': text }), []);
      return resolveRule(rule!, { cgroupRoot: root, passwd: join(root, 'passwd') });
    };
    const { ino, dev } = statSync(root, { bigint: true });
    assert.deepEqual(resolve(`exe:${root}`), { rule: { effect: 'exclude', executable: { inode: ino, device: dev } }, absent: [] });
    assert.deepEqual(resolve('cgroup:/app.slice').rule.cgroup, statSync(join(root, 'app.slice'), { bigint: true }).ino);
    assert.equal(resolve('user:app').rule.user, 1234);
    assert.equal(resolve('user:77').rule.user, 77);
    for (const text of ['exe:/nonexistent', 'cgroup:/nonexistent', 'user:nobody-here']) assert.deepEqual(resolve(text).absent, [text]);
    assert.equal(resolve('user:nobody-here').rule.user, 2 ** 32 - 1);
  });

  it('a switch is applied, kept for the next agent, and undone', () => {
    const { scope, datapath, runDir, again } = scoped();
    scope.disable('port:1');
    scope.disable('port:1');
    assert.deepEqual(datapath.calls, ['scope exclude']);
    assert.deepEqual(again().switches, { all: false, disabled: ['port:1'] });
    scope.disable(undefined);
    assert.equal(datapath.state.enabled, false);
    assert.deepEqual([again().standing.enabled, again().standing.rules.length], [false, 1]);
    scope.enable('port:1');
    assert.throws(() => { scope.enable('port:1'); }, /port:1 is not disabled/);
    scope.enable(undefined);
    assert.deepEqual([datapath.state.enabled, datapath.rules], [true, []]);
    assert.throws(() => readFileSync(join(runDir, 'switches.json')), /ENOENT/);
    scope.stop();
  });

  it('a change that the kernel refuses leaves everything as it was', () => {
    const { scope, datapath } = scoped({ 'scope.exclude': 'port:1' });
    datapath.applyScope = () => { throw new Error('refused'); };
    assert.throws(() => { scope.configure(configOf({ 'scope.exclude': 'port:2' })); }, /refused/);
    assert.deepEqual(scope.rules().map(({ text }) => text), ['port:1']);
    scope.stop();
  });

  it('a file of switches that makes no sense is said and counts as none', () => {
    const { runDir, lines, again } = scoped();
    for (const text of ['', '{', '[]', '{"version":2,"all":true,"disabled":[]}', '{"version":1,"all":true,"disabled":["x"]}']) {
      writeFileSync(join(runDir, 'switches.json'), text);
      const before = lines.length;
      assert.deepEqual(again().switches, { all: false, disabled: [] }, text);
      assert.equal(lines.length, before + 1);
    }
  });

  it('follows a file that is replaced, and tells the kernel only then', async () => {
    const file = join(folder(), 'program');
    writeFileSync(file, '1');
    const { scope, datapath } = scoped({ 'scope.exclude': `exe:${file}` });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.deepEqual(datapath.calls, []);
    writeFileSync(`${file}.new`, '2');
    rmSync(file);
    writeFileSync(file, '3');
    const wanted = statSync(file, { bigint: true }).ino;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const now = scope.standing.rules[0]?.executable?.inode;
    assert.equal(now, wanted);
    scope.stop();
  });

  it('names the rule that decided', () => {
    const { scope } = scoped({ 'scope.exclude': 'port:1,port:2' });
    assert.equal(scope.decided(fakePair({ selector: 1 }))?.text, 'port:2');
    assert.equal(scope.decided(fakePair()), undefined);
    scope.stop();
  });
});
