// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { loadConfig } from '../../../config/load.js';
import { FakeMeshKernel } from '../../../agent/mesh/fake.js';
import { Mesh } from '../../../agent/mesh/mesh.js';
import { folder } from '../../helpers/folder.js';
import { keptLog } from '../../helpers/log.js';

describe('the mesh of an agent', () => {
  it('has started when its virtual addresses lead somewhere, not only when they are known', async () => {
    const runDir = folder(), kernel = new FakeMeshKernel();
    const web = { name: 'web', addresses: ['10.96.0.1'], port: 80, endpoints: [{ address: '127.0.0.1', port: 8080 }] };
    const flags = { runDir, 'bpf.pinPath': `${runDir}/pins`, 'bus.mode': 'off', services: JSON.stringify([web]) };
    const mesh = new Mesh({
      config: loadConfig({ env: {}, file: '/dev/null', flags }), place: { name: 'h', zone: '', addresses: { 4: '192.0.2.1', 6: '' } },
      log: keptLog().log, openKernel: () => kernel,
    });
    await mesh.start();
    try {
      const [vip] = kernel.vips.values();
      assert.ok(vip && kernel.tables.has(vip.service), kernel.calls.join('; '));
    } finally {
      await mesh.stop(false);
    }
  });
});
