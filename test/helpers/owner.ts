// SPDX-License-Identifier: Apache-2.0
/**
 * A process that owns a datapath until it is killed: owner.js <JSON of NativeOptions> [uninstall]. Says "open" when it
 * does, and then waits, or takes everything away and ends.
 */
// eslint-disable-next-line no-restricted-imports
import { native, type NativeOptions } from '../../native/index.js';

const datapath = new native.NativeDatapath(JSON.parse(process.argv[2] ?? '{}') as NativeOptions);
process.stdout.write(`${JSON.stringify({ open: true, tookOver: datapath.info()['tookOver'] })}\n`);
if (process.argv[3] === 'uninstall') datapath.uninstall();
else process.stdin.resume();
