import assert from 'node:assert/strict';
import { FakeDatapath } from '../../../agent/datapath/fake.js';
import { pressureProblems, pressures } from '../../../agent/datapath/pressure.js';
import { PressureWatch } from '../../../agent/pressure.js';
import { keptLog } from '../../helpers/log.js';

const map = (name: string, entries: number) => ({ name, id: 1, entries, capacity: 100 });

describe('pressure', () => {
  it('begins at 80 % of a map whose overflow costs something', () => {
    assert.deepEqual(pressureProblems([map('pairs', 79), map('half_open', 100), map('listeners', 100)]), []);
    assert.deepEqual(pressureProblems([map('pairs', 80), map('edges', 99)]), [
      'map pairs is 80 % full; when it is full, further local connections take TCP: raise datapath.maxPairs',
      'map edges is 99 % full; when it is full, further service edges are counted together, without names: raise datapath.maxEdges',
    ]);
    assert.deepEqual(pressures([{ ...map('pairs', 0), capacity: 0 }]), [{ map: 'pairs', share: 0, tight: false }]);
  });

  it('is said when it begins and when it ends, not in between', () => {
    const { log, lines } = keptLog();
    const datapath = new FakeDatapath();
    const watch = new PressureWatch(log);
    for (const entries of [10, 85, 90, 95, 20, 10]) {
      datapath.mapList = [map('pairs', entries)];
      watch.look(datapath);
    }
    assert.deepEqual(lines.map(({ level, msg }) => `${level} ${msg}`), ['warn kernel maps are running full', 'info kernel maps have room again']);
  });
});
