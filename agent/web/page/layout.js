// Where everything on the map lies. Pure: from edges and a width to coordinates.

/** @typedef {{ key: string, from: string, to: string }} Line */
/** @typedef {{ name: string, layer: number, x: number, y: number, width: number, height: number }} Node */
/** `x`, `y`: where its label ends or begins. @typedef {{ key: string, d: string, x: number, y: number, anchor: 'start' | 'end', backwards: boolean }} Link */
/** @typedef {{ nodes: Node[], links: Link[], width: number, height: number, tight: boolean }} Layout */

/**
 * A client stands left of what it talks to. Lines that close a circle are left out of the reckoning.
 * @type {(names: readonly string[], lines: readonly Line[]) => Map<string, number>}
 */
function layersOf(names, lines) {
  /** @type {Map<string, Set<string>>} */
  const next = new Map(names.map((name) => [name, new Set()]));
  for (const { from, to } of lines) if (from !== to) next.get(from)?.add(to);
  /** @type {Map<string, 'open' | 'done'>} */
  const seen = new Map();
  /** @type {string[]} */
  const order = [];
  for (const start of names) {
    if (seen.has(start)) continue;
    // By hand, not by recursion: a chain may be as long as there are edges.
    const stack = [{ name: start, rest: [...(next.get(start) ?? [])] }];
    seen.set(start, 'open');
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const to = top.rest.pop();
      if (to === undefined) {
        seen.set(top.name, 'done');
        order.push(top.name);
        stack.pop();
      } else if (seen.get(to) === 'open') {
        next.get(top.name)?.delete(to);
      } else if (!seen.has(to)) {
        seen.set(to, 'open');
        stack.push({ name: to, rest: [...(next.get(to) ?? [])] });
      }
    }
  }
  const layers = new Map(names.map((name) => [name, 0]));
  for (const name of order.reverse())
    for (const to of next.get(name) ?? []) layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(name) ?? 0) + 1));
  return layers;
}

/**
 * Fewer crossings: each one goes to the middle of those it is connected with, a few times over.
 * @type {(columns: string[][], lines: readonly Line[]) => void}
 */
function untangle(columns, lines) {
  /** @type {Map<string, number>} */
  const place = new Map();
  const number = () => {
    for (const column of columns) column.forEach((name, index) => place.set(name, (index + 0.5) / column.length));
  };
  /** @type {Map<string, string[]>} */
  const near = new Map();
  for (const { from, to } of lines) {
    if (from === to) continue;
    near.set(from, [...(near.get(from) ?? []), to]);
    near.set(to, [...(near.get(to) ?? []), from]);
  }
  number();
  for (let round = 0; round < 6; round++) {
    for (const column of round % 2 === 0 ? columns : [...columns].reverse()) {
      const middle = new Map(column.map((name) => {
        const others = near.get(name) ?? [];
        return [name, others.length === 0 ? (place.get(name) ?? 0) : others.reduce((total, other) => total + (place.get(other) ?? 0), 0) / others.length];
      }));
      column.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
      number();
    }
  }
}

/**
 * Lines of one side of a node do not leave from one point.
 * @type {(node: Node, index: number, of: number) => number}
 */
const port = (node, index, of) => node.y + (node.height * (index + 1)) / (of + 1);

/** @type {(key: string, node: Node) => Link} */
function loop(key, { x, y, width, height }) {
  const d = `M${x + width} ${y + height * 0.25}c44 -14 44 ${height * 0.5 + 14} 0 ${height * 0.5}`;
  // Its label stands above the box: at the right there may be no room.
  return { key, d, x: x + width, y: y + 1, anchor: 'end', backwards: false };
}

/** @type {(lines: readonly Line[], nodes: Map<string, Node>) => Link[]} */
function linksOf(lines, nodes) {
  // Lines that close a circle run from right to left; they are drawn all the same from the right of one box to the left of another.
  const across = lines.flatMap(({ key, from, to }) => {
    const [a, b] = [nodes.get(from), nodes.get(to)];
    if (!a || !b || a === b) return [];
    return [a.x < b.x ? { key, left: a, right: b, backwards: false } : { key, left: b, right: a, backwards: true }];
  });
  /** @type {(of: 'left' | 'right', other: 'left' | 'right') => Map<string, [index: number, of: number]>} */
  const places = (of, other) => {
    /** @type {Map<Node, typeof across>} */
    const byNode = new Map();
    for (const line of across) byNode.set(line[of], [...(byNode.get(line[of]) ?? []), line]);
    return new Map([...byNode.values()].flatMap((side) => side.sort((a, b) => a[other].y - b[other].y)
      .map(({ key }, index) => /** @type {const} */ ([key, [index, side.length]]))));
  };
  const [starts, ends] = [places('left', 'right'), places('right', 'left')];
  const links = across.map(({ key, left, right, backwards }) => {
    const [start, starting] = starts.get(key) ?? [0, 1];
    const [end, ending] = ends.get(key) ?? [0, 1];
    const [x1, y1, x2, y2] = [left.x + left.width, port(left, start, starting), right.x, port(right, end, ending)];
    const bend = (x2 - x1) / 2;
    // At the end with fewer lines, where it runs level.
    const label = ending <= starting ? { x: x2 - 6, y: y2, anchor: /** @type {const} */ ('end') } : { x: x1 + 6, y: y1, anchor: /** @type {const} */ ('start') };
    return { key, d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, ...label, backwards };
  });
  const loops = lines.flatMap(({ key, from, to }) => {
    const node = from === to ? nodes.get(from) : undefined;
    return node ? [loop(key, node)] : [];
  });
  return [...links, ...loops];
}

/**
 * Boxes with room at each side for the labels of the lines there.
 * @type {(names: readonly string[], lines: readonly Line[], layers: Map<string, number>) => Map<string, number>}
 */
function roomy(names, lines, layers) {
  /** @type {Map<string, number>} */
  const ends = new Map();
  for (const { from, to } of lines) {
    const isForwards = (layers.get(from) ?? 0) < (layers.get(to) ?? 0);
    for (const side of [`right ${isForwards ? from : to}`, `left ${isForwards ? to : from}`]) ends.set(side, (ends.get(side) ?? 0) + 1);
  }
  return new Map(names.map((name) => [name, Math.max(40, 17 * Math.max(ends.get(`left ${name}`) ?? 0, ends.get(`right ${name}`) ?? 0) + 8)]));
}

/** @type {(lines: readonly Line[], width: number) => Layout} */
export function layout(lines, width) {
  const names = [...new Set(lines.flatMap(({ from, to }) => [from, to]))];
  if (names.length === 0) return { nodes: [], links: [], width, height: 0, tight: false };
  const layers = layersOf(names, lines);
  const columns = Array.from({ length: Math.max(...layers.values()) + 1 }, (_, layer) => names.filter((name) => layers.get(name) === layer));
  untangle(columns, lines);

  const tight = columns.some(({ length }) => length > 10);
  const gap = tight ? 7 : 20;
  const heights = tight ? new Map(names.map((name) => [name, 24])) : roomy(names, lines, layers);
  /** @type {(column: readonly string[]) => number} */
  const tall = (column) => column.reduce((sum, name) => sum + (heights.get(name) ?? 0) + gap, -gap);
  const total = Math.max(...columns.map(tall)) + 2 * gap;
  const narrow = width < 640;
  const nodeWidth = narrow ? 118 : 172;
  // A line from a program to itself goes out at the right.
  const [left, margin] = [2, lines.some(({ from, to }) => from === to) ? 50 : 2];
  const between = Math.max(narrow ? 72 : 130, (width - left - margin - columns.length * nodeWidth) / Math.max(1, columns.length - 1));
  const all = columns.flatMap((column, layer) => {
    let y = (total - tall(column)) / 2;
    return column.map((name) => {
      const height = heights.get(name) ?? 0;
      const node = { name, layer, x: left + layer * (nodeWidth + Math.min(between, 420)), y, width: nodeWidth, height };
      y += height + gap;
      return node;
    });
  });
  const right = Math.max(...all.map(({ x }) => x)) + nodeWidth + margin;
  return { nodes: all, links: linksOf(lines, new Map(all.map((node) => [node.name, node]))), width: right, height: total, tight };
}
