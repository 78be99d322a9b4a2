import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { before, describe, it } from 'mocha';
import fc from 'fast-check';
import { packageRoot } from '../../helpers/root.js';
import { many } from '../../helpers/web-view.js';

interface Line { key: string; from: string; to: string }
interface Node { name: string; layer: number; x: number; y: number; width: number; height: number }
interface Layout { nodes: Node[]; links: { key: string; d: string; backwards: boolean }[]; width: number; height: number }

const page = (file: string): Promise<unknown> => import(pathToFileURL(join(packageRoot(), 'agent/web/page', file)).href);
const lines = (...pairs: readonly (readonly [string, string])[]): Line[] => pairs.map(([from, to], index) => ({ key: String(index), from, to }));

describe('layout of the map', () => {
  let layout: (lines: readonly Line[], width: number) => Layout;
  before(async () => { ({ layout } = (await page('layout.js')) as { layout: typeof layout }); });

  const layerOf = (drawn: Layout): Record<string, number> => Object.fromEntries(drawn.nodes.map(({ name, layer }) => [name, layer]));
  const sound = (drawn: Layout, given: readonly Line[]): void => {
    assert.deepEqual(drawn.links.map(({ key }) => key).sort(), given.map(({ key }) => key).sort(), 'every line is drawn once');
    for (const { d } of drawn.links) assert.doesNotMatch(d, /NaN|undefined|Infinity/);
    for (const [index, a] of drawn.nodes.entries()) {
      assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= drawn.width && a.y + a.height <= drawn.height, `${a.name} lies outside`);
      for (const b of drawn.nodes.slice(index + 1))
        assert.ok(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y, `${a.name} covers ${b.name}`);
    }
  };

  it('of nothing is nothing', () => assert.deepEqual(layout([], 800).nodes, []));

  it('puts clients left of what they talk to, however far that is', () => {
    const drawn = layout(lines(['nginx', 'api'], ['api', 'redis'], ['nginx', 'redis']), 900);
    assert.deepEqual(layerOf(drawn), { nginx: 0, api: 1, redis: 2 });
  });

  it('survives circles, and programs that talk to themselves', () => {
    const given = lines(['a', 'b'], ['b', 'c'], ['c', 'a'], ['a', 'a'], ['x', 'x']);
    const drawn = layout(given, 900);
    sound(drawn, given);
    assert.deepEqual(drawn.links.filter(({ backwards }) => backwards).length, 1, 'one line closes the circle');
  });

  it('takes a chain as long as there are edges', () => {
    const given = Array.from({ length: 1500 }, (_, index): Line => ({ key: String(index), from: `n${index}`, to: `n${index + 1}` }));
    assert.equal(layerOf(layout(given, 900))['n1500'], 1500);
  });

  it('needs no more than the width for two tiers, down to a telephone', () => {
    for (const width of [330, 375, 700, 1400]) assert.ok(layout(lines(['a', 'b'], ['c', 'b']), width).width <= width, String(width));
  });

  it('is sound for 200 edges of a busy host, at any width', () => {
    const given = many(200).map(([from, to], index) => ({ key: String(index), from, to }));
    for (const width of [330, 1400]) sound(layout(given, width), given);
  });

  it('is sound for any graph', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    fc.assert(fc.property(fc.array(fc.tuple(name, name), { maxLength: 40 }), fc.integer({ min: 200, max: 2000 }), (pairs, width) => {
      const given = lines(...pairs);
      sound(layout(given, width), given);
    }), { numRuns: 300 });
  });
});

describe('numbers of the page', () => {
  interface Text { bytes: (value: number) => string; percent: (share?: number) => string; lookOf: (share?: number) => string; age: (ms: number) => string }
  let text: Text;
  before(async () => { text = (await page('text.js')) as Text; });

  it('read as on the terminal', () => {
    assert.deepEqual([0, 999, 1000, 1024, 10_485_760].map(text.bytes), ['0 B', '999 B', '1.0 KiB', '1.0 KiB', '10.0 MiB']);
    assert.deepEqual([undefined, 0, 0.996, 1].map(text.percent), ['–', '0 %', '99 %', '100 %']);
    assert.deepEqual([undefined, 0, 0.5, 0.95].map(text.lookOf), ['quiet', 'tcp', 'mixed', 'around']);
    assert.deepEqual([59_000, 60_000, 7_200_000, 864_000_000].map(text.age), ['59 s', '1 min', '2 h', '10 d']);
  });
});
