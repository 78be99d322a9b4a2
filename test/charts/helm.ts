// SPDX-License-Identifier: Apache-2.0
/** Helm and kubeconform as people run them, and the schemas that kubeconform reads, for one version of Kubernetes each. */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { folder } from '../helpers/folder.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tools = join(root, '.cache/charts');

export const CHART = join(root, 'charts/sidestep');
export const OLDEST = '1.28.0';
export const NEWEST = '1.37.0';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(program: string, args: readonly string[], input = ''): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input, cwd: root, maxBuffer: 64 << 20, timeout: 60_000 });
  if (error) throw new Error(`${program}: ${error.message}; run: scripts/bootstrap charts`);
  return { code: status ?? -1, stdout, stderr };
}

export const helm = (...args: string[]): Ran => run(join(tools, 'helm'), args);

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: unknown;
  readonly data?: Record<string, string>;
}

export interface SecurityContext {
  readonly privileged: boolean;
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly runAsUser: number;
  readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile: { readonly type: string };
  readonly appArmorProfile?: object;
}

export interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
  readonly mountPropagation?: string;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly host?: string };
}

export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } } }[];
  readonly ports: readonly object[];
  readonly securityContext: SecurityContext;
  readonly volumeMounts: readonly Mount[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

export interface PodSpec {
  readonly hostPID: boolean;
  readonly hostNetwork: boolean;
  readonly dnsPolicy: string;
  readonly automountServiceAccountToken: boolean;
  readonly priorityClassName?: string;
  readonly nodeSelector: Record<string, string>;
  readonly tolerations: readonly object[];
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string }; readonly configMap?: { readonly name: string } }[];
}

/** The template of the DaemonSet's pods. */
export interface Pod {
  readonly metadata: { readonly annotations: Record<string, string> };
  readonly spec: PodSpec;
}

export const CI_FILES: readonly string[] = [...readdirSync(join(CHART, 'ci')).sort().map((name) => join(CHART, 'ci', name)), join(CHART, 'values-ha.yaml')];

export const template = (args: readonly string[], kubernetes = NEWEST): Ran =>
  helm('template', 'sidestep', CHART, '--namespace', 'mesh', '--kube-version', kubernetes, ...args);

export function rendered(args: readonly string[], kubernetes = NEWEST): Manifest[] {
  const { code, stdout, stderr } = template(args, kubernetes);
  if (code !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest | null).filter((manifest) => manifest !== null);
}

export const pod = (manifests: readonly Manifest[]): Pod => (only(manifests, 'DaemonSet').spec as { template: Pod }).template;

/** The file that the agent finds. */
export function configuration(manifests: readonly Manifest[]): string {
  const text = manifests.flatMap(({ data }) => data?.['config.yaml'] ?? []);
  if (text.length !== 1) throw new Error(`${text.length} configurations`);
  return text[0]!;
}

export const only = (manifests: readonly Manifest[], kind: string): Manifest => {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind} in ${manifests.map((one) => one.kind).join(' ')}`);
  return found[0]!;
};

type Json = Record<string, unknown>;

const references = (schema: unknown): string[] => [...JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/g)].map((match) => match[1]!);

/** What Helm would say after an install: it says it to a cluster only, so the text is rendered as one more object. */
export function notes(args: readonly string[]): string {
  const copy = join(folder(), 'sidestep');
  cpSync(CHART, copy, { recursive: true });
  const text = join(copy, 'templates/NOTES.txt');
  writeFileSync(join(copy, 'templates/notes.yaml'),
    `{{- define "notes" -}}\n${readFileSync(text, 'utf8')}{{- end -}}\nkind: Notes\nmetadata: {name: notes}\ntext: {{ include "notes" . | quote }}\n`);
  rmSync(text);
  const { code, stdout, stderr } = helm('template', 'sidestep', copy, '--namespace', 'mesh', '--kube-version', NEWEST, '--show-only', 'templates/notes.yaml', ...args);
  if (code !== 0) throw new Error(stderr);
  return (parse(stdout) as { text: string }).text;
}

/** Kinds that the chart makes. */
const wanted = /^(daemonset|pod|service|serviceaccount|configmap|networkpolicy|secret|statefulset|job|poddisruptionbudget|clusterrole|clusterrolebinding)-/;

/** Schemas refer to one large file of definitions by an address; kubeconform wants what each needs inside it. */
function prepare(version: string, into: string): void {
  const from = readdirSync(tools).find((name) => name.startsWith('schemas-') && !name.includes('.tmp'));
  if (from === undefined) throw new Error('no schemas of Kubernetes; run: scripts/bootstrap charts');
  const source = join(tools, from, `v${version}-local-strict`);
  const read = (file: string): Json => JSON.parse(readFileSync(join(source, file), 'utf8').replace(/"[^"]*_definitions\.json#\//g, '"#/')) as Json;
  const definitions = (read('_definitions.json')['$defs'] ?? {}) as Json;
  mkdirSync(`${into}.tmp`, { recursive: true });
  for (const file of readdirSync(source).filter((name) => wanted.test(name))) {
    const schema = read(file);
    const needed = new Set<string>();
    for (const todo = references(schema); todo.length > 0;) {
      const name = todo.pop()!;
      if (needed.has(name)) continue;
      needed.add(name);
      todo.push(...references(definitions[name]));
    }
    schema['$defs'] = Object.fromEntries([...needed].map((name) => [name, definitions[name]]));
    writeFileSync(join(`${into}.tmp`, file), JSON.stringify(schema));
  }
  renameSync(`${into}.tmp`, into);
}

/** The profile that containerd gives a container that asks for RuntimeDefault and holds these capabilities. */
export function seccompOf(type: string, capabilities: readonly string[]): object {
  if (type !== 'RuntimeDefault') throw new Error(`no seccomp profile for ${type}`);
  return JSON.parse(run(join(tools, 'seccomp'), capabilities).stdout) as object;
}

/** Kinds of the Prometheus operator have no schema here; their rules are checked by promtool. */
export function kubeconform(manifests: string, version: string): Ran {
  const schemas = join(tools, `kubeconform-${version}-${createHash('sha256').update(wanted.source).digest('hex').slice(0, 8)}`);
  if (!existsSync(schemas)) prepare(version, schemas);
  return run(join(tools, 'kubeconform'), ['-strict', '-summary', '-skip', 'PodMonitor,ServiceMonitor,PrometheusRule',
    '-schema-location', `${schemas}/{{.ResourceKind}}{{.KindSuffix}}.json`, '-'], manifests);
}
