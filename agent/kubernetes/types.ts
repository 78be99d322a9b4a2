/** What of Kubernetes the agent knows: the few fields of each object that it uses, and nothing else is kept. */
import type { Protocol } from '../../config/service-types.js';

/** Whose process it is. The workload outlives its pods, so that it can be a label of a metric; a name of a pod cannot. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Kind and name of whoever made the pod, such as `Deployment/web`; `Pod` for a pod that nobody made. */
  readonly workload: string;
}

export interface Pod extends PodIdentity {
  /** As the kubelet writes it into paths of cgroups. */
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** Of its annotations, those of Sidestep, without `sidestep.io/`. */
  readonly wishes: Readonly<Record<string, string>>;
}

export interface ServicePort {
  /** '' for the only port of a service that did not name it. */
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** None for a headless one. */
  readonly addresses: readonly string[];
  readonly ports: readonly ServicePort[];
  /** Milliseconds that a client keeps its endpoint; 0: it does not. */
  readonly affinity: number;
  /** Clients of this node get endpoints of this node only. */
  readonly localOnly: boolean;
  readonly wishes: Readonly<Record<string, string>>;
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean;
  /** It still answers, but is on its way out. */
  readonly leaving: boolean;
  readonly node: string;
  readonly zone: string;
  /** Zones, and nodes, whose clients should take it; empty: nobody said. */
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
  /** `NAMESPACE/NAME` of the pod; '' when it is none. */
  readonly pod: string;
}

export interface Slice {
  /** `NAMESPACE/NAME` of its service. */
  readonly service: string;
  readonly ports: readonly ServicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}
