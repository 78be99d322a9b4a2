// SPDX-License-Identifier: Apache-2.0
/** A process that owns a datapath until it is killed: owner.js <JSON of NativeOptions>. Says "open" when it does. */
// eslint-disable-next-line no-restricted-imports
import { native, type NativeOptions } from '../../native/index.js';

const datapath = new native.NativeDatapath(JSON.parse(process.argv[2] ?? '{}') as NativeOptions);
process.stdout.write(`${JSON.stringify({ open: true, tookOver: datapath.info()['tookOver'] })}\n`);
process.stdin.resume();
