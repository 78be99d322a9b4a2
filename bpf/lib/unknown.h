/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Before Linux 6.7 the verifier walks the callback of a loop once, with what it finds in its first turn, and takes out
 * the branches that are not taken then. What a callback compares with must not be a number that the verifier knows.
 */
#ifndef SIDESTEP_UNKNOWN_H
#define SIDESTEP_UNKNOWN_H

#include "../include/kernel.h"

/* Zero, from any number that the verifier does not know. */
static __always_inline __u64 unknown_zero(__u64 any)
{
	asm volatile("%0 ^= %0" : "+r"(any));
	return any;
}

#endif
