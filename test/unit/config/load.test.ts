import assert from 'node:assert/strict';
import { configOrigin, loadConfig } from '../../../config/load.js';
import { keys } from '../../../config/keys.js';
import { loader, scratch } from './helpers.js';

describe('loading the configuration', () => {
  const path = scratch();
  const { load, problems } = loader(path);
  const originOf = (config: Parameters<typeof configOrigin>[0], key: string): string | undefined =>
    configOrigin(config).find((entry) => entry.key === key)?.origin.replace(path('c.yaml'), 'c.yaml');

  it('an empty file, a file of comments and empty sections give the defaults', () => {
    const config = load({});
    assert.equal(config.datapath.queueBytes, 262144);
    assert.equal(config.datapath.eventBuffer, 1048576);
    assert.equal(config.lifecycle.retireTimeout, 5000);
    assert.equal(config.admin.mode, 0o660);
    assert.deepEqual(load({ yaml: '# nothing\n' }), config);
    assert.deepEqual(load({ yaml: 'log:\nmetrics: {}\n' }), config);
    assert.deepEqual(loadConfig({ file: '/dev/null', env: {}, flags: {} }), config);
  });

  it('a flag wins over the environment, the environment over the file, the file over the default', () => {
    const yaml = 'datapath:\n  maxPairs: 10\n  maxEdges: 20\n  queueBytes: 8KiB\n';
    const env = { SIDESTEP_DATAPATH_MAX_PAIRS: '11', SIDESTEP_DATAPATH_MAX_EDGES: '21' };
    const config = load({ yaml, env, flags: { 'datapath.maxPairs': '12' } });
    assert.equal(config.datapath.maxPairs, 12);
    assert.equal(config.datapath.maxEdges, 21);
    assert.equal(config.datapath.queueBytes, 8192);
    assert.equal(config.datapath.maxListeners, 4096);

    assert.equal(originOf(config, 'datapath.maxPairs'), 'flag --datapath-max-pairs');
    assert.equal(originOf(config, 'datapath.maxEdges'), 'env SIDESTEP_DATAPATH_MAX_EDGES');
    assert.equal(originOf(config, 'datapath.queueBytes'), 'c.yaml:4');
    assert.equal(originOf(config, 'datapath.maxListeners'), 'default');
    assert.deepEqual(configOrigin(config).map(({ key }) => key), keys.map(({ name }) => name));
  });

  it('a mistake counts even where a higher source overrides it', () => {
    const given = { yaml: 'metrics: {port: many}', env: { SIDESTEP_METRICS_PORT: '1' } };
    assert.deepEqual(problems(given).map(({ where }) => where), ['c.yaml:1:17']);
  });

  it('nobody can change a loaded configuration', () => {
    const config = load({});
    assert.throws(() => ((config.datapath as { maxPairs: number }).maxPairs = 1), TypeError);
    assert.throws(() => ((config as { runDir: string }).runDir = '/'), TypeError);
    load({ yaml: 'runDir: /other' });
    assert.equal(load({}).runDir, '/run/sidestep');
  });

  it('the environment of the process itself is not read', () => {
    process.env['SIDESTEP_LOG_LEVEL'] = 'trace';
    try {
      assert.equal(load({}).log.level, 'info');
    } finally {
      delete process.env['SIDESTEP_LOG_LEVEL'];
    }
  });

  it('JSON is taken, and anchors and the written form of numbers', () => {
    assert.equal(load({ yaml: '{"datapath": {"maxPairs": 5}, "admin": {"mode": "0600"}}' }).datapath.maxPairs, 5);
    assert.equal(load({ yaml: 'admin:\n  mode: 0600\n' }).admin.mode, 0o600);
    const yaml = 'datapath:\n  maxPairs: &most 100\n  maxHalfOpen: *most\n';
    assert.equal(load({ yaml }).datapath.maxHalfOpen, 100);
  });

  it('an empty variable is no setting, and those that Kubernetes makes for a Service are skipped', () => {
    const env = {
      SIDESTEP_LOG_LEVEL: '',
      SIDESTEP_SERVICE_HOST: '10.0.0.7',
      SIDESTEP_SERVICE_PORT_METRICS: '9464',
      SIDESTEP_METRICS_PORT: 'tcp://10.0.0.7:9464',
      SIDESTEP_METRICS_PORT_9464_TCP_ADDR: '10.0.0.7',
    };
    const config = load({ env });
    assert.equal(config.log.level, 'info');
    assert.equal(config.metrics.port, 9464);
  });

  it('a flag that was not given is no setting, and one of a switch may be a boolean', () => {
    const config = load({ flags: { 'log.level': undefined, 'metrics.enabled': false } });
    assert.equal(config.log.level, 'info');
    assert.equal(config.metrics.enabled, false);
  });
});
