import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultYaml } from '../../../config/defaults.js';
import { configurationDocs } from '../../../config/docs.js';
import { jsonSchema } from '../../../config/jsonschema.js';
import { keys } from '../../../config/keys.js';
import { loadConfig, type Config } from '../../../config/load.js';
import { loader, scratch } from './helpers.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const example = (name: string): string => `${root}config/examples/${name}.yaml`;

describe('what is generated from the configuration schema', () => {
  const path = scratch();
  const { load } = loader(path);

  it('default.yaml loads to the defaults as it is, and when every mark before a key is removed', () => {
    const defaults = load({});
    assert.deepEqual(load({ yaml: defaultYaml() }), defaults);
    const unmarked = defaultYaml().replace(/^#(?!#)/gm, '');
    assert.deepEqual(load({ yaml: unmarked }), defaults);
    assert.ok(keys.every(({ name }) => unmarked.includes(`${name.split('.').at(-1) ?? ''}: `)));
  });

  it('the JSON Schema has every key, with its environment name, and no other', () => {
    interface Node {
      properties?: Record<string, Node>;
      additionalProperties?: boolean;
      'x-env-var'?: string;
    }
    const found = new Map<string, string | undefined>();
    const walk = (node: Node, prefix: string): void => {
      assert.equal(node.additionalProperties, false);
      for (const [name, child] of Object.entries(node.properties ?? {})) {
        if (child.properties) walk(child, `${prefix}${name}.`);
        else found.set(prefix + name, child['x-env-var']);
      }
    };
    walk(jsonSchema(), '');
    assert.deepEqual([...found], keys.map(({ name, env }) => [name, env]));
    assert.equal(found.get('datapath.maxPairs'), 'SIDESTEP_DATAPATH_MAX_PAIRS');
  });

  it('the reference names every key, variable and flag', () => {
    const docs = configurationDocs();
    for (const { name, env, flag } of keys)
      for (const word of [name, env, flag]) assert.ok(docs.includes(`\`${word}\``), word);
  });

  it('the files in the tree are what the code says', () => {
    execFileSync(process.execPath, [`${root}dist/scripts/generate.js`, '--check'], { stdio: 'pipe' });
  });

  it('the examples load', () => {
    const from = (name: string): Config => loadConfig({ file: example(name), env: {}, flags: {} });
    assert.equal(from('minimal').metrics.host, '0.0.0.0');
    const tuned = from('tuned');
    assert.equal(tuned.datapath.queueBytes, 1048576);
    assert.equal(tuned.lifecycle.onExit, 'keep');
    assert.equal(tuned.admin.group, 'sidestep');
  });

  it('an example with a comment after each line still loads', () => {
    const file = path('commented.yaml');
    writeFileSync(file, readFileSync(example('tuned'), 'utf8').replace(/(\S)$/gm, '$1 # why'));
    assert.equal(loadConfig({ file, env: {}, flags: {} }).log.level, 'warn');
  });
});
