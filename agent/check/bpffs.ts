/** Are pins kept? A pin directory that is not on the host's bpffs is gone with the container. */
import { dirname } from 'node:path';
import { mountOf, parseMounts } from './mounts.js';
import { fail, pass, warn, type CheckProvider } from './types.js';

const group = 'bpf file system';

export const bpffsChecks: CheckProvider = {
  group,
  run({ host, config }) {
    const { pinPath } = config.bpf;
    const name = 'bpf.pinPath';
    const remedy = 'mount -t bpf bpf /sys/fs/bpf on the host; in a container, mount that directory with propagation.';
    const here = mountOf(parseMounts(host.read('/proc/self/mountinfo') ?? ''), pinPath);
    if (here?.type !== 'bpf')
      return [{ group, name, ...fail(`${pinPath} is on ${here?.type ?? 'nothing'} (${here?.point ?? 'no mount'})`, remedy) }];
    // With hostPID the mounts of process 1 tell whether ours is the host's, or one that ends with the container.
    const ofHost = host.read('/proc/1/mountinfo');
    const shared = ofHost === undefined || parseMounts(ofHost).some(({ type, device }) => type === 'bpf' && device === here.device);
    if (!shared) return [{ group, name, ...warn(`${dirname(pinPath)} is a BPF file system of this container, not of the host: pins would go with it`, remedy) }];
    return [{ group, name, ...pass(`${pinPath}, mounted at ${here.point}`) }];
  },
};
