import { AdminClient } from '../admin/client.js';
import { socketPath } from '../admin/socket.js';
import { describeError } from '../errors.js';
import { pass, warn, type CheckProvider } from './types.js';

const group = 'agent';

/** Not running is no failure: check is what one runs before the first start. */
export const agentChecks: CheckProvider = {
  group,
  async run({ config }) {
    try {
      const status = await new AdminClient(socketPath(config.runDir), 2000).status();
      const { problems, agent, datapath } = status;
      const detail = `pid ${String(agent.pid)}, version ${agent.version}, mode ${datapath.mode}`;
      const remedy = 'See `sidestep status`.';
      const verdict = problems.length === 0 ? pass(detail) : warn(`${detail}; ${problems.join('; ')}`, remedy);
      return [{ group, name: 'answers', ...verdict }];
    } catch (error) {
      const { message, remedy } = describeError(error);
      return [{ group, name: 'answers', ...warn(message, remedy) }];
    }
  },
};
