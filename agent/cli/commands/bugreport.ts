/** One file with what a maintainer needs to judge this host, and without secrets. */
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../../config/load.js';
import { AdminClient } from '../../admin/client.js';
import { socketPath } from '../../admin/socket.js';
import { gather, type Manifest } from '../../bugreport/gather.js';
import { Masker } from '../../bugreport/mask.js';
import { PARTS, type Sources } from '../../bugreport/parts.js';
import { writeArchive, writeDirectory } from '../../bugreport/write.js';
import { agentChecks } from '../../check/agent.js';
import { preProviders } from '../../check/pre.js';
import { SidestepError } from '../../errors.js';
import type { Context, ReadFlags, Run } from '../context.js';
import { EXIT, printJson, printLines } from '../io.js';
import { hookProvider } from './check.js';

export interface BugreportFlags extends ReadFlags {
  readonly dir?: string;
  readonly log?: string;
  readonly logLines: number;
  /** --no-mask */
  readonly mask: boolean;
}

/** `sidestep-bugreport-20261126-182217`, in UTC. */
export const reportName = (at: Date): string => `sidestep-bugreport-${at.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}`;

/** Undefined when the configuration does not load, which the report says in its place. */
function loaded(context: Context): Config | undefined {
  try {
    return context.load();
  } catch {
    return undefined;
  }
}

/** Where to look for an agent when the configuration does not say. */
const usualRunDir = '/run/sidestep';

const hostOf = (server: string): string => new URL(/^[a-z]+:\/\//.test(server) ? server : `nats://${server}`).hostname;

/** Names that the host, its configuration and its agent know. */
async function namesOf({ io: { env } }: Context, config: Config | undefined, client: AdminClient): Promise<{ hosts: string[]; users: string[] }> {
  const given = (names: readonly (string | undefined)[]): string[] => names.filter((name) => name !== undefined);
  const own = hostname();
  const endpoints = await client.endpoints().then((answer) => answer.endpoints, () => []);
  return {
    hosts: given([own, own.split('.')[0], env['NODE_NAME'], config?.host.name, ...(config?.bus.servers ?? []).map(hostOf), ...endpoints.map(({ host }) => host)]),
    users: given([env['SUDO_USER'], env['LOGNAME'], env['USER'], userInfo().username]),
  };
}

function told({ missing, masked }: Manifest, where: string): string[] {
  const { pseudonyms, addresses, hosts, users, secrets } = masked;
  const names = pseudonyms ? `${addresses} addresses, ${hosts} names of hosts and ${users} of users have pseudonyms` : 'addresses and names are as they are (--no-mask)';
  // Without an agent many files lack for one reason.
  const reasons = [...new Set(missing.map(({ because }) => because))];
  return [
    where,
    `  masked: ${secrets} secrets; ${names}. Read it before you send it`,
    ...reasons.map((reason) => `  without ${missing.filter(({ because }) => because === reason).map(({ file }) => file).join(', ')}: ${reason}`),
  ];
}

export const bugreport = (file: string | undefined, flags: BugreportFlags): Run => async (context) => {
  if (flags.dir !== undefined && file !== undefined) throw new SidestepError('bad_request', 'name a file or a directory, not both');
  const name = reportName(new Date());
  const config = loaded(context);
  const client = new AdminClient(socketPath(context.flags.runDir ?? config?.runDir ?? usualRunDir));
  const masker = new Masker({ pseudonyms: flags.mask, ...(await namesOf(context, config, client)) });
  const sources: Sources = { client, config: () => config ?? context.load(), checks: [...preProviders(await hookProvider()), agentChecks], log: flags.log, logLines: flags.logLines };
  const report = await gather(PARTS, sources, masker, flags.mask);
  const where = flags.dir ?? file ?? join(process.cwd(), `${name}.tar.gz`);
  if (flags.dir === undefined) await writeArchive(report, where, name);
  else writeDirectory(report, where);
  if (flags.output === 'json') printJson(context.io, { ...report.manifest, path: where });
  else printLines(context.io, told(report.manifest, where));
  return EXIT.good;
};
