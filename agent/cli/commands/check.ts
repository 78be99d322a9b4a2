import { API_VERSION } from '../../admin/objects.js';
import { realHost } from '../../check/host.js';
import { preExitCode, preProviders } from '../../check/pre.js';
import { providers, runChecks } from '../../check/run.js';
import type { CheckProvider } from '../../check/types.js';
import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines } from '../io.js';
import { renderChecks } from '../render/check.js';

/** Loaded only here: no other command needs the addon. */
async function kernelProviders(): Promise<readonly CheckProvider[]> {
  const { featureChecks, hookChecks, programChecks, selfTestChecks } = await import('../../datapath/checks.js');
  const { reuseportChecks } = await import('../../reuseport/checks.js');
  return [hookChecks, selfTestChecks, programChecks, featureChecks, reuseportChecks];
}

/** Before an installation the addon may not be there. */
export async function hookProvider(): Promise<CheckProvider | undefined> {
  try {
    return (await import('../../datapath/checks.js')).hookChecks;
  } catch {
    return undefined;
  }
}

/** Exit code 2 says that this host cannot run Sidestep, so that an installer can stop there. */
const before = (flags: ReadFlags): Run => async (context) => {
  const checks = await runChecks(preProviders(await hookProvider()), { config: context.load(), host: realHost });
  const code = preExitCode(checks);
  if (flags.output === 'json') printJson(context.io, { apiVersion: API_VERSION, success: code < 2, checks });
  else printLines(context.io, [...renderChecks(checks, paintOf(context.io)), verdicts[code]]);
  return code;
};

const verdicts = ['this host can run Sidestep', 'this host can run Sidestep once that was looked at', 'this host cannot run Sidestep as it is'] as const;

export const check = (flags: ReadFlags & { quick?: boolean; pre?: boolean }): Run => async (context) => {
  if (flags.pre === true) return before(flags)(context);
  const list = flags.quick === true ? providers : [...providers, ...(await kernelProviders())];
  const checks = await runChecks(list, { config: context.load(), host: realHost });
  const success = checks.every(({ result }) => result !== 'fail');
  if (flags.output === 'json') printJson(context.io, { apiVersion: API_VERSION, success, checks });
  else printLines(context.io, renderChecks(checks, paintOf(context.io)));
  return success ? EXIT.good : EXIT.problem;
};
