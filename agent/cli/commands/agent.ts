import { openDatapath, runAgent } from '../../main.js';
import type { Run, Settings } from '../context.js';

export const agent = (settings: Settings): Run => (context) =>
  runAgent(context.load(settings), {
    open: openDatapath,
    sources: context.sources(settings),
    io: context.io,
    signals: process,
    exit: (code) => process.exit(code),
  });
