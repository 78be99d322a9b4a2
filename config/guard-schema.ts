/** Settings of what is accelerated: the scope, and the guard. */
import type convict from 'convict';
import type { Config } from './types.js';

const MiB = 1024 * 1024;

export const guardSchema: convict.Schema<Pick<Config, 'scope' | 'guard'>> = {
  scope: {
    include: {
      doc: 'Accelerate only connections of which one end matches one of these selectors. Empty: all of them.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    exclude: {
      doc: 'Never accelerate a connection of which one end matches one of these selectors. Wins over everything else.',
      format: 'selectors',
      max: 32,
      default: [],
    },
  },
  guard: {
    trust: {
      doc: 'Take ends that match one of these selectors as known to read plainly: their connections are enrolled without being watched first.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    allowBlocking: {
      doc: 'Accept that ends that match one of these selectors block when they read. What may change for such a program is in docs/limits.md.',
      format: 'selectors',
      max: 32,
      default: [],
    },
    preseed: {
      doc: 'Which entries of the list that comes with Sidestep are believed: those of known builds, by build id, or also those by name alone, which any program may carry.',
      format: ['off', 'buildid', 'name'],
      default: 'buildid',
    },
    profiles: {
      doc: 'A file of profiles of your own, as `sidestep profiles export` writes it, read at start.',
      format: 'path',
      keyword: 'none',
      default: 'none',
    },
    share: {
      doc: 'Exchange with other hosts what programs have shown, by build id, over an external bus.',
      format: 'switch',
      default: true,
    },
    window: {
      time: {
        doc: 'How long ago a program must first have been seen to read plainly, before connections of it are accelerated.',
        format: 'duration',
        min: 0,
        max: 86_400_000,
        default: 0,
      },
      connections: {
        doc: 'On how many connections it must have been seen to read plainly.',
        format: 'count',
        min: 1,
        max: 1_000_000,
        default: 1,
      },
      bytes: {
        doc: 'How many bytes it must have been seen to read plainly.',
        format: 'size',
        min: 0,
        max: 1024 * MiB,
        default: 0,
      },
    },
  },
};
