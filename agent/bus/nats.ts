/** The bus over NATS: a JetStream bucket. The one file that knows the client; what the client promises is checked above. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  connect, consumerOpts, credsAuthenticator, Events, headers, nkeyAuthenticator, StorageType,
  type ConnectionOptions, type JetStreamClient, type JetStreamSubscription, type JsMsg, type MsgHdrs, type NatsConnection, type TlsOptions,
} from 'nats';
import { inboxOf } from './permissions.js';
import { hostOf } from './security.js';
import type { BusLink, Connect, LinkListener, Watch, WatchListener } from './types.js';

export interface NatsOptions {
  readonly servers: readonly string[];
  readonly cluster: string;
  readonly bucket: string;
  /** What is in it, for people who look at the server. */
  readonly about: string;
  /** Who this is, for people who look at the server's connections. */
  readonly name: string;
  readonly host: string;
  readonly tls: TlsOptions | undefined;
  /** Files, read again at each connection; '' for none. */
  readonly credentials: string;
  readonly nkey: string;
  /** The bucket forgets what nobody has written for so long; a convenience, never a sign. */
  readonly forgetMs: number;
}

const operation = 'KV-Operation';
const putTimeoutMs = 5000;

function authenticators({ credentials, nkey }: NatsOptions): Pick<ConnectionOptions, 'authenticator'> {
  if (credentials !== '') return { authenticator: (nonce) => credsAuthenticator(readFileSync(credentials))(nonce) };
  if (nkey !== '') return { authenticator: (nonce) => nkeyAuthenticator(() => new TextEncoder().encode(readFileSync(nkey, 'utf8').trim()))(nonce) };
  return {};
}

/**
 * The client names no host when a server is known by its address, and Node then asks the certificate for "localhost". A
 * certificate is good if it is that of one of the servers that were named.
 */
function identityCheck(servers: readonly string[]): (host: string, certificate: PeerCertificate) => Error | undefined {
  const addresses = servers.map(hostOf).filter((host) => isIP(host) !== 0);
  return (host, certificate) => {
    if (host !== 'localhost' || addresses.length === 0) return checkServerIdentity(host, certificate);
    const complaints = addresses.map((address) => checkServerIdentity(address, certificate));
    return complaints.includes(undefined) ? undefined : complaints[0];
  };
}

async function open(options: NatsOptions): Promise<NatsConnection> {
  return connect({
    servers: [...options.servers],
    name: options.name,
    ...(options.tls === undefined ? {} : { tls: { ...options.tls, checkServerIdentity: identityCheck(options.servers) } as TlsOptions }),
    ...authenticators(options),
    // It never gives up (nats-gives-up-reconnecting), not even on a refusal: credentials are rotated while we run.
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    reconnectJitterTLS: 1000,
    pingInterval: 5000,
    maxPingOut: 2,
    timeout: 5000,
    // Names are resolved by the system, /etc/hosts included (nats-hosts-file-ignored).
    resolve: false,
    // Nobody else may read the answers that are meant for us.
    inboxPrefix: inboxOf(options.cluster, options.host),
  });
}

class NatsLink implements BusLink {
  #closing = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly js: JetStreamClient,
    private readonly options: Pick<NatsOptions, 'cluster' | 'bucket' | 'about' | 'forgetMs'>,
    listener: LinkListener,
  ) {
    void this.#follow(listener);
    void connection.closed().then((error) => {
      if (!this.#closing) listener.closed(error ?? new Error('the client closed the connection'));
    });
  }

  get server(): string { return this.connection.getServer(); }

  /** Where agents may not make it, an administrator has. */
  async prepare(): Promise<void> {
    const { bucket, about, forgetMs } = this.options;
    await this.js.views.kv(bucket, { history: 1, ttl: forgetMs, storage: StorageType.File, maxValueSize: 4096, description: `Sidestep: ${about}` });
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.js.publish(this.#subjectOf(key), value, { timeout: putTimeoutMs });
  }

  async remove(key: string): Promise<void> {
    const mark: MsgHdrs = headers();
    mark.set(operation, 'DEL');
    await this.js.publish(this.#subjectOf(key), new Uint8Array(0), { timeout: putTimeoutMs, headers: mark });
  }

  /** By a consumer, as everything is read: an agent has leave for nothing else. */
  async read(key: string): Promise<Uint8Array | undefined> {
    let value: Uint8Array | undefined;
    let done: (error?: unknown) => void = () => undefined;
    const read = new Promise<unknown>((resolve) => { done = resolve; });
    const watch = await this.#watch(key, { entry: (entry) => { value = entry.value; }, complete: () => { done(); }, ended: done });
    const late = setTimeout(() => { done(new Error(`the bucket does not say what it has under ${key}`)); }, putTimeoutMs);
    const error = await read;
    clearTimeout(late);
    watch.stop();
    if (error !== undefined) throw error instanceof Error ? error : new Error('the watch of a key ended', { cause: error });
    return value;
  }

  watch(listener: WatchListener): Promise<Watch> {
    return this.#watch(`${this.options.cluster}.>`, listener);
  }

  async #watch(keys: string, listener: WatchListener): Promise<Watch> {
    const options = consumerOpts();
    options.bindStream(`KV_${this.options.bucket}`);
    options.orderedConsumer();
    options.deliverLastPerSubject();
    const prefix = this.#subjectOf('').length;
    let waiting = true, stopped = false;
    const complete = (): void => {
      if (!waiting || stopped) return;
      waiting = false;
      listener.complete();
    };
    options.callback((error, message) => {
      if (stopped) return;
      if (error) listener.ended(error);
      if (!message) return;
      listener.entry(entryOf(message, prefix));
      if (message.info.pending === 0) complete();
    });
    // Pushed, under flow control: the consumers that replace this ask the server for each batch.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const subscription: JetStreamSubscription = await this.js.subscribe(this.#subjectOf(keys), options);
    const { last } = await subscription.consumerInfo().then((info) => ({ last: info }), () => ({ last: undefined }));
    if (last && last.num_pending === 0 && last.delivered.consumer_seq === 0) complete();
    return {
      stop() {
        stopped = true;
        // Not waited for: a server that was started again does not know the consumer, and lets the question time out.
        subscription.destroy().catch(() => undefined);
      },
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.connection.close();
  }

  #subjectOf(key: string): string { return `$KV.${this.options.bucket}.${key}`; }

  async #follow(listener: LinkListener): Promise<void> {
    for await (const { type, data } of this.connection.status()) {
      if (this.#closing) return;
      if (type === Events.Disconnect) listener.lost(typeof data === 'string' ? data : type);
      else if (type === Events.Reconnect) listener.regained(this.server);
    }
  }
}

function entryOf(message: JsMsg, prefix: number): { key: string; value: Uint8Array | undefined; at: number } {
  const gone = message.headers?.get(operation) ?? '';
  return {
    key: message.subject.slice(prefix),
    value: gone === '' ? message.data : undefined,
    at: Math.floor(message.info.timestampNanos / 1e6),
  };
}

export const natsConnect = (options: NatsOptions): Connect => async (listener) => {
  const connection = await open(options);
  return new NatsLink(connection, connection.jetstream({ timeout: putTimeoutMs }), options, listener);
};
