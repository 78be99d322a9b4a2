/** A made-up profile of a workload. */
import type { Profile } from '../../../agent/datapath/types.js';

export const fakeProfile = (over: Partial<Profile> = {}): Profile => ({
  id: '00000000000000aa', comm: 'redis-server', pid: 4711, cgroup: '1', exeInode: '99', exeDev: '1', exeChanged: '1000', plain: true, blocking: false,
  hazard: '', known: false, enough: true,
  reads: { plain: 3, blocking: 0, hazard: 0, connections: 2, accepted: 2, bytes: 300, forMs: 60_000 }, seenMsAgo: 1000, ...over,
});
