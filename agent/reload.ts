/** Follows the configuration: applies what a running agent can, names what needs a restart, remembers how it went. */
import { ConfigWatcher, type ConfigDiff } from '../config/reload.js';
import type { Config, LoadOptions } from '../config/load.js';
import type { ReloadState } from './admin/objects.js';
import { applyHot, HOT_KEYS, type HotTargets } from './hot.js';
import type { Log } from './log.js';

export class Reloader {
  state: ReloadState = { successful: true, at: Date.now() / 1000, error: '', restartNeeded: [] };
  #watcher: ConfigWatcher | undefined;
  #asked = false;

  constructor(
    private readonly started: Config,
    private readonly sources: LoadOptions,
    private readonly log: Log,
  ) {}

  get current(): Config {
    return this.#watcher?.current ?? this.started;
  }

  start(targets: Omit<HotTargets, 'log'>): void {
    this.#watcher = new ConfigWatcher(this.started, this.sources, {
      onReload: (config, diff) => { this.#apply(config, diff, { ...targets, log: this.log }); },
      onError: (error) => { this.#failed(error); },
    });
  }

  /** Somebody asks for the configuration to be in force again, whatever was switched by hand since. */
  reload(): void {
    this.#asked = true;
    this.#watcher?.reload();
    this.#asked = false;
  }

  stop(): void {
    this.#watcher?.close();
  }

  #apply(config: Config, { hot, restart }: ConfigDiff, targets: HotTargets): void {
    try {
      applyHot(this.#asked ? HOT_KEYS : hot, config, targets);
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.state = { successful: true, at: Date.now() / 1000, error: '', restartNeeded: restart };
    this.log.info('configuration loaded', { applied: hot });
    if (restart.length > 0) this.log.warn('settings changed that need a restart', { keys: restart });
  }

  #failed(error: Error): void {
    this.state = { ...this.state, successful: false, error: error.message };
    this.log.error('the new configuration was not applied; the agent goes on with the old one', { error });
  }
}
