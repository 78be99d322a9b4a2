/** Objects as an API server has them, of which a test only says the odd part. */
import type { Thing } from '../../helpers/api-server.js';

export const PODS = '/api/v1/pods';
export const SERVICES = '/api/v1/services';
export const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

export const uidOf = (number: number): string => `11111111-2222-3333-4444-${String(number).padStart(12, '0')}`;

export const podOf = (name: string, over: { annotations?: object; labels?: object; owner?: object; uid?: string; namespace?: string } = {}): Thing => ({
  metadata: {
    name, namespace: over.namespace ?? 'shop', uid: over.uid ?? uidOf(1), labels: over.labels ?? {}, annotations: over.annotations ?? {},
    ownerReferences: over.owner ? [{ controller: true, ...over.owner }] : [], managedFields: [{ manager: 'kubelet', fieldsV1: {} }],
  },
  spec: { nodeName: 'node-a' },
  status: { podIP: '10.244.0.7', podIPs: [{ ip: '10.244.0.7' }, { ip: 'fd00:244::7' }] },
});

export const serviceOf = (name: string, over: { annotations?: object; spec?: object } = {}): Thing => ({
  metadata: { name, namespace: 'shop', annotations: over.annotations ?? { 'sidestep.io/mesh': 'enabled' } },
  spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }], sessionAffinity: 'None', ...over.spec },
});

export interface EndpointOver {
  ready?: boolean | null;
  serving?: boolean;
  terminating?: boolean;
  node?: string;
  zone?: string;
  hints?: object;
}

export const endpointOf = (address: string, { ready = true, serving, terminating, node = 'node-b', zone = '', hints }: EndpointOver = {}): object => ({
  addresses: [address], conditions: { ready, ...(serving !== undefined && { serving }), ...(terminating !== undefined && { terminating }) },
  nodeName: node, ...(zone !== '' && { zone }), ...(hints && { hints }), targetRef: { kind: 'Pod', namespace: 'shop', name: `pod-${address}` },
});

export const sliceOf = (name: string, service: string, endpoints: readonly object[], over: object = {}): Thing => ({
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }], endpoints, ...over,
});
