// Draws the map: programs as boxes, connections as lines. What is there already is changed in place, so that focus stays.
import { layout } from './layout.js';
import { lookOf, percent, plural, rate, sum } from './text.js';

/** @typedef {import('../view.js').EdgeRow} Edge */
/** @typedef {Edge & { key: string, rate: number | undefined }} Rated */

/** More lines than these nobody can follow; the table has them all. */
const mostLines = 40;
const mostLabels = 12;
const space = 'http://www.w3.org/2000/svg';

/** @type {(name: string, attributes?: Record<string, string>) => SVGElement} */
function make(name, attributes = {}) {
  const element = /** @type {SVGElement} */ (document.createElementNS(space, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** The end stays, where numbers tell siblings apart. @type {(text: string, room: number) => string} */
const cut = (text, room) => (text.length <= room ? text : `${text.slice(0, room - 5)}…${text.slice(-4)}`);
/** @type {(name: string) => string} */
const named = (name) => (name === '' ? '(unknown)' : name);

export class ProcessMap {
  /** @type {Map<string, SVGElement>} */
  #nodes = new Map();
  /** @type {Map<string, SVGElement>} */
  #links = new Map();
  /** @type {Map<string, SVGElement>} */
  #labels = new Map();
  #drawn = '';

  /**
   * @param {SVGSVGElement} svg
   * @param {(name: string) => void} onPick
   */
  constructor(svg, onPick) {
    this.svg = svg;
    this.onPick = onPick;
  }

  /** Returns how many edges found no place. @type {(edges: readonly Rated[], width: number) => number} */
  draw(edges, width) {
    const shown = edges.slice(0, mostLines);
    const key = JSON.stringify([Math.round(width), ...shown.map((edge) => edge.key).sort()]);
    // Boxes stay where they are while the same programs talk: only traffic changes.
    if (key !== this.#drawn) this.#place(shown, width);
    this.#drawn = key;
    for (const edge of shown) this.#update(edge);
    this.#describe(shown);
    return edges.length - shown.length;
  }

  /** @type {(edges: readonly Rated[], width: number) => void} */
  #place(edges, width) {
    const focused = document.activeElement instanceof SVGElement ? document.activeElement.dataset['name'] : undefined;
    const lines = [...edges].sort((a, b) => a.key.localeCompare(b.key)).map(({ key, client, server }) => ({ key, from: client, to: server }));
    const { nodes, links, width: wide, height, tight } = layout(lines, width);
    this.svg.replaceChildren();
    this.#nodes.clear();
    this.#links.clear();
    this.#labels.clear();
    this.svg.setAttribute('viewBox', `0 0 ${wide} ${height}`);
    this.svg.setAttribute('width', String(wide));
    this.svg.setAttribute('height', String(height));
    const isLabelled = links.length <= mostLabels && width >= 640;
    for (const { key, d } of links) {
      const link = make('g');
      link.append(make('path', { class: 'link', d }), make('title'));
      this.#links.set(key, link);
      this.svg.append(link);
    }
    // Before all lines, whichever comes first.
    if (isLabelled) {
      for (const { key, x, y, anchor, backwards } of links) {
        const label = make('text', { class: 'label', x: String(x), y: String(y - 6), 'text-anchor': anchor });
        if (backwards) label.dataset['arrow'] = '← ';
        this.#labels.set(key, label);
        this.svg.append(label);
      }
    }
    for (const { name, x, y, width: room, height: high } of nodes) {
      const node = make('g', { class: 'node', tabindex: '0', role: 'button', transform: `translate(${x} ${y})` });
      node.dataset['name'] = name;
      const text = make('text', { x: '10', y: tight ? '16' : String(high / 2 - 3) });
      text.textContent = cut(named(name), Math.floor((room - 16) / 7.4));
      node.append(make('rect', { width: String(room), height: String(high), rx: '7' }), text, make('title'));
      if (!tight) node.append(make('text', { class: 'ports', x: '10', y: String(high / 2 + 12) }));
      node.addEventListener('click', () => this.onPick(name));
      node.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        this.onPick(name);
      });
      for (const [event, name_] of /** @type {const} */ ([['pointerenter', name], ['focus', name], ['pointerleave', undefined], ['blur', undefined]]))
        node.addEventListener(event, () => this.#highlight(name_));
      this.#nodes.set(name, node);
      this.svg.append(node);
    }
    if (focused !== undefined) this.#nodes.get(focused)?.focus();
  }

  /** @type {(edge: Rated) => void} */
  #update(edge) {
    const link = this.#links.get(edge.key);
    const path = link?.querySelector('path');
    if (!link || !path) return;
    const { share } = sum([edge.clientSent, edge.serverSent]);
    link.dataset['from'] = edge.client;
    link.dataset['to'] = edge.server;
    path.setAttribute('class', `link ${lookOf(share)}`);
    path.style.strokeWidth = String(1.5 + Math.min(5, Math.log10(1 + (edge.rate ?? 0) / 1000)));
    const why = edge.why.map(({ reason, pairs }) => `${reason} ${pairs}`).join(', ');
    const said = `${named(edge.client)} to ${named(edge.server)} port ${edge.port}: ${percent(share)} around the stack, ${rate(edge.rate) || 'no rate yet'}, ${plural(edge.live, 'open connection')}${why && `; on TCP: ${why}`}`;
    const title = link.querySelector('title');
    if (title) title.textContent = said;
    const label = this.#labels.get(edge.key);
    if (label) label.textContent = `${label.dataset['arrow'] ?? ''}:${edge.port}${edge.rate ? `  ${rate(edge.rate)}` : ''}${edge.why[0] ? `  ${edge.why[0].reason}` : ''}`;
  }

  /** What a box serves, in the box and for those who hear it. @type {(edges: readonly Rated[]) => void} */
  #describe(edges) {
    for (const [name, node] of this.#nodes) {
      const serves = edges.filter(({ server }) => server === name);
      const talks = edges.filter(({ client }) => client === name);
      const ports = [...new Set(serves.map(({ port }) => `:${port}`))];
      const services = [...new Set(serves.flatMap((edge) => edge.services))];
      const below = node.querySelector('.ports');
      if (below) below.textContent = cut([...services, ...ports].join(' ') || plural(talks.reduce((total, { live }) => total + live, 0), 'connection'), 24);
      const said = `${named(name)}. ${[
        ...(serves.length === 0 ? [] : [`Serves ${ports.join(', ')} to ${[...new Set(serves.map(({ client }) => named(client)))].join(', ')}`]),
        ...(talks.length === 0 ? [] : [`talks to ${[...new Set(talks.map(({ server }) => named(server)))].join(', ')}`]),
      ].join('; ')}. Press to filter the connections.`;
      node.setAttribute('aria-label', said);
      const title = node.querySelector('title');
      if (title) title.textContent = named(name);
    }
  }

  /** @type {(name: string | undefined) => void} */
  #highlight(name) {
    for (const [key, link] of this.#links) {
      const isOther = name !== undefined && link.dataset['from'] !== name && link.dataset['to'] !== name;
      for (const element of [link, this.#labels.get(key)]) element?.classList.toggle('dim', isOther);
    }
  }
}
