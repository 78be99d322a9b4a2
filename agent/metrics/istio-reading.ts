/**
 * The edges between local programs once more, by the names and labels that Istio gives TCP traffic, for tools that read
 * those: Kiali, Istio's dashboards (`metrics.istioNames`). What Sidestep does not know is `unknown`, as it is there.
 */
import type { Edge, Profile, Traffic } from '../datapath/types.js';
import { ownersOf, type PodOf } from './kubernetes-reading.js';
import type { Emit } from './reading.js';

const UNKNOWN = 'unknown';
const bytesOf = ({ redirectedBytes, passedBytes }: Traffic): number => redirectedBytes + passedBytes;

/** The workload of a pod where a program is of one; its own name elsewhere. */
export function emitIstio(edges: readonly Edge[], profiles: readonly Pick<Profile, 'comm' | 'cgroup'>[], podOf: PodOf, emit: Emit): void {
  const owners = ownersOf(profiles, podOf);
  const named = (program: string): { workload: string; namespace: string } => {
    const owner = owners.get(program);
    // Istio names a workload without the kind of its owner.
    return owner && owner.namespace !== '' ? { workload: owner.workload.replace(/^.*\//, ''), namespace: owner.namespace } : { workload: program || UNKNOWN, namespace: UNKNOWN };
  };
  for (const { client, server, connections, clientSent, serverSent } of edges) {
    const [source, destination] = [named(client), named(server)];
    const series = {
      reporter: 'source', source_workload: source.workload, source_workload_namespace: source.namespace, source_canonical_service: source.workload,
      destination_workload: destination.workload, destination_workload_namespace: destination.namespace, destination_canonical_service: destination.workload,
      destination_service: UNKNOWN, destination_service_name: UNKNOWN, destination_service_namespace: destination.namespace,
      request_protocol: 'tcp', response_flags: '-', connection_security_policy: 'none',
    };
    emit('istio_tcp_connections_opened_total', series, connections);
    emit('istio_tcp_received_bytes_total', series, bytesOf(clientSent));
    emit('istio_tcp_sent_bytes_total', series, bytesOf(serverSent));
  }
}
