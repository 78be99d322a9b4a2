/** Reads the kernel at scrape time and gives prom-client the values: one reading per scrape, all of one moment. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Datapath } from '../datapath/types.js';
import type { Log } from '../log.js';
import { ISTIO_METRICS } from './istio-names.js';
import { emitIstio } from './istio-reading.js';
import { emitKubernetes, emitOwners, emitWorkloadConnections, type KubernetesSource, type PodOf } from './kubernetes-reading.js';
import { readMesh, type MeshSource } from './mesh-reading.js';
import { readFrontDoor } from '../frontdoor/metrics.js';
import type { FrontDoorView } from '../frontdoor/view.js';
import { readReuseport } from '../reuseport/metrics.js';
import type { ReuseportView } from '../reuseport/view.js';
import { CountedHistogram, type Distribution } from './histogram.js';
import { METRICS, type MetricName } from './names.js';
import { read, type Emit, type Reading } from './reading.js';
import { Series } from './series.js';

export interface CollectorSource {
  readonly datapath: Datapath;
  readonly mesh?: MeshSource;
  readonly reuseport?: () => ReuseportView;
  readonly frontdoor?: () => FrontDoorView;
  /** Undefined: nobody asks Kubernetes. */
  readonly kubernetes?: KubernetesSource | undefined;
  readonly podOf?: PodOf;
  /** Most edges that are told apart (datapath.maxEdges). */
  readonly maxEdges?: number;
  /** The edges by Istio's names as well (metrics.istioNames). */
  readonly istioNames?: boolean;
  readonly version: string;
  readonly log: Log;
  reloadState(): { successful: boolean; at: number };
}

/** Milliseconds between two samples of what the event loop makes others wait. Each wakes the agent, also while nothing happens. */
const LOOP_SAMPLE_MS = 100;

/** What is said of one metric: gathered while the kernel is read, shown when that went well. */
interface Outlet {
  add(labels: Record<string, string>, value: number | Distribution): void;
  publish(): void;
  discard(): void;
}

class Numbers implements Outlet {
  readonly #series: Series;

  constructor(private readonly metric: Counter | Gauge) {
    this.#series = new Series(metric instanceof Counter);
  }

  add(labels: Record<string, string>, value: number): void { this.#series.add(labels, value); }
  discard(): void { this.#series.discard(); }

  publish(): void {
    this.metric.reset();
    // Of what has no labels a reset leaves a zero, also where nothing was said: a bus that is off would be one that is not synced.
    this.metric.remove({});
    for (const { labels, value } of this.#series.take()) this.metric.inc(labels, value);
  }
}

interface Held {
  readonly outlet: Outlet;
  /** Set by the reading; the others belong to the collector and outlive a reading that fails. */
  readonly fromKernel: boolean;
}

const own: ReadonlySet<string> = new Set<MetricName>([
  'sidestep_build_info', 'sidestep_scrape_duration_seconds', 'sidestep_scrape_errors_total',
  'sidestep_config_last_reload_successful', 'sidestep_config_last_reload_success_timestamp_seconds',
]);

export class Collector {
  readonly registry = new Registry();
  readonly #held = new Map<MetricName, Held>();
  #errors = 0;

  constructor(private readonly source: CollectorSource) {
    for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
      if (name in ISTIO_METRICS && source.istioNames !== true) continue;
      const options = { name, help, labelNames: labels, registers: [this.registry] };
      const outlet = type === 'histogram' ? new CountedHistogram(this.registry, options) : new Numbers(type === 'counter' ? new Counter(options) : new Gauge(options));
      this.#held.set(name as MetricName, { outlet, fromKernel: !own.has(name) });
    }
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  }

  /** Synchronous from the first read to the last value set, so that no scrape can see half of another. */
  refresh(): void {
    const began = performance.now();
    try {
      const reading = read(this.source.datapath, this.#emit);
      if (this.source.mesh) readMesh(this.source.mesh, this.#emit);
      if (this.source.kubernetes) this.#readKubernetes(this.source.kubernetes, reading);
      if (this.source.istioNames === true) emitIstio(reading.edges, reading.profiles, this.source.podOf ?? (() => null), this.#emit);
      if (this.source.reuseport) readReuseport(this.source.reuseport(), this.#emit);
      if (this.source.frontdoor) readFrontDoor(this.source.frontdoor(), this.#emit);
      this.#publish(true);
    } catch (error) {
      this.#errors++;
      for (const { outlet } of this.#held.values()) outlet.discard();
      this.source.log.warn('the kernel counters could not be read', { error });
    }
    const { successful, at } = this.source.reloadState();
    const layout = String(this.source.datapath.info().layoutVersion);
    this.#emit('sidestep_build_info', { version: this.source.version, layout, node: process.version }, 1);
    this.#emit('sidestep_config_last_reload_successful', {}, successful ? 1 : 0);
    this.#emit('sidestep_config_last_reload_success_timestamp_seconds', {}, at);
    this.#emit('sidestep_scrape_errors_total', {}, this.#errors);
    this.#emit('sidestep_scrape_duration_seconds', {}, (performance.now() - began) / 1000);
    this.#publish(false);
  }

  #readKubernetes(kubernetes: KubernetesSource, { open, profiles }: Reading): void {
    const { podOf = () => null, maxEdges = 0 } = this.source;
    emitKubernetes(kubernetes, this.#emit);
    emitOwners(profiles, podOf, this.#emit);
    emitWorkloadConnections(open, podOf, maxEdges, this.#emit);
  }

  readonly #emit: Emit = (name, labels, value) => {
    this.#held.get(name)?.outlet.add(labels, value);
  };

  #publish(fromKernel: boolean): void {
    for (const held of this.#held.values()) if (held.fromKernel === fromKernel) held.outlet.publish();
  }
}
