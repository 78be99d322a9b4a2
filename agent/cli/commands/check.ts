import { API_VERSION } from '../../admin/objects.js';
import { realHost } from '../../check/host.js';
import { providers, runChecks } from '../../check/run.js';
import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines } from '../io.js';
import { renderChecks } from '../render/check.js';

export const check = (flags: ReadFlags): Run => async (context) => {
  const checks = await runChecks(providers, { config: context.load(), host: realHost });
  const success = checks.every(({ result }) => result !== 'fail');
  if (flags.output === 'json') printJson(context.io, { apiVersion: API_VERSION, success, checks });
  else printLines(context.io, renderChecks(checks, paintOf(context.io)));
  return success ? EXIT.good : EXIT.problem;
};
