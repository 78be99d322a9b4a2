/** Can listeners be balanced here, and does this kernel keep what waits at one that closes? Tried on throw-away sockets. */
import { info, pass, warn, type CheckProvider } from '../check/types.js';
import { reuseportHost } from './native.js';

const group = 'listeners';

export const reuseportChecks: CheckProvider = {
  group,
  async run({ config }) {
    const { migrates, wakes, detail } = await reuseportHost.probeMigration();
    const left = !config.reuseport.enabled && reuseportHost.leftovers(config.bpf.pinPath);
    return [
      {
        group, name: 'migration',
        ...(migrates === 'yes'
          ? pass(`connections that wait at a listener that closes move to another one (${detail})`)
          : info(`${migrates === 'no' ? 'connections of a listener that closes are reset' : 'could not tell whether connections move'} (${detail})`)),
      },
      ...(wakes === 'no'
        ? [{ group, name: 'wake-up', ...warn('a listener is not woken when connections move to it: they wait until its next one', 'Update the kernel (repaired in May 2026), or let old workers drain before they close.') }]
        : []),
      ...(left ? [{ group, name: 'left behind', ...warn('an agent that died left its chooser in groups of listeners', 'Start the agent once; it takes it away.') }] : []),
    ];
  },
};
