/** Whether an agent, this one or one before it, has balancing programs in the kernel. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/types.js';

export const pinsOf = ({ bpf: { pinPath } }: Config): string => join(pinPath, 'mesh');

export const isPinned = (config: Config): boolean => existsSync(join(pinsOf(config), 'current'));
