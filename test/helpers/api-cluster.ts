// SPDX-License-Identifier: Apache-2.0
/** A real kube-apiserver on a real etcd, without nodes: objects are what a test makes them. scripts/bootstrap kubernetes brings both. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './kernel.js';
import { freePort } from './free-port.js';

const APISERVER = fileURLToPath(new URL('../../../.cache/kubernetes/kube-apiserver', import.meta.url));
const ADMIN = 'the-administrator-of-this-test';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class ApiCluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'sidestep-kube-'));
  readonly ca = join(this.dir, 'cert.pem');
  #port = 0;
  #etcdPort = 0;
  #etcd: ChildProcess | undefined;
  #server: ChildProcess | undefined;
  #said = '';

  get url(): string { return `https://127.0.0.1:${this.#port}`; }

  async start(): Promise<void> {
    this.#secrets();
    [this.#port, this.#etcdPort] = [await freePort(), await freePort()];
    const [client, peer] = [`http://127.0.0.1:${this.#etcdPort}`, `http://127.0.0.1:${await freePort()}`];
    this.#etcd = this.#run('etcd', ['--data-dir', join(this.dir, 'etcd'), '--listen-client-urls', client, '--advertise-client-urls', client,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--unsafe-no-fsync']);
    await this.startServer();
  }

  /** On the same port, unless another is given: there nobody finds it but who is told. */
  async startServer(port = this.#port): Promise<void> {
    const file = (name: string): string => join(this.dir, name);
    this.#server = this.#run(APISERVER, [`--etcd-servers=http://127.0.0.1:${this.#etcdPort}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1',
      `--tls-cert-file=${this.ca}`, `--tls-private-key-file=${file('key.pem')}`, `--service-account-key-file=${file('sa.pub')}`,
      `--service-account-signing-key-file=${file('sa.key')}`, '--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.96.0.0/24',
      '--authorization-mode=RBAC', `--token-auth-file=${file('tokens.csv')}`, '--disable-admission-plugins=ServiceAccount', '--endpoint-reconciler-type=none']);
    await eventually(async () => {
      if (this.#server?.exitCode !== null) throw new Error(`kube-apiserver ended: ${this.#said.slice(-2000)}`);
      return (await this.ask('GET', '/readyz', undefined, port).catch((error: unknown) => ({ status: String(error) }))).status === 200 ? '' : 'the API server is not ready';
    }, 60_000);
  }

  /** SIGKILL: without a last word to those who watch. */
  async killServer(): Promise<void> { await end(this.#server); }

  async clean(): Promise<void> {
    await end(this.#server);
    await end(this.#etcd);
    rmSync(this.dir, { recursive: true, force: true });
  }

  ask(method: string, path: string, body?: object, port = this.#port): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const asking = request(`https://127.0.0.1:${port}${path}`, { method, ca: readFileSync(this.ca), agent: false, headers: { authorization: `Bearer ${ADMIN}`, 'content-type': type } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => { text += piece; }).on('end', () => {
          resolve({ status: answer.statusCode ?? 0, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} });
        });
      });
      asking.once('error', reject);
      asking.end(body && JSON.stringify(body));
    });
  }

  /** Fails unless the server agrees. */
  async must(method: string, path: string, body?: object, port = this.#port): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body, port);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${String(answer.body['message'])}`);
    return answer.body;
  }

  /** A token of a service account, as the kubelet mounts it. */
  async tokenOf(namespace: string, name: string): Promise<string> {
    const { status } = await this.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { spec: { expirationSeconds: 3600 } });
    return (status as { token: string }).token;
  }

  #run(file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (chunk: Buffer) => { this.#said = `${this.#said}${chunk.toString()}`.slice(-20_000); });
    child.once('error', (error) => { this.#said += `${error.message}; run: scripts/bootstrap kubernetes`; });
    return child;
  }

  #secrets(): void {
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem'], { cwd: this.dir, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(this.dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(join(this.dir, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(this.dir, 'tokens.csv'), `${ADMIN},admin,admin,"system:masters"\n`);
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
