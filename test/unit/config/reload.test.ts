import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, loadConfig, type Config } from '../../../config/load.js';
import { ConfigWatcher, diffConfig, type ConfigDiff } from '../../../config/reload.js';
import { scratch } from './helpers.js';

type Heard = { config: Config; diff: ConfigDiff } | { error: Error };

describe('following the configuration', () => {
  const path = scratch();
  let watcher: ConfigWatcher | undefined;
  let heard: Heard[];
  afterEach(() => watcher?.close());

  function follow(file: string): ConfigWatcher {
    heard = [];
    const options = { file, env: { SIDESTEP_LOG_FORMAT: 'json' }, flags: {} };
    watcher = new ConfigWatcher(loadConfig(options), options, {
      onReload: (config, diff) => heard.push({ config, diff }),
      onError: (error) => heard.push({ error }),
    });
    return watcher;
  }

  async function next(count: number): Promise<Heard> {
    const until = Date.now() + 5000;
    while (heard.length < count && Date.now() < until) await sleep(20);
    assert.equal(heard.length, count);
    return heard[count - 1]!;
  }

  it('tells what can be applied from what needs a restart', () => {
    const load = (flags: Record<string, string>): Config => loadConfig({ file: '/dev/null', env: {}, flags });
    const other = load({ 'log.level': 'debug', 'metrics.port': '1', 'datapath.queueBytes': '8KiB' });
    const diff = diffConfig(load({}), other);
    assert.deepEqual(diff, { hot: ['log.level', 'datapath.queueBytes'], restart: ['metrics.port'] });
    assert.deepEqual(diffConfig(load({}), load({ 'log.level': 'info' })), { hot: [], restart: [] });
  });

  it('a change of the file arrives once, with the environment still in force', async () => {
    const file = path('config.yaml');
    writeFileSync(file, 'log: {level: info}');
    follow(file);
    for (const level of ['trace', 'warn', 'error']) writeFileSync(file, `log: {level: ${level}}`);
    const change = await next(1);
    assert.ok('config' in change);
    assert.equal(change.config.log.level, 'error');
    assert.equal(change.config.log.format, 'json');
    assert.deepEqual(change.diff, { hot: ['log.level'], restart: [] });
  });

  it('a swap of the symlink of a ConfigMap mount arrives', async () => {
    const publish = (version: string, yaml: string): void => {
      mkdirSync(path(version));
      writeFileSync(path(`${version}/config.yaml`), yaml);
      symlinkSync(version, path('..data_tmp'));
      renameSync(path('..data_tmp'), path('..data'));
    };
    publish('..v1', 'datapath: {enabled: true}');
    symlinkSync('..data/config.yaml', path('config.yaml'));
    follow(path('config.yaml'));
    publish('..v2', 'datapath: {enabled: false}');
    rmSync(path('..v1'), { recursive: true });
    const change = await next(1);
    assert.ok('config' in change);
    assert.equal(change.config.datapath.enabled, false);
  });

  it('a directory that went away is followed again when it is back', async () => {
    const write = (level: string): void => {
      mkdirSync(path('etc/sidestep'), { recursive: true });
      writeFileSync(path('etc/sidestep/config.yaml'), `log: {level: ${level}}`);
    };
    write('info');
    follow(path('etc/sidestep/config.yaml'));
    rmSync(path('etc'), { recursive: true });
    assert.ok('error' in await next(1));
    write('debug');
    const latest = (): string => { const last = heard.at(-1)!; return 'config' in last ? last.config.log.level : 'none'; };
    for (const until = Date.now() + 5000; latest() !== 'debug' && Date.now() < until;) await sleep(20);
    assert.equal(latest(), 'debug');
  });

  it('a mistake is reported and changes nothing, and its correction is heard', async () => {
    const file = path('config.yaml');
    writeFileSync(file, 'log: {level: warn}');
    const following = follow(file);
    writeFileSync(file, 'log: {level: loud}');
    const mistake = await next(1);
    assert.ok('error' in mistake && mistake.error instanceof ConfigError);
    assert.equal(following.current.log.level, 'warn');

    writeFileSync(file, 'log: {level: warn}');
    const corrected = await next(2);
    assert.ok('config' in corrected);
    assert.deepEqual(corrected.diff, { hot: [], restart: [] });
  });

  it('reload() answers at once, and a pending restart is named until it happens', () => {
    const file = path('config.yaml');
    writeFileSync(file, '');
    const following = follow(file);
    writeFileSync(file, 'metrics: {port: 1}');
    following.reload();
    writeFileSync(file, 'metrics: {port: 1}\nlog: {level: debug}');
    following.reload();
    following.reload();
    const diffs = heard.map((change) => ('diff' in change ? change.diff : undefined));
    assert.deepEqual(diffs, [
      { hot: [], restart: ['metrics.port'] },
      { hot: ['log.level'], restart: ['metrics.port'] },
      { hot: [], restart: ['metrics.port'] },
    ]);
  });

  it('is silent about other files, and after close(), which may be called twice', async () => {
    const file = path('config.yaml');
    writeFileSync(file, '');
    const following = follow(file);
    writeFileSync(path('other'), 'x');
    await sleep(300);
    following.close();
    following.close();
    writeFileSync(file, 'log: {level: debug}');
    await sleep(300);
    assert.deepEqual(heard, []);
  });

  it('does not keep a process alive', () => {
    writeFileSync(path('config.yaml'), '');
    const reload = new URL('../../../config/reload.js', import.meta.url).href;
    const load = new URL('../../../config/load.js', import.meta.url).href;
    const script = `
      const { ConfigWatcher } = await import('${reload}');
      const options = { file: '${path('config.yaml')}', env: {}, flags: {} };
      const { loadConfig } = await import('${load}');
      new ConfigWatcher(loadConfig(options), options, { onReload() {}, onError() {} });
    `;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 });
  });
});
