#!/usr/bin/env node
import { constants } from 'node:os';
import { runCli } from './program.js';

// `sidestep pairs | head`: a reader that has had enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
// A terminal or a log reader that has gone must not take the agent with it.
process.stderr.on('error', () => undefined);

// Not exit(): what was written to a pipe must still get out. Anything that holds the process open is a bug to be seen.
const code = await runCli(process.argv.slice(2), process);
process.exitCode = code;

// Node aborts at its end when the terminal whose settings it wants to restore has gone; the signal's own end is clean.
if (code === 128 + constants.signals.SIGHUP) process.kill(process.pid, 'SIGHUP');
