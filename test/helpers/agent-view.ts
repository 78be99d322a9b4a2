/** What the admin API sees of an agent, made up around a fake datapath. */
import { loadConfig } from '../../config/load.js';
import { AdminServer } from '../../agent/admin/server.js';
import { socketPath } from '../../agent/admin/socket.js';
import type { AgentView } from '../../agent/admin/routes.js';
import { FakeDatapath } from '../../agent/datapath/fake.js';
import { join } from 'node:path';
import { guardOf } from '../../agent/guard/make.js';
import { FakeDoorHost } from '../../agent/frontdoor/fake.js';
import { FrontDoor } from '../../agent/frontdoor/frontdoor.js';
import { FakeReuseportHost } from '../../agent/reuseport/fake.js';
import { Reuseport } from '../../agent/reuseport/reuseport.js';
import { Resolver } from '../../agent/pairs/resolve.js';
import { Scope } from '../../agent/scope/scope.js';
import { keptLog, type Line } from './log.js';

const bus = { choice: 'off' as const, why: 'bus.mode is off', restarts: 0, registry: undefined, endpoints: 0, refused: 0 };
export const noMesh: AgentView['mesh'] = {
  services: () => [], endpoints: () => [], problems: () => [], bus: () => bus, override: () => undefined, split: () => undefined, tuned: () => Promise.resolve([]),
};

export interface TestAgent {
  readonly datapath: FakeDatapath;
  readonly view: AgentView;
  readonly server: AdminServer;
  readonly path: string;
  readonly lines: Line[];
  stop(): Promise<void>;
}

export async function startTestAgent(runDir: string, over: Partial<AgentView> = {}): Promise<TestAgent> {
  const datapath = new FakeDatapath();
  const { log, lines } = keptLog();
  const config = loadConfig({ env: {}, flags: { runDir } });
  const scope = new Scope(config, { cgroupRoot: '/nonexistent' }, log);
  scope.start(datapath);
  const view: AgentView = {
    datapath,
    mesh: noMesh,
    scope,
    reuseport: new Reuseport(config, new FakeReuseportHost(), '/nonexistent', log),
    frontdoor: new FrontDoor(config, { host: new FakeDoorHost(), mesh: noMesh, settled: () => true }, log),
    resolver: new Resolver({ cgroupRoot: '/nonexistent', proc: '/nonexistent' }),
    ...guardOf({ stateDir: join(runDir, 'state') }, datapath, [], log),
    log,
    version: '9.9.9',
    startedAt: new Date(0),
    retireTimeoutMs: 5000,
    notReady: () => '',
    metrics: () => ({ state: 'serving', detail: 'http://127.0.0.1:9464/metrics' }),
    web: () => ({ state: 'disabled', detail: '', exposed: false }),
    reloadState: () => ({ successful: true, at: 0, error: '', restartNeeded: [] }),
    reload: () => undefined,
    config: () => config,
    uninstall: () => undefined,
    ...over,
  };
  const server = new AdminServer(view);
  const path = socketPath(runDir);
  await server.listen(path, { group: '', mode: 0o660 });
  return { datapath, view, server, path, lines, stop: () => { scope.stop(); return server.close(); } };
}
