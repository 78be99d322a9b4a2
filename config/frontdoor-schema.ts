/** Settings of the front door: a part of schema.ts. */
import type convict from 'convict';
import type { Config } from './types.js';

export const frontdoorSchema: convict.Schema<Pick<Config, 'frontdoor' | 'frontdoors'>> = {
  frontdoor: {
    threads: { doc: 'Threads that accept and serve connections from other hosts. None runs without a listener.', format: 'count', min: 1, max: 64, default: 2 },
  },
  frontdoors: {
    doc: 'Listeners for connections from other hosts, and where they lead. Their keys are listed below. Empty: no front door.',
    format: 'frontdoors',
    default: [],
  },
};
