// SPDX-License-Identifier: Apache-2.0
/** Every suite, in the order in which they run. */
import type { Suite } from '../suite.js';
import { CPYTHON } from './cpython.js';
import { CURL } from './curl.js';
import { GO } from './go.js';
import { HAPROXY } from './haproxy.js';
import { HAZARDS } from './hazards.js';
import { IPERF3 } from './iperf3.js';
import { MEMCACHED } from './memcached.js';
import { NATS } from './nats.js';
import { NGINX } from './nginx.js';
import { NODE } from './node.js';
import { POSTGRESQL } from './postgresql.js';
import { REDIS } from './redis.js';
import { SOCAT } from './socat.js';

export const SUITES: readonly Suite[] = [
  HAZARDS, ...NODE, ...REDIS, MEMCACHED, NGINX, CURL, ...HAPROXY, POSTGRESQL, NATS, IPERF3, ...SOCAT, ...GO, ...CPYTHON,
];
