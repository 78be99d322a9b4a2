/** A web view of a made-up agent with so many edges, for tests and for looking at it. */
import { fakeEndpoint, fakePair, type FakeDatapath } from '../../agent/datapath/fake.js';
import { zeroTraffic } from '../../agent/datapath/traffic.js';
import type { Edge, Pair, Traffic } from '../../agent/datapath/types.js';
import type { ReasonName } from '../../agent/datapath/reasons.js';
import { WebEndpoint } from '../../agent/web/endpoint.js';
import type { AgentView } from '../../agent/admin/routes.js';
import { startTestAgent, type TestAgent } from './agent-view.js';

export interface WebAgent {
  readonly agent: TestAgent;
  readonly web: WebEndpoint;
  /** With its slash. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startWebAgent(runDir: string, over: Partial<AgentView> = {}, config: { host?: string; port?: number; rows?: number } = {}): Promise<WebAgent> {
  const agent = await startTestAgent(runDir, { ...over, web: () => web.state });
  const web = new WebEndpoint({ enabled: true, host: '127.0.0.1', port: 0, rows: 200, ...config });
  await web.start(agent.view, agent.view.log);
  return { agent, web, url: web.state.detail, stop: async () => { await web.stop(); await agent.stop(); } };
}

const traffic = (messages: number, share: number): Traffic => ({
  redirectedMessages: Math.round(messages * share), passedMessages: Math.round(messages * (1 - share)),
  redirectedBytes: Math.round(messages * share * 100), passedBytes: Math.round(messages * (1 - share) * 100),
});

/** client, server, port, share around the stack (undefined: nothing sent yet), why not. */
export type Talk = readonly [client: string, server: string, port: number, share: number | undefined, reason?: ReasonName];

export function fill(datapath: FakeDatapath, talks: readonly Talk[], scale = 1): void {
  datapath.totals = talks.map(([client, server, port, share], index): Edge => ({
    client, server, port, connections: 3, accelerated: share === undefined || share === 0 ? 0 : 3,
    clientSent: share === undefined ? zeroTraffic() : traffic(scale * 1000 * (index + 1), share),
    serverSent: share === undefined ? zeroTraffic() : traffic(scale * 3000 * (index + 1), share),
  }));
  datapath.live = talks.map(([client, server, port, share, reason = 'redirected'], index): Pair => fakePair({
    id: index.toString(16).padStart(16, '0'), state: reason === 'redirected' ? 'active' : 'tcp', reason,
    client: fakeEndpoint({ comm: client, pid: 1000 + index, port: 40_000 + index }),
    server: fakeEndpoint({ comm: server, pid: 500 + port % 400, port }),
    clientSent: share === undefined ? zeroTraffic() : traffic(scale * 1000 * (index + 1), share),
    serverSent: share === undefined ? zeroTraffic() : traffic(scale * 3000 * (index + 1), share),
    ageMs: 1000 * (index + 1) ** 2, dialledPort: port,
  }));
  for (const { reason, clientSent } of datapath.live) {
    datapath.counts.connections[reason]++;
    datapath.counts.messages[reason] += clientSent.passedMessages + clientSent.redirectedMessages;
    datapath.counts.bytes[reason] += clientSent.passedBytes + clientSent.redirectedBytes;
  }
}

export const few: readonly Talk[] = [
  ['nginx', 'orders-api', 8080, 1], ['orders-api', 'redis-server', 6379, 0.97], ['orders-api', 'postgres', 5432, 0, 'blocking'],
];

/** A host with many programs: several tiers, one that talks to itself, a circle, long names. */
export function many(edges: number): Talk[] {
  const reasons: readonly ReasonName[] = ['redirected', 'redirected', 'redirected', 'blocking', 'splice', 'learning', 'stream'];
  return Array.from({ length: edges }, (_, index): Talk => {
    const tier = index % 3;
    const reason = reasons[index % reasons.length] ?? 'redirected';
    const client = tier === 0 ? `edge-proxy-${index % 7}` : tier === 1 ? `service-${index % 23}` : `worker-with-a-long-name-${index % 11}`;
    const server = tier === 0 ? `service-${(index * 5) % 23}` : tier === 1 ? ['redis-server', 'postgres', 'memcached', 'nats-server'][index % 4]! : `worker-with-a-long-name-${(index + 3) % 11}`;
    return [client, server, 3000 + index, reason === 'redirected' ? 1 - (index % 5) / 10 : 0, reason];
  });
}
