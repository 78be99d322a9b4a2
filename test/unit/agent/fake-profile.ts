/** A made-up profile of a workload. */
import type { Profile } from '../../../agent/datapath/types.js';

export const fakeProfile = (over: Partial<Profile> = {}): Profile => ({
  id: '00000000000000aa', comm: 'redis-server', pid: 4711, cgroup: '1', exeInode: '99', plain: true, blocking: false,
  hazard: '', seenMsAgo: 1000, ...over,
});
