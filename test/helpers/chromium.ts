/** A Chromium of its own without a window, driven over the DevTools protocol. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** Undefined when there is none in the PATH. */
export function findChromium(): string | undefined {
  const candidates = names.flatMap((name) => (process.env['PATH'] ?? '').split(':').map((directory) => join(directory, name)));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface Answer { id?: number; method?: string; params?: Record<string, unknown>; result?: Record<string, unknown>; error?: { message: string } }

export interface Look { width?: number; height?: number; scheme?: 'light' | 'dark'; motion?: 'reduce' | 'no-preference' }

/** One tab. What went wrong in it, and what it asked for, is kept. */
export class Tab {
  readonly complaints: string[] = [];
  readonly requests: string[] = [];

  constructor(
    private readonly send: (method: string, params: object) => Promise<Record<string, unknown>>,
  ) {}

  take({ method, params = {} }: Answer): void {
    const { entry, exceptionDetails, request, args, type } = params as {
      entry?: { level: string; text: string }; exceptionDetails?: { text: string; exception?: { description?: string } }; request?: { url: string };
      args?: { value?: unknown }[]; type?: string;
    };
    if (method === 'Log.entryAdded' && entry && entry.level !== 'verbose' && entry.level !== 'info') this.complaints.push(entry.text);
    if (method === 'Runtime.exceptionThrown') this.complaints.push(exceptionDetails?.exception?.description ?? exceptionDetails?.text ?? 'exception');
    if (method === 'Runtime.consoleAPICalled' && (type === 'error' || type === 'warning')) this.complaints.push(String(args?.[0]?.value));
    if (method === 'Network.requestWillBeSent' && request) this.requests.push(request.url);
  }

  async show({ width = 1280, height = 900, scheme = 'light', motion = 'no-preference' }: Look): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: motion }] });
  }

  async open(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
    await this.until('document.readyState === "complete"');
  }

  async run<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }) as
      { result: { value: T }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  async until(condition: string, limitMs = 10_000): Promise<void> {
    for (const end = performance.now() + limitMs; ;) {
      if (await this.run<boolean>(`Boolean(${condition})`).catch(() => false)) return;
      if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${condition}`);
      await sleep(30);
    }
  }

  async press(key: string, text = ''): Promise<void> {
    const codes: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, Escape: 27, ' ': 32 };
    const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: codes[key] ?? 0, ...(text === '' ? {} : { text }) };
    await this.send('Input.dispatchKeyEvent', { type: text === '' ? 'rawKeyDown' : 'keyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  type(text: string): Promise<unknown> { return this.send('Input.insertText', { text }); }

  /** Of the whole page. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true }) as { data: string };
    return Buffer.from(data, 'base64');
  }

  /** Role and name of everything that a screen reader is told. */
  async heard(): Promise<{ role: string; name: string }[]> {
    const { nodes } = await this.send('Accessibility.getFullAXTree', {}) as { nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[] };
    return nodes.filter(({ ignored }) => !ignored).map(({ role, name }) => ({ role: role?.value ?? '', name: name?.value ?? '' }));
  }
}

export class Chromium {
  #next = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #tabs = new Map<string, Tab>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
  ) {
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer & { sessionId?: string };
      if (answer.id === undefined) this.#tabs.get(answer.sessionId ?? '')?.take(answer);
      else this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** `rules`: of --host-resolver-rules. By default no name leads anywhere, so that nothing can come from elsewhere. */
  static async start(path: string, rules = 'MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), 'ss-chromium-'));
    const child = spawn(path, ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-background-networking', '--remote-debugging-port=0',
      `--user-data-dir=${profile}`, `--host-resolver-rules=${rules}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const ended = once(child, 'exit').then(() => { throw new Error(`Chromium ended: ${said}`); });
    ended.catch(() => undefined);
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    let url: string | undefined;
    while ((url = /DevTools listening on (ws:\S+)/.exec(said)?.[1]) === undefined) await Promise.race([once(child.stderr, 'data'), ended]);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Chromium(child, socket, profile);
  }

  async tab(look: Look = {}): Promise<Tab> {
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' }) as { targetId: string };
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true }) as { sessionId: string };
    const tab = new Tab((method, params) => this.#send(method, params, sessionId));
    this.#tabs.set(sessionId, tab);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Accessibility']) await this.#send(`${domain}.enable`, {}, sessionId);
    await tab.show(look);
    return tab;
  }

  async close(): Promise<void> {
    // Killed, it would leave processes of its own behind.
    const gone = once(this.child, 'exit');
    this.socket.send(JSON.stringify({ id: ++this.#next, method: 'Browser.close' }));
    await gone;
    this.socket.terminate();
    this.child.stderr?.destroy();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result = {}, error }) => {
        this.#waiting.delete(id);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result);
      });
      this.socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    });
  }
}
