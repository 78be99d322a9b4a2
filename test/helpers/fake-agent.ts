/** The whole agent on a fake datapath, as a process: fake-agent.js <run directory> [--config=FILE] [--doors=real] [key=value ...]. */
import { loadConfig } from '../../config/load.js';
import { FakeDatapath, fakePair } from '../../agent/datapath/fake.js';
import { FakeDoorHost } from '../../agent/frontdoor/fake.js';
import { FakeMeshKernel } from '../../agent/mesh/fake.js';
import { FakeReuseportHost } from '../../agent/reuseport/fake.js';
import { openDoors, runAgent } from '../../agent/main.js';

const [runDir = '', ...settings] = process.argv.slice(2);
const { '--config': file, '--doors': doors, ...flags } = Object.fromEntries(settings.map((text) => text.split('=') as [string, string]));
const sources = { file, env: {}, flags: { runDir, stateDir: `${runDir}/state`, 'metrics.port': '0', 'bus.mode': 'off', ...flags } };
const datapath = new FakeDatapath();
datapath.live = [fakePair()];

const code = await runAgent(loadConfig(sources), {
  open: () => Promise.resolve(datapath),
  openMesh: () => Promise.resolve(() => new FakeMeshKernel()),
  openReuseport: () => Promise.resolve(new FakeReuseportHost()),
  openDoors: (config, log) => (doors === 'real' ? openDoors(config, log) : new FakeDoorHost()),
  sources,
  io: process,
  signals: process,
  exit: (code) => process.exit(code),
  notify: () => undefined,
});
process.exitCode = code;
process.stdout.write(`${JSON.stringify(datapath.calls)}\n`);
