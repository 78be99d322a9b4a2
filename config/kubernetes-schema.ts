/** The settings of the Kubernetes source: a part of schema.ts. */
import type convict from 'convict';
import type { Config } from './types.js';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';

export const kubernetesSchema: convict.Schema<Pick<Config, 'kubernetes'>> = {
  kubernetes: {
    enabled: {
      doc: 'Learn from the API server of Kubernetes which pods run on this node, which services there are, and what annotations ask for. It is only read.',
      format: 'switch',
      default: false,
    },
    node: {
      doc: 'Name of this node in Kubernetes. `auto` is the variable NODE_NAME, which the chart sets, or else the host name.',
      format: 'node',
      keyword: 'auto',
      default: 'auto',
    },
    services: {
      doc: 'Which Services are balanced at connect time: those with the annotation `sidestep.io/mesh: enabled`, all but those with `disabled`, or none.',
      format: ['annotated', 'all', 'off'],
      default: 'annotated',
    },
    apiServer: {
      doc: 'The API server, such as https://192.0.2.1:6443, by a real and not by a virtual address. Empty asks the variables that every pod has.',
      format: 'api-server',
      default: '',
    },
    tokenFile: {
      doc: 'File with the bearer token. Read again for each request, so that it may be replaced. Empty sends none.',
      format: 'path',
      keyword: '',
      default: `${account}/token`,
    },
    caFile: {
      doc: 'File of the certificate authority that signed the API server. Empty trusts those of the system.',
      format: 'path',
      keyword: '',
      default: `${account}/ca.crt`,
    },
  },
};
