// SPDX-License-Identifier: Apache-2.0
/** The chart as text: it renders for every kind of user, is what Kubernetes takes, and refuses what is wrong by its name. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { loadConfig, type Config } from '../../config/load.js';
import { folder } from '../helpers/folder.js';
import { CHART, CI_FILES, configuration, helm, kubeconform, NEWEST, notes, OLDEST, only, pod, rendered, run, template, type Container, type Manifest, type Pod } from './helm.js';

const container = (manifests: readonly Manifest[]): Container => pod(manifests).spec.containers[0];
const ci = (name: string): string[] => ['-f', join(CHART, 'ci', `${name}-values.yaml`)];
const checksum = (...args: string[]): string => pod(rendered(args)).metadata.annotations['checksum/restart']!;

describe('the chart', function () {
  this.timeout(60_000);

  it('passes helm lint --strict with every file of values', () => {
    for (const file of CI_FILES) {
      const { code, stdout, stderr } = helm('lint', '--strict', CHART, '-f', file);
      assert.equal(code, 0, `${basename(file)}: ${stdout}${stderr}`);
    }
  });

  for (const version of [OLDEST, NEWEST])
    it(`renders to what Kubernetes ${version} takes, with every file of values`, () => {
      for (const file of CI_FILES) {
        const { code, stdout, stderr } = template(['-f', file], version);
        assert.equal(code, 0, `${basename(file)}: ${stderr}`);
        const checked = kubeconform(stdout, version);
        assert.equal(checked.code, 0, `${basename(file)}: ${checked.stdout}${checked.stderr}`);
        assert.match(checked.stdout, /Valid: [1-9]/);
      }
    });

  it('would notice a field that Kubernetes does not know', () => {
    const { code, stdout } = kubeconform(template(ci('default')).stdout.replace('hostPID:', 'hostPid:'), NEWEST);
    assert.equal(code, 1);
    assert.match(stdout, /hostPid/);
  });

  it('is refused by a Kubernetes that is too old', () => {
    assert.match(template([], '1.27.0').stderr, /incompatible with Kubernetes v1\.27\.0/);
  });

  it('its configuration loads in the agent, with every file of values', () => {
    const load = (file: string): Config => {
      const path = join(folder(), 'config.yaml');
      writeFileSync(path, configuration(rendered(['-f', file])));
      return loadConfig({ file: path, env: {}, flags: {} });
    };
    for (const file of CI_FILES) assert.notEqual(load(file).metrics.port, 0, basename(file));
    const { bus, services } = load(ci('bus')[1]!);
    assert.deepEqual([bus.nkey, bus.ca, bus.certificate, bus.key], ['/etc/sidestep-bus/node.nk', '/etc/sidestep-bus/ca/ca.crt', '/etc/sidestep-bus/client/tls.crt', '/etc/sidestep-bus/client/tls.key']);
    assert.equal(services[0]?.name, 'web');
  });

  it('a tag that is a number is the tag, from --set and from a file', () => {
    const file = join(folder(), 'values.yaml');
    const image = (...args: string[]): string => container(rendered(args)).image;
    for (const tag of ['20261126', '202611261200', '0', '7']) {
      writeFileSync(file, `image: {tag: ${tag}}\n`);
      assert.deepEqual([image('--set', `image.tag=${tag}`), image('-f', file)], [`sidestep:${tag}`, `sidestep:${tag}`]);
    }
    assert.equal(image('--set', 'image.tag='), image());
    writeFileSync(file, 'image: {tag: 1.10}\n');
    assert.match(template(['-f', file]).stderr, /'\/image\/tag': got number, want \w+ or \w+/);
  });

  describe('wrong values', () => {
    const refused = (...sets: string[]): string => {
      const { code, stderr } = template(sets.flatMap((set) => ['--set', set]));
      assert.equal(code, 1, `taken: ${sets.join(' ')}`);
      return stderr;
    };

    // Every map of values.yaml that the chart itself reads, and the agent's own keys below config.
    const typos: readonly (readonly [string, RegExp])[] = [
      ['imagee.tag=1', /imagee/], ['image.tagg=1', /tagg/], ['bpf.hostpath=/x', /hostpath/], ['bus.nkey=x', /nkey/],
      ['prometheus.podMonitor.enable=true', /'enable'/], ['prometheus.serviceMonitors.enabled=true', /serviceMonitors/],
      ['grafana.dashboard.enabled=true', /'dashboard'/], ['networkPolicy.from=x', /'from'/], ['livenessProbe.period=3', /'period'/],
      ['updateStrategy.rollingUpdate.maxSurge=1', /maxSurge/], ['config.datapath.maxPair=5', /maxPair/], ['config.metric.port=1', /'metric'/],
      ['config.lifecycle.onexit=keep', /onexit/], ['hostPid=true', /hostPid/], ['serviceAccount.created=true', /created/], ['tests.enable=false', /'enable'/],
    ];
    for (const [set, name] of typos) it(`${set} is refused by its name`, () => { assert.match(refused(set), name); });

    const values: readonly (readonly [string, RegExp])[] = [
      ['config.lifecycle.onExit=never', /onExit/], ['config.datapath.maxPairs=0', /maxPairs/], ['config.metrics.port=70000', /port/],
      ['image.pullPolicy=Sometimes', /pullPolicy/], ['image.digest=sha256:1', /digest/], ['bpf.hostPath=relative', /hostPath/],
      ['terminationGracePeriodSeconds=1', /terminationGracePeriodSeconds/], ['config.runDir=/run/../etc', /runDir/],
    ];
    for (const [set, name] of values) it(`${set} is refused`, () => { assert.match(refused(set), name); });

    it('that contradict each other are refused in words', () => {
      assert.match(refused('prometheus.podMonitor.enabled=true', 'prometheus.serviceMonitor.enabled=true'), /scrape every agent: enable one of them/);
      assert.match(refused('config.metrics.enabled=false'), /config\.metrics\.enabled must stay true/);
      assert.match(refused('config.metrics.port=0'), /config\.metrics\.port must not be 0/);
      assert.match(refused('bus.nkeySecret=a', 'bus.credentialsSecret=b'), /two ways to log in/);
      assert.match(refused('securityContext.capabilities.add={BPF,PERFMON}'), /lacks NET_ADMIN/);
    });
  });

  it('asks for the least: no privilege, no service account token, no network of the node, only its paths (h-overbroad-mount)', () => {
    for (const file of CI_FILES) {
      const { spec } = pod(rendered(['-f', file])) as Pod & { spec: { hostIPC?: boolean; initContainers?: object[] } };
      const { securityContext, volumeMounts } = spec.containers[0];
      assert.deepEqual([securityContext.privileged, securityContext.allowPrivilegeEscalation, securityContext.readOnlyRootFilesystem], [false, false, true]);
      assert.deepEqual(securityContext.capabilities.drop, ['ALL']);
      assert.deepEqual([spec.automountServiceAccountToken, spec.hostIPC, spec.initContainers], [basename(file).startsWith('kubernetes-'), undefined, undefined]);
      assert.deepEqual(spec.volumes.flatMap(({ hostPath }) => hostPath?.path ?? []), ['/sys/fs/bpf', '/sys/fs/cgroup', '/run/sidestep', '/var/lib/sidestep']);
      assert.ok(volumeMounts.every(({ mountPropagation: way }) => way === undefined || way === 'HostToContainer'));
    }
    assert.equal(pod(rendered([])).spec.hostNetwork, false);
    assert.equal(rendered([]).some(({ kind }) => kind.includes('Role')), false);
  });

  it('where it is to ask Kubernetes it may list and watch what it reads, and no more', () => {
    const roles = (...sets: string[]): Manifest[] => rendered(['--set', 'config.kubernetes.enabled=true', ...sets.flatMap((set) => ['--set', set])]).filter(({ kind }) => kind.includes('Role'));
    const rulesOf = (manifests: readonly Manifest[]): { resources: string[]; verbs: string[] }[] => (only(manifests, 'ClusterRole') as unknown as { rules: { resources: string[]; verbs: string[] }[] }).rules;
    const rules = rulesOf(roles());
    assert.deepEqual(rules.flatMap(({ resources }) => resources), ['pods', 'services', 'endpointslices']);
    for (const { verbs } of rules) assert.deepEqual(verbs, ['list', 'watch']);
    assert.deepEqual(rulesOf(roles('config.kubernetes.services=off')).flatMap(({ resources }) => resources), ['pods']);
    const binding = only(roles(), 'ClusterRoleBinding') as unknown as { roleRef: { name: string }; subjects: { name: string; namespace: string }[] };
    assert.deepEqual([binding.roleRef.name, binding.subjects.length], [only(roles(), 'ClusterRole').metadata.name, 1]);
    assert.deepEqual(roles('rbac.create=false'), []);
  });

  it('values of security mean what they say (h-nonprivileged-ignored)', () => {
    const asked = container(rendered(['--set', 'securityContext.capabilities.add={BPF,PERFMON,NET_ADMIN}'])).securityContext;
    assert.deepEqual(asked.capabilities.add, ['BPF', 'PERFMON', 'NET_ADMIN']);
    assert.deepEqual(asked.appArmorProfile, { type: 'Unconfined' });
    const old = pod(rendered([], OLDEST));
    assert.equal(old.metadata.annotations['container.apparmor.security.beta.kubernetes.io/agent'], 'unconfined');
    assert.equal(old.spec.containers[0].securityContext.appArmorProfile, undefined);
    assert.equal(container(rendered(ci('node-network'))).securityContext.appArmorProfile, undefined);
  });

  it('one value is the port of agent, container, probes, annotation and policy (h-probe-port-fixed)', () => {
    const manifests = rendered(['--set', 'config.metrics.port=9999']);
    const { ports, livenessProbe, readinessProbe, startupProbe } = container(manifests);
    assert.deepEqual(ports, [{ name: 'metrics', containerPort: 9999, protocol: 'TCP' }]);
    assert.deepEqual([livenessProbe, readinessProbe, startupProbe].map(({ httpGet }) => httpGet),
      ['/healthz', '/readyz', '/healthz'].map((path) => ({ path, port: 'metrics' })));
    assert.equal(pod(manifests).metadata.annotations['prometheus.io/port'], '9999');
    assert.deepEqual(only(manifests, 'NetworkPolicy').spec, {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'sidestep', 'app.kubernetes.io/instance': 'sidestep', 'app.kubernetes.io/component': 'agent' } },
      policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 9999, protocol: 'TCP' }] }],
    });
  });

  it('the probes ask where the agent listens', () => {
    assert.equal(container(rendered(ci('node-network'))).livenessProbe.httpGet.host, '127.0.0.1');
    assert.match(template(['--set', 'config.metrics.host=127.0.0.1']).stderr, /the kubelet does not reach 127\.0\.0\.1 of a pod/);
  });

  it('covers every Linux node by default, and only those that are asked for otherwise (h-tolerations-partial)', () => {
    const { spec } = pod(rendered([]));
    assert.deepEqual([spec.tolerations, spec.nodeSelector, spec.priorityClassName], [[{ operator: 'Exists' }], { 'kubernetes.io/os': 'linux' }, 'system-node-critical']);
    const other = pod(rendered(ci('node-network'))).spec;
    assert.deepEqual([other.tolerations.length, other.dnsPolicy, other.priorityClassName], [1, 'ClusterFirstWithHostNet', undefined]);
  });

  it('replaces pods for what an agent cannot change, and for nothing else', () => {
    const before = checksum();
    assert.equal(checksum('--set', 'config.log.level=debug', '--set', 'config.datapath.queueBytes=1MiB', '--set', 'config.guard.window.time=1s'), before);
    assert.notEqual(checksum('--set', 'config.datapath.maxPairs=4096'), before);
    assert.notEqual(checksum('--set', 'config.bus.mode=off'), before);
  });

  it('mounts the configuration and the socket as directories (h-socket-mount-stale)', () => {
    assert.deepEqual(container(rendered([])).volumeMounts.map(({ mountPath, subPath }) => [mountPath, subPath]),
      ['/etc/sidestep', '/sys/fs/bpf', '/host/cgroup', '/run/sidestep', '/var/lib/sidestep'].map((path) => [path, undefined]));
  });

  it('names of all objects are different, and short enough for the longest release', () => {
    const name = 'r'.repeat(53);
    const { stdout } = helm('template', name, CHART, '--kube-version', NEWEST, ...ci('operator'));
    const names = [...stdout.matchAll(/^kind: (\S+)\nmetadata:\n {2}name: (\S+)$/gm)].map(([, kind, metadata]) => `${kind}/${metadata}`);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length > 8);
    for (const one of names) assert.ok(one.split('/')[1]!.length <= 63, one);
  });

  it('its rules are the file of rules, with the base of the runbooks, and promtool takes them', () => {
    const rules = only(rendered(ci('operator')), 'PrometheusRule').spec as { groups: { name: string; rules: { annotations?: Record<string, string> }[] }[] };
    const file = parse(readFileSync(join(CHART, 'files/rules.yaml'), 'utf8')) as typeof rules;
    assert.deepEqual(rules.groups.map(({ name }) => name), [...file.groups.map(({ name }) => name), 'own']);
    const urls = rules.groups.flatMap((group) => group.rules).flatMap(({ annotations }) => annotations?.['runbook_url'] ?? []);
    assert.ok(urls.length > 10 && urls.every((url) => url.startsWith('https://runbooks.example/sidestep/alerts.md#')));
    const path = join(folder(), 'rules.json');
    writeFileSync(path, JSON.stringify(rules));
    const { code, stderr } = run('promtool', ['check', 'rules', path]);
    assert.equal(code, 0, stderr);
  });

  it('its dashboards arrive as they are', () => {
    const maps = rendered(ci('operator')).filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1');
    assert.equal(maps.length, 4);
    for (const { data, metadata } of maps) {
      assert.equal(metadata.namespace, 'monitoring');
      const [[file, text]] = Object.entries(data!) as [[string, string]];
      assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(join(CHART, 'dashboards', file.replace('sidestep-', '')), 'utf8')));
    }
  });

  it('says what comes next, and what an uninstall needs where the kernel goes on alone', () => {
    assert.match(notes([]), /kubectl -n mesh rollout status ds\/sidestep\n.*sidestep status\n.*helm test -n mesh sidestep/);
    assert.match(notes([]), /kubectl label namespace mesh pod-security\.kubernetes\.io\/enforce=privileged/);
    assert.match(notes(ci('operator')), /labels\.release/);
    assert.match(notes(['-f', join(CHART, 'values-ha.yaml')]), /Before `helm uninstall`, set it to retire/);
  });
});
