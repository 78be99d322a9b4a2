/** Objects of the API as the agent keeps them. Pure; whatever is not as expected reads as not there. */
import { isIP } from 'node:net';
import { canonical } from '../../config/address.js';
import { PROTOCOLS } from '../../config/service-types.js';
import type { Pod, Service, ServicePort, Slice, SliceEndpoint } from './types.js';

export type Raw = Readonly<Record<string, unknown>>;

export const mapOf = (value: unknown): Raw => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textsOf = (value: unknown): string[] => listOf(value).map(textOf).filter((text) => text !== '');
const wordsOf = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(mapOf(value)).flatMap(([key, word]) => (typeof word === 'string' ? [[key, word] as const] : [])));
const addressesOf = (value: unknown): string[] => textsOf(value).filter((text) => isIP(text) !== 0).map(canonical);

export const PREFIX = 'sidestep.io/';
/** Annotations, of which only our own are anybody's business here. */
const wishesOf = (annotations: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(wordsOf(annotations)).flatMap(([key, value]) => (key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value]] : [])));

/**
 * Whoever made the pod, one step further up where names tell: a Deployment names its ReplicaSets by its own name and the
 * hash that is a label of their pods, a CronJob its Jobs by its own name and the minute.
 */
function workloadOf(owners: unknown, labels: Readonly<Record<string, string>>): string {
  const owner = mapOf(listOf(owners).find((one) => mapOf(one)['controller'] === true) ?? listOf(owners)[0]);
  const [kind, name] = [textOf(owner['kind']), textOf(owner['name'])];
  if (kind === '' || kind === 'Node') return 'Pod';
  const hash = labels['pod-template-hash'] ?? '';
  if (kind === 'ReplicaSet' && hash !== '' && name.endsWith(`-${hash}`)) return `Deployment/${name.slice(0, -hash.length - 1)}`;
  const [, cron] = /^(.+)-\d{8,10}$/.exec(name) ?? [];
  return kind === 'Job' && cron !== undefined ? `CronJob/${cron}` : `${kind}/${name}`;
}

/** Of a static pod the kubelet writes another number into paths of cgroups than the API server has: that of its file. */
const fileHash = 'kubernetes.io/config.hash';

export function readPod(object: Raw): Pod | undefined {
  const metadata = mapOf(object['metadata']);
  const uid = wordsOf(metadata['annotations'])[fileHash] ?? textOf(metadata['uid']);
  if (uid === '') return undefined;
  const labels = wordsOf(metadata['labels']);
  const { podIPs, podIP } = mapOf(object['status']);
  const addresses = addressesOf(listOf(podIPs).map((one) => mapOf(one)['ip']));
  return {
    uid, labels, namespace: textOf(metadata['namespace']), name: textOf(metadata['name']), workload: workloadOf(metadata['ownerReferences'], labels),
    addresses: addresses.length > 0 ? addresses : addressesOf([podIP]), wishes: wishesOf(metadata['annotations']),
  };
}

/** SCTP is nothing that Sidestep serves, and a slice may have a port of any number. */
function portsOf(value: unknown): ServicePort[] {
  return listOf(value).flatMap((one) => {
    const { name, port, protocol = 'TCP' } = mapOf(one);
    const known = PROTOCOLS.find((candidate) => candidate === textOf(protocol).toLowerCase());
    return known !== undefined && typeof port === 'number' ? [{ name: textOf(name), port, protocol: known }] : [];
  });
}

export function readService(object: Raw): Service | undefined {
  const metadata = mapOf(object['metadata']);
  const { clusterIP, clusterIPs, ports, sessionAffinity, sessionAffinityConfig, internalTrafficPolicy } = mapOf(object['spec']);
  const addresses = addressesOf(clusterIPs);
  const { timeoutSeconds } = mapOf(mapOf(sessionAffinityConfig)['clientIP']);
  const seconds = typeof timeoutSeconds === 'number' ? timeoutSeconds : 10_800;
  return {
    namespace: textOf(metadata['namespace']), name: textOf(metadata['name']), addresses: addresses.length > 0 ? addresses : addressesOf([clusterIP]),
    ports: portsOf(ports), affinity: sessionAffinity === 'ClientIP' ? seconds * 1000 : 0, localOnly: internalTrafficPolicy === 'Local',
    wishes: wishesOf(metadata['annotations']),
  };
}

const namesOf = (value: unknown): string[] => textsOf(listOf(value).map((one) => mapOf(one)['name']));

function endpointOf(value: unknown): SliceEndpoint {
  const { addresses, conditions, nodeName, zone, hints, targetRef } = mapOf(value);
  const { ready, serving, terminating } = mapOf(conditions);
  const { kind, namespace, name } = mapOf(targetRef);
  return {
    addresses: addressesOf(addresses),
    // What nobody said counts as ready.
    ready: ready !== false, leaving: ready === false && serving === true && terminating === true,
    node: textOf(nodeName), zone: textOf(zone), forZones: namesOf(mapOf(hints)['forZones']), forNodes: namesOf(mapOf(hints)['forNodes']),
    pod: kind === 'Pod' ? `${textOf(namespace)}/${textOf(name)}` : '',
  };
}

export function readSlice(object: Raw): Slice | undefined {
  const { namespace, labels } = mapOf(object['metadata']);
  const service = wordsOf(labels)['kubernetes.io/service-name'] ?? '';
  if (service === '') return undefined;
  const endpoints = listOf(object['endpoints']).map(endpointOf).filter((one) => (one.ready || one.leaving) && one.addresses.length > 0);
  return { service: `${textOf(namespace)}/${service}`, ports: portsOf(object['ports']), endpoints };
}
