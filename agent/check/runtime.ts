/** What the agent itself runs on: Node.js, and what was compiled elsewhere. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, info, pass, warn, type CheckProvider } from './types.js';

const group = 'run time';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const needed = [20, 19] as const;

/** `version`: of Node.js, as process.versions has it. */
export const runtimeChecks = (version: string): CheckProvider => ({
  group,
  run({ host }) {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const isNew = major > needed[0] || (major === needed[0] && minor >= needed[1]);
    const missing = ['bpf/build/sidestep.bpf.o', 'native/build/Release/sidestep.node'].filter((file) => host.inode(join(root, file)) === undefined);
    return [
      { group, name: 'Node.js', ...(isNew ? pass(version) : fail(version, `Install version ${needed.join('.')} or newer.`)) },
      {
        group, name: 'compiled parts',
        ...(missing.length === 0 ? pass('there') : warn(`not there: ${missing.join(', ')}`, 'npm start builds them in a checkout; packages and images bring them.')),
      },
      { group, name: 'clang', ...info('not needed to run: the programs come compiled, and fit themselves to this kernel by its BTF') },
    ];
  },
});
