// SPDX-License-Identifier: Apache-2.0
/* What a new connection will do: shape, sizes from 1 B to 1 MiB in one unit, pace. */
#include "traffic.h"

#define KiB 1024u
#define MiB (1024u * KiB)

/* Spread over the orders of magnitude, so that small ones are as frequent as large ones. */
static uint32_t size_up_to(uint64_t *random, uint32_t most)
{
	unsigned bits = 0;

	while ((2u << bits) <= most)
		bits++;
	bits = (unsigned)between(random, 0, bits);
	return (uint32_t)between(random, 1u << bits, (2u << bits) > most ? most : (2u << bits) - 1);
}

static uint64_t rounds(uint64_t *random, uint32_t unit)
{
	uint64_t most = 8 * MiB / unit;

	return between(random, 1, most < 1 ? 1 : most > 2000 ? 2000 : most);
}

/* Each way by itself, or both at once, with and without an end of its own. */
static void fill_bulk(struct hello *h, uint64_t *random)
{
	static const uint32_t shapes[] = { UP, DOWN, DUPLEX, HALF_CLOSE };

	h->shape = shapes[next_random(random) % (sizeof(shapes) / sizeof(shapes[0]))];
	h->unit = h->chunk = (uint32_t)between(random, 64 * KiB, MiB);
	h->up = h->shape == DOWN ? 0 : between(random, MiB, 64 * MiB);
	h->down = h->shape == UP ? 16 : between(random, MiB, 64 * MiB);
}

/* `owner`: number of the client, in the seed. */
void fill_hello(struct hello *h, uint64_t *random, uint64_t owner, enum kind kind)
{
	static const uint32_t often[] = { ECHO, ECHO,   BRIEF,      BRIEF,       BRIEF,      UP,
					  DOWN, DUPLEX, HALF_CLOSE, SLOW_SERVER, SLOW_CLIENT };

	*h = (struct hello){ .magic = MAGIC };
	h->shape = kind == LONG ? CHAT
		   : kind == BRIEFLY
			   ? BRIEF
			   : often[next_random(random) % (sizeof(often) / sizeof(often[0]))];
	h->seed = owner << 48 | next_random(random) >> 16;
	if (kind == BULK) {
		fill_bulk(h, random);
		return;
	}
	h->unit = size_up_to(random, kind != ANY ? 4 * KiB : h->shape == BRIEF ? 64 * KiB : MiB);
	/* A crowd that sends byte by byte would only show how many processors there are. */
	h->chunk = h->shape == ECHO || kind == BRIEFLY ? h->unit : size_up_to(random, MiB);
	h->pause_ms = (uint32_t)between(random, 1, 10);
	switch (h->shape) {
	case BRIEF:
		h->up = h->down = h->unit;
		break;
	case ECHO:
		h->up = h->down = h->unit * rounds(random, h->unit);
		break;
	case CHAT:
		h->pause_ms = (uint32_t)between(random, 5, 50);
		h->up = h->down = ~0ULL / 4 / h->unit * h->unit;
		break;
	case UP:
	case SLOW_SERVER:
		h->up = size_up_to(random, (h->shape == UP ? 32 : 2) * MiB);
		h->down = 16;
		break;
	case DOWN:
	case SLOW_CLIENT:
		h->down = size_up_to(random, (h->shape == DOWN ? 32 : 2) * MiB);
		break;
	default:
		h->up = size_up_to(random, 16 * MiB);
		h->down = size_up_to(random, 16 * MiB);
	}
	/* Small sends of large streams take too many turns to be of use. */
	if ((h->up + h->down) / h->chunk > 20000 && h->shape != CHAT)
		h->chunk = (uint32_t)((h->up + h->down) / 20000) + 1;
}
