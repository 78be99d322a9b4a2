import assert from 'node:assert/strict';
import { Host, none, reads } from './host.js';

describe('the guard and programs that may splice', () => {
  let host: Host;
  beforeEach(() => { host = new Host(); });

  it('warns the kernel of a program that may splice, until it is known in its place', async () => {
    const { guard } = host.guard();
    await guard.start();
    const proxy = host.program('proxy', '3', '#define _GNU_SOURCE\n#include <fcntl.h>\nint main(void) { return splice(0, 0, 1, 0, 1, 0) < 0; }');
    const [first, second] = [host.run(proxy), host.run(proxy, { id: 'b'.repeat(16), place: '/two.service' })];
    for (const process of [first, second]) host.row(process, { plain: false, reads: none });
    await host.datapath.appear(first.id);
    assert.equal(host.datapath.seeds.get(first.id)?.wary, true);
    assert.deepEqual([...host.datapath.reputes.values()].map(({ wary }) => wary), [true], 'also for processes to come');
    host.row(first, { reads: reads({ accepted: 1 }) });
    await guard.look();
    await guard.reseed();
    assert.deepEqual([host.datapath.seeds.get(first.id)?.server, host.datapath.seeds.get(first.id)?.wary], [true, false]);
    await host.datapath.appear(second.id);
    assert.deepEqual([host.datapath.seeds.get(second.id)?.client, host.datapath.seeds.get(second.id)?.wary], [false, true]);
    assert.deepEqual([...host.datapath.reputes.values()].map(({ client, wary }) => [client, wary]), [[false, true]]);
    await guard.stop();
  });
});
