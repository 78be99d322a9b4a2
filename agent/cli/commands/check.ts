import { API_VERSION } from '../../admin/objects.js';
import { realHost } from '../../check/host.js';
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

export const check = (flags: ReadFlags & { quick?: boolean }): Run => async (context) => {
  const list = flags.quick === true ? providers : [...providers, ...(await kernelProviders())];
  const checks = await runChecks(list, { config: context.load(), host: realHost });
  const success = checks.every(({ result }) => result !== 'fail');
  if (flags.output === 'json') printJson(context.io, { apiVersion: API_VERSION, success, checks });
  else printLines(context.io, renderChecks(checks, paintOf(context.io)));
  return success ? EXIT.good : EXIT.problem;
};
