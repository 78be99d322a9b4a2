// SPDX-License-Identifier: Apache-2.0
/* The bytes of all streams: windows into one table whose length is no round number, so that a shift always shows. */
#include "traffic.h"

#include <string.h>

#define LENGTH (PATTERN_RUN + 7)

static char table[2 * LENGTH];

uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t between(uint64_t *state, uint64_t low, uint64_t high)
{
	return low + next_random(state) % (high - low + 1);
}

void make_pattern(void)
{
	uint64_t state = 1;

	for (size_t i = 0; i < LENGTH; i++)
		table[i] = (char)next_random(&state);
	memcpy(table + LENGTH, table, LENGTH);
}

const char *pattern_at(uint64_t seed, uint64_t place)
{
	return table + (seed + place) % LENGTH;
}
