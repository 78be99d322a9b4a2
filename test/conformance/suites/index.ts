// SPDX-License-Identifier: Apache-2.0
/** Every suite, in the order in which they run. */
import type { Suite } from '../suite.js';
import { CPYTHON } from './cpython.js';
import { GO } from './go.js';
import { NODE } from './node.js';

export const SUITES: readonly Suite[] = [...NODE, ...GO, ...CPYTHON];
