/** The guard's memory of this host, with everything that it needs. */
import type { Config } from '../../config/types.js';
import { findCgroup2 } from '../datapath/cgroup.js';
import type { Datapath } from '../datapath/types.js';
import type { Log } from '../log.js';
import { CgroupNames } from '../pairs/cgroups.js';
import { Guard } from './guard.js';
import { Identifier } from './identify.js';
import type { KnownProfile } from './known.js';
import { Management } from './manage.js';
import { ProfileStore } from './store.js';
import { Subjects } from './subjects.js';

export function guardOf(
  config: Pick<Config, 'stateDir'>, datapath: Datapath, listed: readonly KnownProfile[], log: Log,
): { guard: Guard; profiles: Management; store: ProfileStore } {
  const store = new ProfileStore({ dir: config.stateDir, log });
  store.load();
  const identifier = new Identifier();
  const subjects = new Subjects(datapath, identifier, new CgroupNames(findCgroup2()));
  const guard = new Guard({ datapath, store, listed, subjects, identifier, log });
  return { guard, profiles: new Management(guard, store), store };
}
