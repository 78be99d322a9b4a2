// SPDX-License-Identifier: Apache-2.0
/**
 * Network namespaces as a node with two pods has them: each pod has a veth to a router, which forwards, and answers for
 * a service address with DNAT and MASQUERADE. The router is a namespace of its own, so that no rule and no sysctl of
 * the host is touched and everything goes with the namespaces.
 */
import { execFileSync } from 'node:child_process';
import { freshName } from './kernel.js';

const run = (command: string): void => {
  const [file = '', ...args] = command.split(' ');
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

function add(name: string): void {
  run(`ip netns add ${name}`);
  run(`ip -n ${name} link set lo up`);
}

async function withNamespaces(names: readonly string[], test: () => Promise<void>): Promise<void> {
  try {
    for (const name of names) add(name);
    await test();
  } finally {
    for (const name of names) {
      try {
        run(`ip netns del ${name}`);
      } catch {
        // Never made; the root hook looks for what is left.
      }
    }
  }
}

/** One namespace with loopback only. */
export async function withNetns(test: (name: string) => Promise<void>): Promise<void> {
  const name = freshName();
  await withNamespaces([name], () => test(name));
}

export interface Pods {
  /** Forwards and translates. */
  readonly router: string;
  readonly a: string;
  readonly b: string;
  /** Addresses of pod b. */
  readonly b4: string;
  readonly b6: string;
  /** The service in front of port 8080 of pod b. */
  readonly service: { readonly host: string; readonly port: number };
}

function plug(router: string, pod: string, number: number): void {
  run(`ip -n ${pod} link add eth0 type veth peer name pod${number} netns ${router}`);
  run(`ip -n ${router} addr add 10.77.${number}.1/24 dev pod${number}`);
  run(`ip -n ${router} addr add fd77:${number}::1/64 dev pod${number} nodad`);
  run(`ip -n ${router} link set pod${number} up`);
  run(`ip -n ${pod} addr add 10.77.${number}.2/24 dev eth0`);
  run(`ip -n ${pod} addr add fd77:${number}::2/64 dev eth0 nodad`);
  run(`ip -n ${pod} link set eth0 up`);
  run(`ip -n ${pod} route add default via 10.77.${number}.1`);
  run(`ip -n ${pod} -6 route add default via fd77:${number}::1`);
}

/** Pods with a router between them and nothing else: `10.77.N.2` and `fd77:N::2`, N from 1 on. */
export async function withHostPods(count: number, test: (pods: readonly string[]) => Promise<void>): Promise<void> {
  const router = freshName(), pods = Array.from({ length: count }, freshName);
  await withNamespaces([router, ...pods], async () => {
    for (const [index, pod] of pods.entries()) plug(router, pod, index + 1);
    run(`nsenter --net=/run/netns/${router} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
    await test(pods);
  });
}

export async function withPods(test: (pods: Pods) => Promise<void>): Promise<void> {
  const [router, a, b] = [freshName(), freshName(), freshName()];
  const service = { host: '10.77.100.10', port: 80 };
  await withNamespaces([router, a, b], async () => {
    plug(router, a, 1);
    plug(router, b, 2);
    const inRouter = `nsenter --net=/run/netns/${router}`;
    run(`${inRouter} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
    run(`${inRouter} iptables -t nat -A PREROUTING -d ${service.host} -p tcp --dport ${service.port} -j DNAT --to-destination 10.77.2.2:8080`);
    run(`${inRouter} iptables -t nat -A POSTROUTING -s 10.77.1.0/24 -d 10.77.2.0/24 -j MASQUERADE`);
    await test({ router, a, b, b4: '10.77.2.2', b6: 'fd77:2::2', service });
  });
}
