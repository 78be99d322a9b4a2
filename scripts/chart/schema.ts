/**
 * values.schema.json: the shape of charts/sidestep/values.yaml, and below `config` the schema of the agent's own file.
 * What a value may be follows from its default; where a default says too little, `shapes` does. Every map is closed, but
 * for those that are passed on to Kubernetes as they are.
 */
import { readFileSync } from 'node:fs';
import { isMap, isPair, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';
import { jsonSchema } from '../../config/jsonschema.js';

export type Json = Record<string, unknown>;

const valuesFile = new URL('../../../charts/sidestep/values.yaml', import.meta.url);

const passed: Json = { type: 'object' };
const list = (items: Json): Json => ({ type: 'array', items });
const strings: Json = { type: 'object', additionalProperties: { type: 'string' } };
const nameOfSecret: Json = { type: 'string', pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' };
const hostPath: Json = { type: 'string', pattern: '^/' };
const probe: Json = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    ['initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold', 'successThreshold', 'terminationGracePeriodSeconds'].map((name) => [name, { type: 'integer', minimum: 0 }]),
  ),
};
const duration: Json = { type: 'string', pattern: '^([0-9]+(ms|s|m|h))*$' };

/** By the path of the value. A map that is listed here is not looked into. */
const shapes: Readonly<Record<string, Json>> = {
  'image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  // `--set image.tag=20261126` is a number. One with a fraction stays refused: 1.10 would have become 1.1 by now.
  'image.tag': { type: ['string', 'integer'], pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  imagePullSecrets: list({ type: 'object', additionalProperties: false, required: ['name'], properties: { name: { type: 'string' } } }),
  commonLabels: strings,
  daemonSetAnnotations: strings,
  podAnnotations: strings,
  podLabels: strings,
  extraArgs: list({ type: 'string' }),
  extraEnv: list(passed),
  extraVolumes: list(passed),
  extraVolumeMounts: list(passed),
  extraObjects: list(passed),
  securityContext: passed,
  podSecurityContext: passed,
  appArmorProfile: { enum: ['', 'Unconfined', 'RuntimeDefault'] },
  'bpf.hostPath': hostPath,
  'cgroup.hostPath': hostPath,
  'run.hostPath': hostPath,
  'state.hostPath': hostPath,
  'bus.nkeySecret': nameOfSecret,
  'bus.credentialsSecret': nameOfSecret,
  'bus.caSecret': nameOfSecret,
  'bus.clientSecret': nameOfSecret,
  'nats.image': { type: 'string', minLength: 1 },
  'nats.replicas': { enum: [1, 3, 5] },
  'nats.tlsSecret': nameOfSecret,
  'nats.adminSeedSecret': nameOfSecret,
  'nats.hosts': { type: 'object', additionalProperties: { type: 'string', pattern: '^U[A-Z2-7]{55}$' } },
  'nats.adminKey': { type: 'string', pattern: '^(U[A-Z2-7]{55})?$' },
  'nats.resources': passed,
  'nats.affinity': passed,
  resources: passed,
  nodeSelector: strings,
  affinity: passed,
  tolerations: list(passed),
  updateStrategy: {
    type: 'object',
    additionalProperties: false,
    properties: {
      type: { enum: ['RollingUpdate', 'OnDelete'] },
      rollingUpdate: { type: ['object', 'null'], additionalProperties: false, properties: { maxUnavailable: { type: ['integer', 'string'] } } },
    },
  },
  terminationGracePeriodSeconds: { type: 'integer', minimum: 15 },
  dnsPolicy: { enum: ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  'serviceAccount.annotations': strings,
  ...Object.fromEntries(
    ['podMonitor', 'serviceMonitor'].flatMap((name) => [
      [`prometheus.${name}.labels`, strings],
      [`prometheus.${name}.interval`, duration],
      [`prometheus.${name}.scrapeTimeout`, duration],
      [`prometheus.${name}.sampleLimit`, { type: 'integer', minimum: 0 }],
      [`prometheus.${name}.relabelings`, list(passed)],
      [`prometheus.${name}.metricRelabelings`, list(passed)],
    ]),
  ),
  'prometheus.prometheusRule.labels': strings,
  'prometheus.prometheusRule.additionalGroups': list(passed),
  'grafana.dashboards.annotations': strings,
  'networkPolicy.metricsFrom': list(passed),
  'networkPolicy.egress': list(passed),
};

export interface Value {
  readonly path: string;
  readonly doc: string;
  readonly default: unknown;
}

interface Walked {
  readonly schema: Json;
  readonly values: Value[];
}

/** Text of the comment that begins with `--`; a comment above the first key of a map is kept by the map. */
function docOf(pair: Pair, map: YAMLMap): string {
  const key = isScalar(pair.key) ? (pair.key.commentBefore ?? '') : '';
  const comment = key === '' && map.items[0] === pair ? (map.commentBefore ?? '') : key;
  const [, text] = /(?:^|\n) ?-- ([\s\S]*)$/.exec(comment) ?? [];
  return (text ?? '').split('\n').map((line) => line.trim()).join(' ');
}

function leaf(path: string, value: unknown): Json {
  const shape = shapes[path];
  if (shape) return shape;
  const type = typeof value;
  if (type !== 'string' && type !== 'boolean' && type !== 'number') throw new Error(`values.yaml: ${path} needs a shape in scripts/chart/schema.ts.`);
  return { type: type === 'number' ? 'integer' : type };
}

function walk(map: YAMLMap, prefix: string): Walked {
  const properties: Json = {};
  const values: Value[] = [];
  for (const pair of map.items) {
    if (!isPair(pair) || !isScalar(pair.key)) throw new Error('values.yaml: only plain keys.');
    const name = String(pair.key.value);
    const path = `${prefix}${name}`;
    const doc = docOf(pair, map);
    if (path === 'config') {
      const config: Json = { ...jsonSchema() };
      delete config['$schema'];
      delete config['title'];
      properties[name] = { description: doc, ...config };
      values.push({ path, doc, default: JSON.parse(JSON.stringify(pair.value)) as unknown });
    } else if (isMap(pair.value) && pair.value.items.length > 0 && !(path in shapes)) {
      const inner = walk(pair.value, `${path}.`);
      properties[name] = inner.schema;
      values.push(...inner.values);
    } else {
      const value = JSON.parse(JSON.stringify(pair.value)) as unknown;
      properties[name] = { ...(doc !== '' && { description: doc }), ...leaf(path, value) };
      values.push({ path, doc, default: value });
    }
  }
  return { schema: { type: 'object', additionalProperties: false, properties }, values };
}

function walkValues(): Walked {
  const { contents } = parseDocument(readFileSync(valuesFile, 'utf8'));
  if (!isMap(contents)) throw new Error('values.yaml: not a map.');
  const walked = walk(contents, '');
  // What Helm itself hands to every chart.
  (walked.schema['properties'] as Json)['global'] = { type: 'object', description: 'Values that Helm shares between charts; not used.' };
  return walked;
}

/** Every value of the chart, in the order of values.yaml. */
export const chartValues = (): Value[] => walkValues().values;

export const valuesSchema = (): Json => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Values of the chart sidestep', ...walkValues().schema });
