// SPDX-License-Identifier: Apache-2.0
/** Every suite, in the order in which they run. */
import type { Suite } from '../suite.js';
import { CPYTHON } from './cpython.js';
import { GO } from './go.js';
import { MEMCACHED } from './memcached.js';
import { NODE } from './node.js';
import { NGINX } from './nginx.js';
import { CURL } from './curl.js';
import { HAPROXY } from './haproxy.js';
import { POSTGRESQL } from './postgresql.js';
import { REDIS } from './redis.js';

export const SUITES: readonly Suite[] = [...NODE, ...REDIS, MEMCACHED, NGINX, CURL, ...HAPROXY, POSTGRESQL, ...GO, ...CPYTHON];
