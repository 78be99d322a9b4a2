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

/* Modulo the table, from half of it behind to half of it ahead; LENGTH when they are nowhere in it. */
int64_t shift_of(uint64_t seed, uint64_t place, const char *bytes, size_t n, size_t *right)
{
	const char *expected = pattern_at(seed, place);
	int64_t from = 0;

	while (from < (int64_t)n && bytes[from] == expected[from])
		from++;
	*right = (size_t)from;
	n = n - (size_t)from < 16 ? n - (size_t)from : 16;
	for (int64_t shift = 1; shift < LENGTH; shift++) {
		if (memcmp(bytes + from, pattern_at(seed, place + (uint64_t)(from + shift)), n) == 0)
			return shift > LENGTH / 2 ? shift - LENGTH : shift;
	}
	return LENGTH;
}

const char *pattern_at(uint64_t seed, uint64_t place)
{
	return table + (seed + place) % LENGTH;
}
