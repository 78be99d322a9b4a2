import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError, loadConfig } from '../../../config/load.js';
import { keys } from '../../../config/keys.js';
import { distance } from '../../../config/distance.js';
import { nearestKey } from '../../../config/nearest.js';
import { loader, scratch } from './helpers.js';

const asYaml = (name: string, value: string): string => {
  const parts = name.split('.');
  return `${parts.map((part, depth) => `${'  '.repeat(depth)}${part}:`).join('\n')} ${value}\n`;
};
/** Where the last part stands, below one line of comment. */
const placeOf = (name: string): string => {
  const depth = name.split('.').length;
  return `c.yaml:${depth + 1}:${2 * depth - 1}`;
};
/** Loses the letter before the last: a slip of the finger that is no other key. */
const misspell = (name: string): string => name.slice(0, -2) + name.slice(-1);

describe('mistakes in the configuration', () => {
  const path = scratch();
  const { load, problems } = loader(path);

  for (const key of keys) {
    it(`cfg-unknown-keys-accepted: ${misspell(key.name)} is refused in favour of ${key.name}`, () => {
      const wrong = misspell(key.name);
      const [problem, ...others] = problems({ yaml: `# first line\n${asYaml(wrong, 'x')}` });
      assert.deepEqual(others, []);
      assert.equal(problem?.key, wrong);
      assert.equal(problem.where, placeOf(wrong));
      assert.match(problem.hint, new RegExp(`^Did you mean ${key.name.replace('.', '\\.')}\\?`));

      const inEnv = problems({ env: { [misspell(key.env)]: 'x' } });
      assert.equal(inEnv[0]?.where, `env ${misspell(key.env)}`);
      assert.match(inEnv[0].hint, new RegExp(`Did you mean ${key.env}\\?`));

      assert.match(problems({ flags: { [wrong]: 'x' } })[0]!.hint, new RegExp(`Did you mean ${key.name}\\?`));
    });
  }

  it('one letter lost, added or replaced anywhere finds a key no farther away', () => {
    const edit = fc.tuple(fc.constantFrom(...keys), fc.nat(), fc.constantFrom('', 'q', 'qq'));
    fc.assert(
      fc.property(edit, ([key, at, text]) => {
        const i = at % key.name.length;
        const wrong = key.name.slice(0, i) + text + key.name.slice(i + 1);
        const nearest = nearestKey(wrong);
        const far = (known: string): number => distance(known.toLowerCase(), wrong.toLowerCase());
        return nearest !== undefined && far(nearest) <= far(key.name);
      }),
    );
  });

  it('a key that sits in the wrong section, or has the wrong case, is found', () => {
    assert.equal(nearestKey('maxPairs'), 'datapath.maxPairs');
    assert.equal(nearestKey('log.queueBytes'), 'datapath.queueBytes');
    assert.equal(nearestKey('datapath.maxpairs'), 'datapath.maxPairs');
    assert.equal(nearestKey('datapaht'), 'datapath');
    assert.equal(nearestKey('somethingElse'), undefined);
  });

  it('everything is reported at once, from every source, and in words', () => {
    const given = {
      yaml: 'log:\n  level: loud\ndatapth: {}\nmetrics:\n  port: 70000\n  port: 1\n',
      env: { SIDESTEP_DATAPATH_QUEUE_BYTES: '1kB' },
      flags: { 'lifecycle.retireTimeout': '5' },
    };
    const found = problems(given).map(({ where, key }) => `${where} ${key}`);
    assert.deepEqual(found.sort(), [
      'c.yaml:2:10 log.level',
      'c.yaml:3:1 datapth',
      'c.yaml:5:9 metrics.port',
      'c.yaml:6:3 ',
      'env SIDESTEP_DATAPATH_QUEUE_BYTES datapath.queueBytes',
      'flag --lifecycle-retire-timeout lifecycle.retireTimeout',
    ]);
    assert.throws(() => load(given), (error: Error) => {
      assert.match(error.message, /has 6 problems:\n/);
      const levels = 'trace, debug, info, warn, error';
      const loud = `c.yaml:2:10: log.level: given "loud", expected one of ${levels}.\n    Correct it`;
      assert.ok(error.message.includes(loud), error.message);
      assert.match(error.message, /given "1kB", expected a size such as 256KiB, .*, from 4KiB to 64MiB\./);
      return true;
    });
  });

  it('a list, a value or two documents at the top are refused with their place', () => {
    assert.match(problems({ yaml: '\n- log\n' })[0]!.message, /given a list, expected a map/);
    assert.equal(problems({ yaml: '\n- log\n' })[0]!.where, 'c.yaml:2:1');
    assert.match(problems({ yaml: 'hello' })[0]!.message, /given a single value, expected a map/);
    assert.equal(problems({ yaml: 'log:\n---\nlog:\n' }).length, 1);
  });

  it('a section with a value, and a key with a map or with nothing, are refused', () => {
    assert.match(problems({ yaml: 'log: debug' })[0]!.hint, /log\.level, log\.format/);
    assert.match(problems({ yaml: 'runDir: {a: 1}' })[0]!.message, /given a map/);
    assert.match(problems({ yaml: 'runDir:\n' })[0]!.message, /given nothing/);
    assert.match(problems({ yaml: 'runDir: [/a]' })[0]!.message, /given a list/);
  });

  it('a mistake of YAML is reported alone, with its place', () => {
    const found = problems({ yaml: 'log:\n  level: [debug\nruDir: x\n' });
    assert.ok(found.length > 0 && found.every(({ key }) => key === ''));
    assert.match(found[0]!.where, /^c\.yaml:\d+:\d+$/);
    assert.match(problems({ yaml: 'log:\n\tlevel: debug\n' })[0]!.where, /^c\.yaml:2:/);
    assert.equal(problems({ yaml: 'log:\n  level: !mine debug\n' })[0]!.where, 'c.yaml:2:10');
  });

  it('keys that would reach a prototype are unknown keys', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString']) {
      assert.equal(problems({ yaml: `${name}:\n  polluted: true\n` })[0]?.key, name);
      assert.equal(problems({ yaml: `log:\n  ${name}: {polluted: true}\n` })[0]?.key, `log.${name}`);
      assert.equal(problems({ flags: JSON.parse(`{"${name}": "x"}`) as Record<string, string> })[0]?.key, name);
    }
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  });

  it('a file that was named must be there and be a file', () => {
    const at = (file: string) => () => loadConfig({ file, env: {}, flags: {} });
    assert.throws(at(path('none.yaml')), ConfigError);
    assert.throws(at(path('none.yaml')), /none\.yaml: the file cannot be read \(ENOENT\)\.\n {4}Create it/);
    assert.throws(at(path('.')), /EISDIR/);
  });
});
