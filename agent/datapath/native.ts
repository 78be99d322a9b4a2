/** Open the datapath of this host: lock, choose the mode by behaviour, load or take over, attach. */
import { readFileSync } from 'node:fs';
import type { Config } from '../../config/types.js';
import { native, objectPath } from '../../native/index.js';
import { missingCapabilities } from '../check/capabilities.js';
import { SidestepError } from '../errors.js';
import { tellsAll, type Log } from '../log.js';
import { findCgroup2, servedCgroup } from './cgroup.js';
import { abandon, claim } from './claim.js';
import { decideMode } from './mode.js';
import { HostDatapath, type ModeChoice } from './native-datapath.js';
import { runSelfTest } from './selftest.js';
import { nativePlacement, nativeSelector } from './convert.js';
import { translate, translated, verifierLog } from './translate.js';
import type { Datapath, Standing } from './types.js';

export async function openNative(config: Config, log: Log, standing: Standing): Promise<Datapath> {
  const { pinPath } = config.bpf;
  requireCapabilities();
  const release = translated(() => claimPins(pinPath));
  try {
    const served = servedCgroup(config.cgroup.path);
    const choice = await chooseMode(config, findCgroup2(), log);
    return open(config, served, choice, standing, log, release);
  } catch (error) {
    abandon(pinPath, release);
    const words = verifierLog(error);
    if (words !== '') log.debug('the verifier said', { words });
    throw translate(error);
  }
}

function open(config: Config, cgroupPath: string, choice: ModeChoice, standing: Standing, log: Log, release: () => void): Datapath {
  const { observe, trustListeners, maxPairs, maxHalfOpen, maxListeners, maxEdges, queueBytes, eventBuffer } = config.datapath;
  const { time, connections, bytes } = config.guard.window;
  const datapath = new native.NativeDatapath({
    objectPath: objectPath(), cgroupPath, pinPath: config.bpf.pinPath, unified: choice.mode !== 'split',
    enabled: standing.enabled && choice.mode !== 'off', observe, trustListeners,
    maxPairs, maxHalfOpen, maxListeners, maxEdges, queueBytes, eventBuffer,
    scope: standing.rules.map(nativeSelector),
    windowMs: time, windowConnections: connections, windowBytes: bytes, ...nativePlacement(config.placement),
    tellAll: tellsAll(config.log.level), verifierLog: tellsAll(config.log.level), queueWait: config.metrics.queueWait,
  });
  const opened = new HostDatapath(datapath, choice, log, release);
  if (opened.info().tookOver) reportTakeOver(opened, config, log);
  return opened;
}

/** Sizes are of the maps that were found; a change of them waits until the maps are made anew. */
function reportTakeOver(datapath: Datapath, config: Config, log: Log): void {
  const maps = datapath.maps();
  const capacity = (name: string): number | undefined => maps.find((map) => map.name === name)?.capacity;
  log.info('took over the datapath of an earlier agent', { pairs: maps.find((map) => map.name === 'pairs')?.entries ?? 0 });
  const { maxPairs, maxHalfOpen, maxListeners, maxEdges } = config.datapath;
  const wanted = { pairs: maxPairs, half_open: maxHalfOpen, listeners: maxListeners, edges: maxEdges };
  for (const [name, size] of Object.entries(wanted)) {
    if (capacity(name) !== size) log.warn('a map keeps its size until the datapath is retired and started anew', { map: name, size: capacity(name), configured: size });
  }
}

/** A kernel that fails order, loss, back-pressure or wake-ups is never accelerated. */
async function chooseMode(config: Config, root: string, log: Log): Promise<ModeChoice> {
  const { mode, selfTest } = config.datapath;
  if (mode === 'off') return { mode, why: 'datapath.mode is off' };
  if (!selfTest) return { mode: mode === 'split' ? 'split' : 'unified', why: 'datapath.selfTest is off: taken on trust' };
  const started = Date.now();
  const { mode: decided, why, trials } = await decideMode(mode, (each) => runSelfTest(root, config.bpf.pinPath, each));
  if (decided === 'off' && mode !== 'auto') throw new SidestepError('self_test_failed', `datapath.mode ${mode}: ${why}`);
  const took = { mode: decided, redirectedMessages: trials.at(-1)?.redirected ?? 0, ms: Date.now() - started };
  if (why === '') log.info('self-test passed on throw-away sockets', took);
  else if (decided === 'off') log.warn('self-test failed: nothing is accelerated on this kernel', { ...took, failures: why });
  else log.warn('self-test passed on throw-away sockets, but not in the best mode', { ...took, failures: why });
  return { mode: decided, why };
}

function requireCapabilities(): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length > 0) throw new SidestepError(process.getuid?.() === 0 ? 'missing_capability' : 'not_root', missing.join(', '));
}

function claimPins(path: string): () => void {
  try {
    return claim(path);
  } catch (error) {
    // What the addon says has its own words; this is mkdir.
    throw error instanceof Error && 'operation' in error ? error : new SidestepError('no_bpffs', path, error);
  }
}
