/** Where the API server is, and how the agent proves who it is. Files are read for each request: tokens are replaced while the agent runs. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Config } from '../../config/types.js';
import { SidestepError } from '../errors.js';

export interface Access {
  readonly url: URL;
  readonly token: string | undefined;
  readonly ca: string | undefined;
}

export type Settings = Pick<Config['kubernetes'], 'apiServer' | 'tokenFile' | 'caFile'>;

/** What the kubelet tells every pod. */
function inCluster(env: NodeJS.ProcessEnv): string {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === '') throw new SidestepError('kubernetes_unknown', 'KUBERNETES_SERVICE_HOST is not set, and kubernetes.apiServer is empty');
  return `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function read(path: string, key: string): string | undefined {
  if (path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new SidestepError('kubernetes_unknown', `${path} (${key}) cannot be read`, error);
  }
}

export function accessOf({ apiServer, tokenFile, caFile }: Settings, env: NodeJS.ProcessEnv): Access {
  const url = new URL(apiServer === '' ? inCluster(env) : apiServer);
  const isPlain = url.protocol === 'http:';
  return { url, token: read(tokenFile, 'kubernetes.tokenFile'), ca: isPlain ? undefined : read(caFile, 'kubernetes.caFile') };
}
