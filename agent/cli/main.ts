#!/usr/bin/env node
import { runCli } from './program.js';

// `sidestep pairs | head`: a reader that has had enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// Not exit(): what was written to a pipe must still get out. Anything that holds the process open is a bug to be seen.
process.exitCode = await runCli(process.argv.slice(2), process);
