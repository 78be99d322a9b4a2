/** `sidestep profiles` and what is below it. */
import { Argument, Option, type Command } from 'commander';
import { HAZARDS, STATES } from '../guard/conduct.js';
import { exportProfiles, forgetProfiles, importProfiles, setProfiles } from './commands/profile-files.js';
import { profiles } from './commands/profiles.js';
import type { ReadFlags, Run } from './context.js';

/** A file below `export`, a format elsewhere: one option of the parent, which sees it first. */
const output = (): Option => new Option('-o, --output <format>', 'for machines: json');

export function profileCommands(program: Command, act: (run: Run) => Promise<void>): void {
  const parent = program.command('profiles').description('how programs read, and what follows for their connections').addOption(output());
  const target = (): string | undefined => parent.opts<{ output?: string }>().output;
  const format = (): ReadFlags => {
    const output = target();
    if (output !== undefined && output !== 'json')
      parent.error(`error: option '-o, --output <format>' argument '${output}' is invalid. Allowed choices are json.`);
    return output === 'json' ? { output } : {};
  };
  const which = (): Argument => new Argument('<which>', 'name, or id of a profile or workload');

  parent.action(() => act(profiles(format())));
  parent.command('export').description('what is remembered of programs, as a file; with -o <file>, into that one')
    .action(() => act(exportProfiles(target())));
  parent.command('import').description('add the profiles of a file, all or none').argument('<file>')
    .action((file: string) => act(importProfiles(file, format())));
  parent.command('forget').description('learn programs anew').addArgument(which())
    .action((name: string) => act(forgetProfiles(name, format())));
  parent.command('set').description('say how programs read, whatever was learned until now')
    .addArgument(which()).addArgument(new Argument('<state>', 'how').choices(STATES))
    .addOption(new Option('--reason <reason>', 'why unsafe').choices(HAZARDS))
    .action((name: string, state: string, { reason }: { reason?: string }) =>
      act(setProfiles(name, state, { ...format(), ...(reason === undefined ? {} : { reason }) })));
}
