// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';

let interpreter = '';

/** The program behind `python3`, which may be a shim that starts slowly. */
export const python = (): string =>
  (interpreter ||= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim());
