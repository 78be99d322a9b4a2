/** A front door as a process of its own, to be started in a network namespace: door-process.js <JSON of door and backends>. */
import { createInterface } from 'node:readline';
import { openThreads } from '../../agent/frontdoor/native.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';

const door = JSON.parse(process.argv[2] ?? '') as FrontDoorConfig;
const doors = openThreads(2);
doors.open(door, door.backends);
console.log(JSON.stringify({ listens: door.port }));
const lines = createInterface({ input: process.stdin });
lines.on('line', () => { console.log(JSON.stringify(doors.look().totals[0])); });
lines.on('close', () => { doors.close(); });
