// SPDX-License-Identifier: Apache-2.0
/** A run as a picture: each row a dot with its interval, right of the line where Sidestep wins. One SVG, light and dark. Pure. */
import { reaches, type Measured } from './record.js';

const ROW = 20, TOP = 46, BOTTOM = 34, NAMES = 520, PLOT = 420, FIGURES = 150;
const GRID = [0.5, 0.7, 1, 1.5, 2, 3, 5];
const FROM = Math.log(0.4), TO = Math.log(6);

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:14px;font-weight:600}.dim{fill:#59636e}',
  '.grid{stroke:#d1d9e0}.even{stroke:#59636e}.good{stroke:#1a7f37;fill:#1a7f37}.bad{stroke:#9a6700;fill:#9a6700}.free{stroke:#0969da;fill:#0969da}.aim{stroke:#1f2328;stroke-width:2}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9198a1}.grid{stroke:#3d444d}.even{stroke:#9198a1}',
  '.good{stroke:#3fb950;fill:#3fb950}.bad{stroke:#d29922;fill:#d29922}.free{stroke:#4493f8;fill:#4493f8}.aim{stroke:#e6edf3}}',
].join('');

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const at = (gain: number): number => NAMES + ((Math.min(TO, Math.max(FROM, Math.log(gain))) - FROM) / (TO - FROM)) * PLOT;
const place = (gain: number): string => at(gain).toFixed(1);

/** How many times better than the baseline, whichever way better is. */
const gain = ({ better }: Measured, ratio: number): number => (better === 'more' ? ratio : 1 / ratio);

function row(measured: Measured, index: number): string {
  const { ratio, low, high, target, what, contenderMode } = measured;
  const y = TOP + index * ROW, reached = reaches(measured);
  const [one, other] = [gain(measured, low), gain(measured, high)];
  const kind = reached === undefined ? 'free' : reached ? 'good' : 'bad';
  const aim = target === undefined ? '' : `<line class="aim" x1="${place(gain(measured, target))}" x2="${place(gain(measured, target))}" y1="${y - 6}" y2="${y + 6}"/>`;
  const [least, most] = [Math.min(one, other), Math.max(one, other)];
  return `<text x="${NAMES - 12}" y="${y + 4}" text-anchor="end">${escaped(what)} <tspan class="dim">${escaped(contenderMode)}</tspan></text>`
    + `<line class="${kind}" x1="${place(least)}" x2="${place(most)}" y1="${y}" y2="${y}"/>${aim}<circle class="${kind}" cx="${place(gain(measured, ratio))}" cy="${y}" r="4"/>`
    + `<text x="${NAMES + PLOT + 12}" y="${y + 4}">${gain(measured, ratio).toFixed(2)} <tspan class="dim">${least.toFixed(2)}..${most.toFixed(2)}</tspan></text>`;
}

/** The whole picture. A dot is the median of blocks, its line the 95 % interval, a tick the target. */
export function chart(rows: readonly Measured[], title: string): string {
  const height = TOP + rows.length * ROW + BOTTOM, width = NAMES + PLOT + FIGURES;
  const floor = height - BOTTOM;
  const grid = GRID.map((value) => `<line class="${value === 1 ? 'even' : 'grid'}" x1="${place(value)}" x2="${place(value)}" y1="${TOP - 14}" y2="${floor - 4}"/>`
    + `<text class="dim" x="${place(value)}" y="${floor + 12}" text-anchor="middle">${value}</text>`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}"><style>${STYLE}</style>`
    + `<text class="title" x="12" y="20">${escaped(title)}</text>${grid}${rows.map(row).join('')}</svg>\n`;
}
