/** Wiring only, in the order things start: log, datapath, events, admin, metrics, web view, configuration, live table. */
import { constants } from 'node:os';
import type { Config, LoadOptions } from '../config/load.js';
import type { AgentView } from './admin/routes.js';
import { AdminServer } from './admin/server.js';
import { socketPath } from './admin/socket.js';
import { paintOf, type Io } from './cli/io.js';
import { hasColour } from './cli/render/paint.js';
import { Screen } from './cli/screen.js';
import { findCgroup2 } from './datapath/cgroup.js';
import type { Datapath, Standing } from './datapath/types.js';
import { EventPump } from './events.js';
import { retireAndLeave } from './goodbye.js';
import { FrontDoor } from './frontdoor/frontdoor.js';
import { ProcessHost } from './frontdoor/host.js';
import type { DoorHost } from './frontdoor/types.js';
import { Lifecycle, type StartStep } from './lifecycle/lifecycle.js';
import { Supervisor, type Send } from './lifecycle/supervisor.js';
import { installSignals, type SignalSource } from './lifecycle/signals.js';
import { LiveTable } from './live.js';
import { placeOf } from './mesh/host.js';
import { Kubernetes } from './kubernetes/kubernetes.js';
import { Mesh, type OpenKernel } from './mesh/mesh.js';
import { isJournal } from './log-journal.js';
import { createLog, resolveFormat, type Log } from './log.js';
import { MetricsEndpoint } from './metrics/endpoint.js';
import { listedProfiles } from './guard/lists.js';
import { guardOf } from './guard/make.js';
import { Resolver } from './pairs/resolve.js';
import { PressureWatch } from './pressure.js';
import { Reloader } from './reload.js';
import { Reuseport } from './reuseport/reuseport.js';
import type { ReuseportHost } from './reuseport/types.js';
import { Scope } from './scope/scope.js';
import { shareProfiles } from './sharing.js';
import { version } from './version.js';
import { WebEndpoint } from './web/endpoint.js';

export type OpenDatapath = (config: Config, log: Log, standing: Standing) => Promise<Datapath>;

export type OpenDoors = (config: Config, log: Log) => DoorHost;

/** Loaded only here: no other command needs the addon. */
export const openDatapath: OpenDatapath = async (config, log, standing) => {
  const { openNative } = await import('./datapath/native.js');
  return openNative(config, log, standing);
};

/** Likewise. */
export const openReuseport = async (): Promise<ReuseportHost> => (await import('./reuseport/native.js')).reuseportHost;

/** Likewise. */
export const openMesh: () => Promise<OpenKernel> = async () => (await import('./mesh/native.js')).openMesh;

/** It has the addon in a process of its own. */
export const openDoors: OpenDoors = (config, log) => new ProcessHost(config, log);

export interface AgentOptions {
  readonly open: OpenDatapath;
  readonly openMesh: () => Promise<OpenKernel>;
  readonly openReuseport: () => Promise<ReuseportHost>;
  readonly openDoors: OpenDoors;
  /** What the configuration was loaded from, to load it again. */
  readonly sources: LoadOptions;
  readonly io: Io;
  readonly signals: SignalSource;
  exit(code: number): void;
  /** How a service manager is told; nobody is without one. */
  readonly notify: Send;
}

/** What a stop may take beyond the wait for unread bytes. */
const stopMarginMs = 5000;

/** The terminal went away. */
const hungUpCode = 128 + constants.signals.SIGHUP;

/** Runs until a signal stops it. The exit code is 0 when everything that was started was stopped. */
export async function runAgent(config: Config, options: AgentOptions): Promise<number> {
  const screen = options.io.stdout.isTTY ? new Screen(options.io.stdout) : undefined;
  const log = logOf(config, options.io, screen);
  const reloader = new Reloader(config, options.sources, log.child('config'));
  const stopMs = config.lifecycle.retireTimeout + stopMarginMs;
  const lifecycle = new Lifecycle(log.child('lifecycle'), stopMs);
  const supervisor = new Supervisor(options.io.env, options.notify, log.child('lifecycle'));
  const phase = { notReady: 'starting', hungUp: false, uninstall: false };

  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => { ask = resolve; });
  const onStop = (signal: string): void => {
    log.info('stopping', { signal });
    supervisor.stopping(stopMs + stopMarginMs);
    phase.notReady = 'stopping';
    ask();
    void lifecycle.stop();
  };
  const removeSignals = installSignals(options.signals, {
    onStop,
    // On a terminal it means that the terminal has gone, and the person with it.
    onReload: () => {
      if (!screen) {
        supervisor.reloading();
        reloader.reload();
        supervisor.ready(reloader.state.successful ? 'serving' : `serving; the last configuration did not load: ${reloader.state.error}`);
      } else {
        phase.hungUp = true;
        onStop('SIGHUP');
      }
    },
    onFatal: (error) => { log.error('an error that nobody caught', { error }); },
    exit: (code) => {
      screen?.close();
      options.exit(code);
    },
  });
  try {
    if (await lifecycle.start((step) => startAll(step, { config, options, log, reloader, phase, screen, onStop }))) {
      phase.notReady = '';
      log.info('ready', { version });
      supervisor.ready('serving');
    }
    await asked;
    const { late, failed } = await lifecycle.stop();
    if (phase.hungUp) return hungUpCode;
    return late.length + failed.length === 0 ? 0 : 1;
  } finally {
    supervisor.close();
    removeSignals();
  }
}

interface Parts {
  readonly config: Config;
  readonly options: AgentOptions;
  readonly log: Log;
  readonly reloader: Reloader;
  readonly phase: { notReady: string; uninstall: boolean };
  readonly screen: Screen | undefined;
  readonly onStop: (why: string) => void;
}

async function startAll(step: StartStep, { config, options, log, reloader, phase, screen, onStop }: Parts): Promise<void> {
  const { onExit, retireTimeout } = config.lifecycle;
  const listed = await step('profiles', () => listedProfiles(config.guard));
  const cgroupRoot = findCgroup2();
  const scope = new Scope(config, { cgroupRoot }, log.child('scope'));
  const datapath = await step('datapath', () => options.open(config, log.child('datapath'), scope.standing), async (opened) => {
    if (onExit === 'keep' && !phase.uninstall) opened.close();
    else await retireAndLeave(opened, retireTimeout, log.child('lifecycle'));
  });

  await step('scope', () => { scope.start(datapath); }, () => { scope.stop(); });

  const events = new EventPump(log.child('connections'));
  await step('events', () => { events.start(datapath); }, () => { events.flush(); });

  const { guard, profiles, store } = guardOf(config, datapath, listed, log.child('guard'));
  await step('guard', () => guard.start().catch((error: unknown) => {
    log.child('guard').error('programs that are known could not be looked for; they are learned anew', { error });
  }), () => guard.stop());
  const reuseport = new Reuseport(config, await options.openReuseport(), cgroupRoot, log.child('reuseport'));
  await step('reuseport', () => reuseport.start(), () => reuseport.stop(onExit === 'keep' && !phase.uninstall));
  const place = placeOf(config);
  const kubernetes = config.kubernetes.enabled ? new Kubernetes({ config, place, cgroupRoot, scope, log: log.child('kubernetes') }) : undefined;
  const mesh = new Mesh({ config, place, log, openKernel: await options.openMesh(), sources: kubernetes?.sources ?? [] });
  await step('mesh', () => mesh.start(), () => mesh.stop(onExit === 'keep' && !phase.uninstall));
  await step('kubernetes', () => { kubernetes?.start(); }, () => kubernetes?.stop());
  const doorLog = log.child('frontdoor');
  const settled = (): boolean => mesh.notReady() === '' && (kubernetes?.notReady() ?? '') === '';
  const frontdoor = new FrontDoor(config, { host: options.openDoors(config, doorLog), mesh, settled }, doorLog);
  const sharing = await step('sharing', () => shareProfiles(config, place.name, mesh.profiles, { guard, store }, log.child('guard')), (started) => started?.stop());
  const pressure = new PressureWatch(log.child('datapath'));
  await step('pressure', () => { pressure.start(datapath); }, () => { pressure.stop(); });

  const resolver = new Resolver({ cgroupRoot, podOf: (path) => kubernetes?.podOf(path) ?? null });
  const metrics = new MetricsEndpoint(config.metrics);
  const web = new WebEndpoint(config.web);
  const notReady = (): string => phase.notReady || mesh.notReady() || (kubernetes?.notReady() ?? '');
  const view: AgentView = {
    datapath,
    scope,
    reuseport,
    mesh,
    frontdoor,
    resolver,
    kubernetes,
    guard,
    profiles,
    sharing,
    log,
    version,
    startedAt: new Date(),
    retireTimeoutMs: retireTimeout,
    notReady,
    metrics: () => metrics.state,
    web: () => web.state,
    reloadState: () => reloader.state,
    reload: () => { reloader.reload(); },
    config: () => reloader.current,
    uninstall: () => {
      phase.uninstall = true;
      // The answer goes out first.
      setImmediate(() => { onStop('uninstall'); });
    },
  };
  const admin = new AdminServer(view);
  await step('admin', () => admin.listen(socketPath(config.runDir), config.admin), () => admin.close());
  // Not before it is known that no other agent has this run directory, and the door in it.
  const outlives = !diesWithAgent(options.io.env);
  await step('frontdoor', () => frontdoor.start(), () => frontdoor.stop({ keep: outlives && onExit === 'keep' && !phase.uninstall, patienceMs: retireTimeout }));

  const podOf = (cgroup: string): ReturnType<Resolver['podOf']> => resolver.podOf(cgroup);
  const source = { datapath, mesh, kubernetes, podOf, maxEdges: config.datapath.maxEdges, istioNames: config.metrics.istioNames, reuseport: () => reuseport.lastView(), frontdoor: () => frontdoor.lastView(), version, log: log.child('metrics'), reloadState: () => reloader.state };
  await step('metrics', () => metrics.start(source, notReady), () => metrics.stop());
  await step('web', () => web.start(view, log.child('web')), () => web.stop());
  await step('configuration', () => { reloader.start({ datapath, scope, reuseport, mesh, frontdoor }); }, () => { reloader.stop(); });

  if (!screen) return;
  const live = new LiveTable(view, screen, paintOf(options.io));
  await step('live table', () => live.start(), () => { live.stop(); });
}

/** In a container the door process ends with the agent, so it has to drain first. */
const diesWithAgent = (env: NodeJS.ProcessEnv): boolean => process.pid === 1 || env['KUBERNETES_SERVICE_HOST'] !== undefined;

/** The log is on stderr; on the terminal of the live table it scrolls above it. */
function logOf({ log: { level, format } }: Config, { stderr, env }: Io, screen: Screen | undefined): Log {
  const isTTY = stderr.isTTY ?? false;
  const write = screen && isTTY ? (line: string) => { screen.print(line); } : (line: string) => { stderr.write(line); };
  return createLog({ level, format: resolveFormat(format, isTTY, isJournal(env)), write, colour: hasColour(isTTY, env) });
}
