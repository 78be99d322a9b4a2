/** The small drivers, one source each. */
import { fileURLToPath } from 'node:url';
import { compile } from '../helpers/compile.js';

const folder = fileURLToPath(new URL('../../../test/bench/', import.meta.url));

/** Resolves to the path of the driver. */
export const buildDriver = (name: 'rtt' | 'connect' | 'crowd' = 'rtt'): Promise<string> => Promise.resolve(compile(`${folder}build/${name}`, [`${folder}${name}.c`]));
