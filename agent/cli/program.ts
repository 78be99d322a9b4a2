/** The commands and their flags. Nouns read, verbs change. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../version.js';
import { agent } from './commands/agent.js';
import { bugreport, type BugreportFlags } from './commands/bugreport.js';
import { check } from './commands/check.js';
import { diffWithAgent, printConfig, printSchema, validateConfig } from './commands/config.js';
import { explain } from './commands/explain.js';
import { drainDoor, frontdoor } from './commands/frontdoor.js';
import { pairs } from './commands/pairs.js';
import { pods } from './commands/pods.js';
import { reuseport, rotate } from './commands/reuseport.js';
import { retire, type RetireFlags } from './commands/retire.js';
import { drain, endpoints, services, split, weigh } from './commands/services.js';
import { disable, enable, scope } from './commands/scope.js';
import { status } from './commands/status.js';
import { top } from './commands/top.js';
import { Context, type GlobalFlags, type Run } from './context.js';
import { report } from './fault.js';
import { EXIT, type Io } from './io.js';
import { profileCommands } from './profile-commands.js';
import { duration, outputOption, portNumber, setOption, settingOptions, settingsIn, wholeNumber } from './options.js';

const exitCodes = '\nExit codes: 0 good, 1 problem found, 2 bad usage, 3 agent not reachable.\n';

/** Parses, runs one command, returns the exit code. Nothing here ends the process. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.good;
  const program = new Command('sidestep');
  const act = async (run: Run): Promise<void> => {
    code = await run(new Context(io, program.opts<GlobalFlags>()));
  };

  program
    .description('Connections between local processes step around the TCP/IP stack.')
    .version(version)
    .option('--config <file>', 'configuration file')
    .option('--run-dir <directory>', 'directory of the admin socket')
    .addHelpText('after', exitCodes)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => { io.stdout.write(text); },
      writeErr: (text) => { io.stderr.write(text); },
      outputError: (text, write) => { write(text.replace(/^error: /, 'sidestep: ').replace(/\n?$/, '\n  See `sidestep --help`.\n')); },
    });

  const agentCommand = program.command('agent').description('serve this host until stopped').addOption(setOption());
  for (const option of settingOptions()) agentCommand.addOption(option);
  agentCommand.action((flags: { set: Record<string, string> }) => act(agent({ ...settingsIn(flags), ...flags.set })));

  program.command('status').description('the agent at a glance').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(status(flags)));
  program.command('top').description('live view: who talks to whom, how fast, and why not faster')
    .option('--once', 'one picture, then exit')
    .addOption(new Option('--interval <duration>', 'between readings').argParser(duration).default(1000, '1s'))
    .addOption(outputOption())
    .action((flags: { once?: boolean; interval: number; output?: 'json' }) => act(top(flags)));
  program.command('pairs').description('every local connection').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(pairs(flags)));
  profileCommands(program, act);
  program.command('services').description('services with virtual addresses, and how connections to them go').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(services(flags)));
  program.command('endpoints').description('where connections to services go, with their load from this host').argument('[service]').addOption(outputOption())
    .action((service: string | undefined, flags: { output?: 'json' }) => act(endpoints(service, flags)));
  const service = program.command('service').description('change a service while it runs');
  service.command('drain').description('no new connections; those that are open go on')
    .argument('<service>').argument('<endpoint>', 'address:port').option('--undo', 'take connections again')
    .action((name: string, endpoint: string, flags: { undo?: boolean }) => act(drain(name, endpoint, flags)));
  service.command('weight').description('the share of an endpoint').argument('<service>').argument('<endpoint>', 'address:port')
    .argument('<weight>', 'from 0 to 10000', wholeNumber)
    .action((name: string, endpoint: string, weight: number) => act(weigh(name, endpoint, weight)));
  service.command('split').description('the shares of versions; without any, by weight alone').argument('<service>').argument('[shares...]', 'version=number')
    .action((name: string, shares: string[]) => act(split(name, shares)));
  const doors = program.command('frontdoor').description('listeners for connections from other hosts, and where these go').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(frontdoor(flags)));
  doors.command('drain').description('no more connections through a listener; those that are open go on, for drainTimeout at most')
    .argument('<name>').option('--undo', 'take connections again').action((name: string, flags: { undo?: boolean }) => act(drainDoor(name, flags)));
  program.command('pods').description('pods of this node as Kubernetes has them, and which of them are left alone').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(pods(flags)));
  program.command('explain').description('why a connection is, or is not, accelerated')
    .argument('<what...>', 'pid, port, address:port, two of them, pod/NAME, pod/NAMESPACE/NAME, or pair id').addOption(outputOption())
    .action((words: string[], flags: { output?: 'json' }) => act(explain(words, flags)));
  program.command('check').description('can this host run Sidestep, and run it well')
    .option('--quick', 'only look: load no program, try no socket')
    .addOption(new Option('--pre', 'before an installation, by anybody: load, try and change nothing. Exit code 1: something to look at, 2: it cannot').conflicts('quick'))
    .addOption(outputOption())
    .action((flags: { output?: 'json'; quick?: boolean; pre?: boolean }) => act(check(flags)));
  program.command('bugreport').description('one file with what a maintainer needs to judge this host, without secrets')
    .argument('[file]', 'a .tar.gz that does not exist yet')
    .option('--dir <directory>', 'a directory instead, which does not exist yet')
    .option('--log <file>', 'file of the log; without it, journald')
    .addOption(new Option('--log-lines <number>', 'most lines of the log').argParser(wholeNumber).default(2000))
    .option('--no-mask', 'leave addresses and names of hosts and users as they are; secrets are masked all the same')
    .addOption(outputOption())
    .action((file: string | undefined, flags: BugreportFlags) => act(bugreport(file, flags)));
  program.command('retire').description('hand pairs back to TCP, losing nothing; all of them when none is named')
    .argument('[pair]', 'pair id')
    .option('--all', 'every pair, as when none is named')
    .addOption(new Option('--timeout <duration>', 'longest wait for unread bytes').argParser(duration))
    .option('--wait', 'wait for as long as it takes')
    .option('--uninstall', 'then end the agent and take hooks, maps and pins away; works without an agent too')
    .action((id: string | undefined, flags: RetireFlags) => act(retire(id, flags)));

  program.command('scope').description('which connections the selectors accelerate, and which they leave alone').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(scope(flags)));
  program.command('disable').description('leave alone, at once, what a selector matches; everything when none is given')
    .argument('[selector...]', 'such as program:redis-server, or port:6379 user:app').addOption(outputOption())
    .action((words: string[], flags: { output?: 'json' }) => act(disable(words, flags)));
  program.command('enable').description('undo a disable; all of them when none is given')
    .argument('[selector...]', 'as it was disabled').addOption(outputOption())
    .action((words: string[], flags: { output?: 'json' }) => act(enable(words, flags)));
  const listeners = program.command('reuseport').description('listeners that share a port, and what each of them gets').addOption(outputOption())
    .action((flags: { output?: 'json' }) => act(reuseport(flags)));
  listeners.command('rotate').description('from now on new listeners of this port take every connection, and those of now finish what they have')
    .argument('<port>', 'port', portNumber).action((port: number) => act(rotate(port)));

  const config = program.command('config').description('the configuration');
  config.command('print').description('the settings in force')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json', 'yaml']).default('yaml'))
    .option('--origin', 'where each value came from').addOption(setOption())
    .action((flags: { output: 'json' | 'yaml'; origin?: boolean; set: Record<string, string> }) => act(printConfig(flags)));
  config.command('validate').description('check a configuration, without an agent').argument('[file]')
    .action((file: string | undefined) => act(validateConfig(file)));
  config.command('diff').description('what a configuration would change in the running agent').argument('[file]').addOption(outputOption())
    .action((file: string | undefined, flags: { output?: 'json' }) => act(diffWithAgent(file, flags)));
  config.command('schema').description('JSON Schema of the configuration file').action(() => act(printSchema));

  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.good : EXIT.usage;
    return report(io, error);
  }
}
