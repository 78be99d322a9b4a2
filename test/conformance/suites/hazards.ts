// SPDX-License-Identifier: Apache-2.0
/** Programs of our own, each written for something that the kernel's redirected sockets cannot do. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PROGRAMS } from '../../helpers/program.js';
import { Checks } from '../checks.js';
import { python } from '../python.js';
import type { Suite } from '../suite.js';
import { SOURCES } from '../place.js';

export const HAZARDS: Suite = {
  name: 'hazards',
  about: 'Go proxies that splice and that copy, blocking readers that are signalled, half-closed or read oddly',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['go', 'cc', 'python3'],
  prepare(dir) {
    const source = (name: string): string => join(SOURCES, 'programs', name);
    execFileSync('go', ['build', '-o', join(dir, 'proxy'), source('proxy.go')], { stdio: 'pipe' });
    execFileSync('cc', ['-O1', '-Wall', '-o', join(dir, 'signal_restart'), source('signal_restart.c')], { stdio: 'pipe' });
    return Promise.resolve();
  },
  async run(place) {
    const checks = new Checks();
    const prepared = (name: string): string => join(place.prepared, name);
    await checks.driver('a proxy that splices', place.run([prepared('proxy')], { group: 'splices' }));
    await checks.driver('a proxy that copies', place.run([prepared('proxy'), 'copies'], { group: 'copies' }));
    await checks.check('a signal that restarts', () => place.output([prepared('signal_restart')]));
    await checks.check('blocking readers', () => place.output([python(), join(PROGRAMS, 'blocking.py'), '{}'], { group: 'blocking' }));
    return checks.outcomes;
  },
};
