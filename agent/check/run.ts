/** Runs the providers in order. One that throws is a failed check, not the end of the others. */
import { describeError } from '../errors.js';
import { agentChecks } from './agent.js';
import { bpffsChecks } from './bpffs.js';
import { capabilityChecks } from './capabilities.js';
import { cgroupChecks } from './cgroup.js';
import { kernelChecks, sysctlChecks } from './kernel.js';
import { fail, type Check, type CheckContext, type CheckProvider } from './types.js';

export const providers: readonly CheckProvider[] = [
  kernelChecks,
  cgroupChecks,
  bpffsChecks,
  capabilityChecks,
  sysctlChecks,
  agentChecks,
];

export async function runChecks(list: readonly CheckProvider[], context: CheckContext): Promise<Check[]> {
  const checks: Check[] = [];
  for (const provider of list) {
    try {
      checks.push(...(await provider.run(context)));
    } catch (error) {
      const { message, remedy } = describeError(error);
      checks.push({ group: provider.group, name: 'could not check', ...fail(message, remedy) });
    }
  }
  return checks;
}
