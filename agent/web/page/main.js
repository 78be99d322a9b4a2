// Asks for the view every two seconds and shows it.
import { ProcessMap } from './map.js';
import { Table } from './tables.js';
import { age, at, bytes, count, lookOf, nameOf, percent, plural, rate, sum } from './text.js';

/** @typedef {import('../view.js').ViewObject} View */
/** @typedef {import('../view.js').EdgeRow} Edge */
/** @typedef {import('../../pairs/resolve.js').PairView} Pair */
/** @typedef {import('./map.js').Rated} Rated */

const everyMs = 2000;
const slowestMs = 30_000;

/** @type {<T extends Element>(id: string, kind: new () => T) => T} */
function find(id, kind) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${id}`);
}
/** @type {(id: string, text: string) => void} */
function say(id, text) {
  const element = find(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}
/** @type {(id: string) => HTMLTableElement} */
const tableOf = (id) => find(id, HTMLTableElement);

const filter = find('filter', HTMLInputElement);
const pause = find('pause', HTMLButtonElement);

/** Only those that the page explains can be followed. @type {Set<string>} */
let explained = new Set();
/** @type {(reason: string) => import('./tables.js').Cell} */
const reasonCell = (reason) => (explained.has(reason) ? { text: reason, link: `#reason-${reason}` } : { text: reason });
/** @type {(share: number | undefined) => import('./tables.js').Cell} */
const shareCell = (share) => ({ text: percent(share), look: lookOf(share) });
/** @type {(edge: Edge) => string} */
const keyOf = ({ client, server, port }) => JSON.stringify([client, server, port]);
/** @type {(edge: Edge) => import('../../datapath/types.js').Traffic[]} */
const sentOf = ({ clientSent, serverSent }) => [clientSent, serverSent];

const map = new ProcessMap(/** @type {SVGSVGElement} */ (/** @type {unknown} */ (find('map', SVGElement))), (name) => {
  filter.value = name;
  filter.scrollIntoView({ block: 'center' });
  filter.focus();
  void poll();
});

const edges = new Table(tableOf('edges'), /** @type {import('./tables.js').Column<Rated>[]} */ ([
  { title: 'Client', cell: ({ client }) => client || '(unknown)', sort: ({ client }) => client },
  { title: 'Server', cell: ({ server }) => server || '(unknown)', sort: ({ server }) => server },
  { title: 'Port', cell: ({ port }) => String(port), sort: ({ port }) => port, right: true },
  { title: 'Service', cell: ({ services }) => services.join(', ') },
  { title: 'Around the stack', cell: (edge) => shareCell(sum(sentOf(edge)).share), sort: (edge) => sum(sentOf(edge)).share ?? -1, right: true },
  { title: 'Bytes/s', cell: (edge) => rate(edge.rate), sort: (edge) => edge.rate ?? 0, right: true },
  { title: 'Bytes', cell: (edge) => bytes(sum(sentOf(edge)).bytes), sort: (edge) => sum(sentOf(edge)).bytes, right: true },
  { title: 'Open', cell: ({ live }) => count(live), sort: ({ live }) => live, right: true },
  { title: 'Connections', cell: ({ connections }) => count(connections), sort: ({ connections }) => connections, right: true },
  { title: 'On TCP because', cell: ({ why }) => why.map(({ reason, pairs }) => `${reason} (${pairs})`).join(', '), sort: ({ why }) => why[0]?.reason ?? '' },
]), keyOf, 'No local connection has been seen yet.');

const pairs = new Table(tableOf('pairs'), /** @type {import('./tables.js').Column<Pair & { rate: number | undefined }>[]} */ ([
  { title: 'Client', cell: ({ client }) => ({ text: nameOf(client), title: client.executable }), sort: ({ client }) => nameOf(client) },
  { title: 'From', cell: ({ client }) => at(client), sort: ({ client }) => at(client) },
  { title: 'Server', cell: ({ server }) => ({ text: nameOf(server), title: server.executable }), sort: ({ server }) => nameOf(server) },
  { title: 'To', cell: ({ server }) => at(server), sort: ({ server }) => at(server) },
  { title: 'State', cell: ({ state }) => ({ text: state, look: state === 'active' ? 'around' : state === 'tcp' ? 'tcp' : 'mixed' }), sort: ({ state }) => state },
  { title: 'Around', cell: (pair) => shareCell(sum([pair.clientSent, pair.serverSent]).share), sort: (pair) => sum([pair.clientSent, pair.serverSent]).share ?? -1, right: true },
  { title: 'Bytes/s', cell: (pair) => rate(pair.rate), sort: (pair) => pair.rate ?? 0, right: true },
  { title: 'Bytes', cell: (pair) => bytes(sum([pair.clientSent, pair.serverSent]).bytes), sort: (pair) => sum([pair.clientSent, pair.serverSent]).bytes, right: true },
  { title: 'Age', cell: ({ ageMs }) => age(ageMs), sort: ({ ageMs }) => ageMs, right: true },
  { title: 'Reason', cell: ({ reason }) => (reason === 'redirected' ? '' : reasonCell(reason)), sort: ({ reason }) => reason },
]), ({ id }) => id, 'There is none, or none that matches.');

const reasons = new Table(tableOf('reasons'), /** @type {import('./tables.js').Column<View['reasons'][number]>[]} */ ([
  { title: 'Reason', cell: ({ name }) => name, sort: ({ name }) => name },
  { title: 'It took TCP because', cell: ({ what }) => what, long: true },
  { title: 'What to do', cell: ({ remedy }) => remedy, long: true },
  { title: 'Connections', cell: ({ connections }) => count(connections), sort: ({ connections }) => connections, right: true },
  { title: 'Messages', cell: ({ messages }) => count(messages), sort: ({ messages }) => messages, right: true },
  { title: 'Bytes', cell: (row) => bytes(row.bytes), sort: (row) => row.bytes, right: true },
]), ({ name }) => name, 'Nothing has taken TCP.', ({ name }) => `reason-${name}`);

const services = new Table(tableOf('services'), /** @type {import('./tables.js').Column<View['services']['rows'][number]>[]} */ ([
  { title: 'Service', cell: ({ name }) => name, sort: ({ name }) => name },
  { title: 'At', cell: ({ addresses, port, protocol }) => `${addresses.join(', ')} port ${port}/${protocol}` },
  { title: 'Policy', cell: ({ policy }) => policy, sort: ({ policy }) => policy },
  { title: 'Up', cell: ({ up, endpoints }) => ({ text: `${up} of ${endpoints}`, look: up === 0 ? 'tcp' : '' }), sort: ({ up }) => up, right: true },
  { title: 'Open', cell: ({ connections }) => count(connections), sort: ({ connections }) => connections, right: true },
  { title: 'Refused', cell: ({ refused }) => count(Object.values(refused).reduce((total, one) => total + one, 0)), right: true },
]), ({ name, protocol }) => `${name} ${protocol}`, 'No services are configured.');

const listeners = new Table(tableOf('listeners'), /** @type {import('./tables.js').Column<View['listeners']['rows'][number]>[]} */ ([
  { title: 'Port', cell: ({ address, port, protocol }) => `${address}:${port}/${protocol}`, sort: ({ port }) => port },
  { title: 'Ready', cell: ({ ready, listeners: all }) => `${ready} of ${all}`, sort: ({ ready }) => ready, right: true },
  { title: 'Balanced', cell: ({ balanced, policy, because }) => (balanced ? policy : `left to the kernel: ${because}`), long: true },
]), ({ protocol, address, port, netns }) => `${protocol} ${address} ${port} ${netns}`, 'None, or reuseport.enabled is false.');

/** Bytes of an earlier view, by key, and its time. @type {{ at: number, bytes: Map<string, number> } | undefined} */
let earlier;

/** @type {(view: View) => { edges: Rated[], pairs: (Pair & { rate: number | undefined })[] }} */
function rated(view) {
  const now = new Map([
    ...view.edges.rows.map((edge) => /** @type {const} */ ([keyOf(edge), sum(sentOf(edge)).bytes])),
    ...view.pairs.rows.map((pair) => /** @type {const} */ ([pair.id, sum([pair.clientSent, pair.serverSent]).bytes])),
  ]);
  const before = earlier;
  const seconds = before ? (view.at - before.at) / 1000 : 0;
  /** @type {(key: string) => number | undefined} */
  const rateOf = (key) => {
    const was = before?.bytes.get(key);
    return was === undefined || seconds <= 0 ? undefined : Math.max(0, (now.get(key) ?? 0) - was) / seconds;
  };
  if (seconds > 0 || !before) earlier = { at: view.at, bytes: now };
  return {
    edges: view.edges.rows.map((edge) => ({ ...edge, key: keyOf(edge), rate: rateOf(keyOf(edge)) })),
    pairs: view.pairs.rows.map((pair) => ({ ...pair, rate: rateOf(pair.id) })),
  };
}

/** @type {(view: View) => void} */
function glance({ totals }) {
  const { redirectedBytes: around, tcpBytes, redirectedMessages, tcpMessages, activePairs, accelerated, refused } = totals;
  /** @type {(part: number, rest: number) => string} */
  const share = (part, rest) => percent(part + rest === 0 ? undefined : part / (part + rest));
  const tiles = /** @type {const} */ ([
    ['Messages around the stack', share(redirectedMessages, tcpMessages), `${count(redirectedMessages)} of ${count(redirectedMessages + tcpMessages)}`],
    ['Bytes around the stack', share(around, tcpBytes), `${bytes(around)} of ${bytes(around + tcpBytes)}`],
    ['Accelerated now', count(activePairs), activePairs === 1 ? 'connection' : 'connections'],
    ['Accelerated so far', count(accelerated), `${count(refused)} stayed on TCP`],
  ]);
  const list = find('glance', HTMLElement);
  if (list.children.length === 0) {
    for (const [title] of tiles) {
      const group = document.createElement('div');
      const term = document.createElement('dt');
      term.textContent = title;
      const value = document.createElement('dd');
      value.append(document.createElement('span'), document.createElement('small'));
      group.append(term, value);
      list.append(group);
    }
  }
  tiles.forEach(([, value, note], index) => {
    const [big, small] = list.children[index]?.querySelector('dd')?.children ?? [];
    if (big) big.textContent = value;
    if (small) small.textContent = note;
  });
}

/** @type {(problems: readonly string[]) => void} */
function showProblems(problems) {
  const list = find('problems', HTMLElement);
  list.hidden = problems.length === 0;
  if (list.textContent === problems.join('')) return;
  list.replaceChildren(...problems.map((problem) => {
    const item = document.createElement('li');
    item.textContent = problem;
    return item;
  }));
}

/** @type {(view: View) => void} */
function show(view) {
  const { datapath, host, ready, version } = view;
  const state = !datapath.enabled ? 'switched off' : datapath.observe ? 'observing only' : 'accelerating';
  document.title = `Sidestep on ${host}`;
  say('host', `on ${host}`);
  say('mode', `${ready ? '' : 'not ready; '}mode ${datapath.mode}${datapath.modeWhy && ` (${datapath.modeWhy})`}, ${state}`);
  say('version', `Sidestep ${version}.`);
  say('at', `As of ${new Date(view.at).toLocaleTimeString()}.`);
  explained = new Set(view.reasons.map(({ name }) => name));
  glance(view);
  showProblems([...(view.exposed ? ['This page is open to other hosts, without login (web.host).'] : []), ...view.problems]);
  const { edges: edgeRows, pairs: pairRows } = rated(view);
  const left = map.draw(edgeRows, find('map', SVGElement).parentElement?.clientWidth ?? 800);
  say('map-more', edgeRows.length === 0 ? 'No local connection has been seen yet. Let two programs talk over a local port.'
    : left > 0 ? `The map shows the ${edgeRows.length - left} busiest; ${left + view.edges.more} more are ${view.edges.more > 0 ? 'in or beyond' : 'in'} the table.` : '');
  edges.show(edgeRows);
  say('edges-more', view.edges.more > 0 ? `${view.edges.more} more are not shown (web.rows).` : '');
  pairs.show(pairRows);
  say('pairs-more', view.pairs.more > 0 ? `${plural(view.pairs.more, 'more connection')} ${filter.value.trim() === '' ? 'are' : 'that match are'} not shown; filter to find them.` : '');
  reasons.show(view.reasons);
  services.show(view.services.rows);
  say('services-more', view.services.more > 0 ? `${view.services.more} more are not shown.` : '');
  listeners.show(view.listeners.rows);
  say('listeners-more', view.listeners.more > 0 ? `${view.listeners.more} more are not shown.` : '');
}

let failures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {AbortController | undefined} */
let asking;

async function poll() {
  clearTimeout(timer);
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const answer = await fetch(`/v1/view?${new URLSearchParams({ q: filter.value.slice(0, 200) })}`, { signal: mine.signal });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    /** @type {View} */
    const view = await answer.json();
    if (view.apiVersion !== 1) throw new Error('the agent is newer than this page; load it again');
    show(view);
    failures = 0;
    say('notice', '');
  } catch (error) {
    if (mine.signal.aborted) return;
    failures++;
    say('notice', `No answer from the agent; what is shown is old. (${error instanceof Error ? error.message : error})`);
  }
  document.documentElement.dataset['polled'] = String(Number(document.documentElement.dataset['polled'] ?? 0) + 1);
  if (pause.ariaPressed !== 'true' && !document.hidden) timer = setTimeout(poll, Math.min(slowestMs, everyMs * 2 ** failures));
}

pause.addEventListener('click', () => {
  const paused = pause.ariaPressed !== 'true';
  pause.ariaPressed = String(paused);
  pause.textContent = paused ? 'Go on' : 'Pause';
  if (paused) clearTimeout(timer);
  else void poll();
});
filter.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(poll, 200);
});
// A page that nobody sees asks for nothing.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(timer);
  else if (pause.ariaPressed !== 'true') void poll();
});
addEventListener('resize', () => {
  clearTimeout(timer);
  timer = setTimeout(poll, 200);
});
void poll();
