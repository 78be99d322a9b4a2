/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Histograms: the first bucket ends at 2^shift ns, each next one at twice as much, the last one takes the rest. */
#ifndef SIDESTEP_BUCKETS_H
#define SIDESTEP_BUCKETS_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

static __always_inline __u32 bucket_of(__u64 ns, __u32 shift, __u32 buckets)
{
	__u64 rest = ns >> shift;
	__u32 i = 0;

	for (; i < buckets - 1 && rest; i++)
		rest >>= 1;
	return i;
}

#endif
