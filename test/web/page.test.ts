import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { Chromium, findChromium, type Look, type Tab } from '../helpers/chromium.js';
import { folder } from '../helpers/folder.js';
import { noMesh } from '../helpers/agent-view.js';
import { fakeGroup, fakeListener, fakeReuseportView } from '../helpers/reuseport-view.js';
import { fakeService } from '../unit/agent/fake-mesh.js';
import { few, fill, many, startWebAgent, type Talk, type WebAgent } from '../helpers/web-view.js';

/** Where pictures go, for somebody who wants to look: SIDESTEP_PICTURES=DIRECTORY. */
const pictures = process.env['SIDESTEP_PICTURES'];
const polled = (times: number): string => `Number(document.documentElement.dataset.polled) >= ${times}`;

/** Text whose contrast to what is behind it is under 4.5. */
const faint = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || ![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')) continue;
    const style = getComputedStyle(element);
    const isSvg = element instanceof SVGElement;
    const back = isSvg && element.closest('.node') ? parse(getComputedStyle(element.closest('.node').querySelector('rect')).fill) : behind(element);
    const [a, b] = [light(parse(isSvg ? style.fill : style.color)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(element.tagName + ' ' + element.textContent.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return bad;
})()`;

describe('the page in Chromium', () => {
  let chromium: Chromium;
  let web: WebAgent;
  let tab: Tab;

  before(async () => {
    const path = findChromium();
    assert.ok(path, 'there is no Chromium in the PATH: apt-get install chromium-headless-shell');
    chromium = await Chromium.start(path);
  });
  after(() => chromium.close());
  beforeEach(async () => {
    web = await startWebAgent(folder());
    tab = await chromium.tab();
  });
  afterEach(() => web.stop());

  const open = async (talks: readonly Talk[], look: Look = {}): Promise<void> => {
    fill(web.agent.datapath, talks);
    await tab.show(look);
    await tab.open(web.url);
    await tab.until(polled(1));
  };
  const rows = (table: string): Promise<number> => tab.run(`document.querySelectorAll('#${table} tbody tr').length`);
  const text = (selector: string): Promise<string> => tab.run(`document.querySelector(${JSON.stringify(selector)}).textContent`);

  for (const edges of [0, 3, 200])
    for (const scheme of ['light', 'dark'] as const)
      for (const [name, width] of [['narrow', 360], ['middle', 820], ['wide', 1440]] as const)
        it(`with ${edges} edges, ${scheme}, ${name}: nothing is wrong, nothing sticks out, everything can be read`, async () => {
          await open(edges === 3 ? few : many(edges), { width, scheme, height: 800 });
          fill(web.agent.datapath, edges === 3 ? few : many(edges), 2);
          await tab.until(polled(2));
          if (pictures !== undefined) {
            mkdirSync(pictures, { recursive: true });
            writeFileSync(`${pictures}/${edges}-${scheme}-${name}.png`, await tab.picture());
          }
          assert.deepEqual(tab.complaints, []);
          assert.ok(tab.requests.length > 5 && tab.requests.every((url) => url.startsWith(web.url)), tab.requests.join());
          assert.equal(await tab.run('document.documentElement.scrollWidth > innerWidth'), false);
          assert.deepEqual(await tab.run(faint), []);
          assert.equal(await rows('pairs'), Math.max(1, edges));
          assert.equal(await tab.run("document.querySelectorAll('#map path').length"), Math.min(40, edges));
        });

  it('names are text, whatever their owners made of them', async () => {
    const evil = ['<script>pwned=1</script>', '"><img src=x onerror=pwned=1>', "';pwned=1;//", 'javascript:pwned=1', '&lt;b&gt;', '\u202Eevil', '</title><svg onload=pwned=1>', '__proto__'];
    await open(evil.flatMap((name, index): Talk[] => [[name, `to-${index}`, 80 + index, 0, 'blocking'], ['from', name, 90 + index, 1]]));
    await tab.run("document.getElementById('edges-details').open = true");
    await tab.until(polled(2));
    for (const [selector, wanted] of [['#pairs', evil], ['#edges', evil], ['#map', evil.map((name) => name.slice(0, 12))]] as const) {
      const shown = await text(selector);
      for (const name of wanted) assert.ok(shown.includes(name), `${name} in ${selector}`);
    }
    assert.equal(await tab.run('typeof pwned'), 'undefined');
    assert.deepEqual(await tab.run("[...document.querySelectorAll('main script, main img, main svg svg, [onload], [onerror]')].length"), 0);
    assert.deepEqual(tab.complaints, []);
    // Whatever a mistake of ours would try, the policy refuses.
    assert.match(await tab.run("(() => { try { document.querySelector('#host').innerHTML = '<b>x</b>'; return 'set'; } catch (error) { return error.name; } })()"), /TypeError/);
    await assert.rejects(tab.run("document.querySelector('main').setAttribute('onclick', 'pwned = 1')"), /TypeError/);
    assert.equal(await tab.run('typeof pwned'), 'undefined');
  });

  it('changes while one looks: rates, new programs, and nothing moves that did not change', async () => {
    await open(few);
    await tab.run("window.box = document.querySelector('.node'); window.row = document.querySelector('#pairs tbody tr')");
    fill(web.agent.datapath, few, 3);
    await tab.until("/KiB\\/s|B\\/s/.test(document.querySelector('#pairs tbody').textContent)");
    assert.equal(await tab.run("box.isConnected && row.isConnected"), true);
    fill(web.agent.datapath, [...few, ['curl', 'nginx', 80, 0, 'learning']]);
    await tab.until("document.querySelectorAll('.node').length === 5");
    assert.deepEqual(tab.complaints, []);
  });

  it('is bounded, and says what it does not show', async () => {
    await open(many(2000));
    assert.equal(await rows('pairs'), 200);
    assert.match(await text('#pairs-more'), /1800 more connections are not shown/);
    assert.match(await text('#map-more'), /the 40 busiest; 1960 more/);
  });

  it('filters over all connections, not only those on the page', async () => {
    await open(many(2000));
    await tab.run("document.getElementById('filter').focus()");
    await tab.type(':3007');
    await tab.until("document.querySelectorAll('#pairs tbody tr').length === 1");
    assert.match(await text('#pairs tbody'), /:3007/);
    await tab.type(' nobody');
    await tab.until("document.querySelector('#pairs tbody').textContent === 'There is none, or none that matches.'");
  });

  it('sorts by a click or a key, and says so', async () => {
    await open(few);
    await tab.run("[...document.querySelectorAll('#pairs th button')].find((button) => button.textContent === 'Server').focus()");
    await tab.press('Enter', '\r');
    const servers = "[...document.querySelectorAll('#pairs tbody tr')].map((row) => row.cells[2].textContent.split('/')[0]).join()";
    assert.equal(await tab.run(servers), 'orders-api,postgres,redis-server');
    await tab.press('Enter', '\r');
    assert.equal(await tab.run(servers), 'redis-server,postgres,orders-api');
    assert.equal(await tab.run("document.activeElement.closest('th').getAttribute('aria-sort')"), 'descending');
  });

  it('can be used with the keyboard alone; focus stays where it is while the page changes', async () => {
    await open(few);
    const focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id";
    const seen: string[] = [];
    for (let step = 0; step < 12; step++) {
      await tab.press('Tab');
      seen.push(await tab.run(focused));
    }
    assert.ok(seen.includes('pause') && seen.some((name) => name.startsWith('orders-api. Serves :8080 to nginx; talks to')), seen.join('\n'));
    await tab.run("[...document.querySelectorAll('.node')].find((node) => node.dataset.name === 'postgres').focus()");
    // A new program: the map is laid out anew.
    fill(web.agent.datapath, [...few, ['curl', 'nginx', 80, 1]]);
    await tab.until("document.querySelectorAll('.node').length === 5");
    assert.match(await tab.run(focused), /^postgres\./);
    await tab.press('Enter', '\r');
    await tab.until("document.querySelectorAll('#pairs tbody tr').length === 1");
    assert.deepEqual([await tab.run(focused), await tab.run("document.getElementById('filter').value")], ['filter', 'postgres']);
  });

  it('tells a screen reader what it tells the eye', async () => {
    await open(few);
    const heard = await tab.heard();
    const has = (role: string, name: RegExp): void => assert.ok(heard.some((one) => one.role === role && name.test(one.name)), `${role} ${name}`);
    has('heading', /^Sidestep on /);
    for (const name of ['Who talks to whom', 'Connections', 'Why not everything goes around the stack']) has('heading', new RegExp(name));
    has('button', /^postgres\. Serves :5432 to orders-api\. Press to filter/);
    has('searchbox', /Filter/);
    has('columnheader', /Reason/);
    has('status', /^/);
    has('link', /blocking/);
    assert.ok(heard.filter(({ role }) => role === 'button' || role === 'link').every(({ name }) => name.trim() !== ''));
  });

  it('shows services, listeners, and the service that a connection went by', async () => {
    const view = fakeReuseportView({ groups: [fakeGroup({ listeners: [fakeListener(), fakeListener({ state: 'stuck' })] }), fakeGroup({ port: 9, balanced: false, because: 'nobody chose it' })] });
    const reuseport = { view: () => Promise.resolve(view), lastView: () => view, rotate: () => Promise.resolve([]) };
    const mesh = { ...noMesh, services: () => [fakeService({ name: 'orders', addresses: ['127.0.0.1'], port: 8080 }), fakeService({ name: 'dead', up: 0 })] };
    const other = await startWebAgent(folder(), { mesh, reuseport });
    fill(other.agent.datapath, few);
    await tab.open(other.url);
    await tab.until(polled(1));
    assert.match(await text('#services tbody'), /orders127\.0\.0\.1 port 80\d+\/tcprandom2 of 3/);
    assert.deepEqual(await tab.run("[...document.querySelectorAll('#services td.tcp')].map((cell) => cell.textContent)"), ['0 of 3']);
    assert.deepEqual(await tab.run("[...document.querySelectorAll('#listeners tbody tr')].map((row) => row.textContent)"),
      ['0.0.0.0:8080/tcp1 of 2least-queue', '0.0.0.0:9/tcp2 of 2left to the kernel: nobody chose it']);
    assert.match(await text('#map'), /orders :8080/);
    await other.stop();
  });

  it('says that the agent has gone, and goes on when it is back', async () => {
    await open(few);
    const port = Number(new URL(web.url).port);
    await web.stop();
    await tab.until("document.getElementById('notice').textContent.includes('No answer from the agent')");
    web = await startWebAgent(folder(), {}, { port });
    fill(web.agent.datapath, few);
    await tab.until("document.getElementById('notice').textContent === ''", 20_000);
  });

  it('asks for nothing while it is paused', async () => {
    await open(few);
    await tab.run("document.getElementById('pause').click()");
    const before = tab.requests.length;
    await new Promise((resolve) => { setTimeout(resolve, 2600); });
    assert.equal(tab.requests.length, before);
    assert.equal(await tab.run("document.getElementById('pause').getAttribute('aria-pressed')"), 'true');
    await tab.run("document.getElementById('pause').click()");
    await tab.until(polled(2));
  });

  it('moves nothing for who wants no motion', async () => {
    await open(few, { motion: 'reduce' });
    const moving = "[...document.querySelectorAll('*')].filter((element) => getComputedStyle(element).transitionDuration !== '0s' || getComputedStyle(element).animationName !== 'none').length";
    assert.equal(await tab.run(moving), 0);
  });

  it('warns on the page when others can see it', async () => {
    const exposed = await startWebAgent(folder(), {}, { host: '0.0.0.0' });
    await tab.open(exposed.url.replace('0.0.0.0', '127.0.0.1'));
    await tab.until("document.getElementById('problems').textContent.includes('open to other hosts')");
    await exposed.stop();
  });

  it('gives nothing to the page of another site, neither by rebinding nor across origins', async () => {
    const other = createServer((_, response) => { response.setHeader('content-type', 'text/html'); response.end('<!doctype html><title>other</title>'); });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    await tab.open(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    assert.equal(await tab.run(`fetch(${JSON.stringify(`${web.url}v1/view`)}).then(() => 'read', () => 'refused')`), 'refused');
    assert.equal(await tab.run(`fetch(${JSON.stringify(`${web.url}v1/view`)}, { mode: 'no-cors' }).then((answer) => answer.type, () => 'refused')`), 'refused');
    assert.equal(await tab.run(`new Promise((resolve) => { const script = document.createElement('script'); script.src = ${JSON.stringify(`${web.url}main.js`)}; script.onload = () => resolve('loaded'); script.onerror = () => resolve('refused'); document.head.append(script); })`), 'refused');
    other.close();
    other.closeAllConnections();
    const rebound = await Chromium.start(findChromium()!, 'MAP rebind.test 127.0.0.1');
    const victim = await rebound.tab();
    await victim.open(`http://rebind.test:${new URL(web.url).port}/`);
    assert.match(await victim.run('document.body.textContent'), /ask by address or as localhost/);
    await rebound.close();
  });
});
