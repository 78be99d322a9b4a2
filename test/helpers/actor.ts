// SPDX-License-Identifier: Apache-2.0
/** One connection that does what a test says; see programs/actor.py. */
import type { TestDatapath } from './datapath.js';
import type { Program, Report, Where } from './program.js';

export interface Actor {
  readonly program: Program;
  /** One command; resolves to what the actor reports of it. */
  tell(line: string): Promise<Report>;
  /** Bytes there and back, read at once. */
  talk(bytes?: number): Promise<void>;
  quit(): Promise<void>;
}

export async function startActor(t: TestDatapath, options: object = {}, where: Where = {}): Promise<Actor> {
  const program = t.start('actor.py', options, where);
  await program.next();
  const tell = (line: string): Promise<Report> => {
    program.say(line);
    return program.next();
  };
  return {
    program,
    tell,
    async talk(bytes = 1000) {
      for (const line of [`send c ${bytes}`, 'read s', `send s ${bytes}`, 'read c']) await tell(line);
    },
    async quit() {
      program.say('quit');
      await program.end();
    },
  };
}
