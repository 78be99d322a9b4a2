// SPDX-License-Identifier: Apache-2.0
/*
 *   flow server --at ADDRESS [--cpu N]
 *   flow trip|stream|fan|connect --at ADDRESS [--cpu N] [--size BYTES] [--nodelay] [--ms N] [--warm-ms N] [--connections N]
 *
 *   trip     one question at a time on one connection: percentiles
 *   stream   messages one way, as fast as they go: what arrives in a second
 *   fan      one question at a time on each of many connections
 *   connect  connect, ask, be answered, close: how many in a second
 *
 * ADDRESS is IPv4:PORT or unix:PATH. Clients print one JSON object. Exit code 0, 1 when something failed, 2 for bad usage.
 */
#include "flow.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPARE_SECONDS = 20 };

_Noreturn static void usage(void)
{
	fputs("usage: flow server --at ADDRESS [--cpu N]\n"
	      "       flow trip|stream|fan|connect --at ADDRESS [--from IPV4] [--cpu N] [--size BYTES] [--nodelay]\n"
	      "            [--ms N] [--warm-ms N] [--connections N]\n",
	      stderr);
	exit(2);
}

static uint32_t number(const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > most) {
		fprintf(stderr, "flow: %s is no number up to %u\n", text, most);
		exit(2);
	}
	return (uint32_t)value;
}

static void read_options(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{ "at", required_argument, NULL, 'a' },     { "from", required_argument, NULL, 'f' },
		{ "cpu", required_argument, NULL, 'c' },    { "size", required_argument, NULL, 's' },
		{ "ms", required_argument, NULL, 'm' },     { "warm-ms", required_argument, NULL, 'w' },
		{ "nodelay", no_argument, NULL, 'd' },      { "connections", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			s->address = optarg;
			break;
		case 'f':
			s->local = optarg;
			break;
		case 'c':
			s->cpu = (int)number(optarg, 1023);
			break;
		case 's':
			s->size = number(optarg, MAX_SIZE);
			break;
		case 'm':
			s->ms = number(optarg, MAX_MS);
			break;
		case 'w':
			s->warm_ms = number(optarg, MAX_MS);
			break;
		case 'n':
			s->connections = number(optarg, MAX_CONNECTIONS);
			break;
		case 'd':
			s->nodelay = true;
			break;
		default:
			usage();
		}
	}
	if (!s->address || !s->size || !s->connections || !s->ms || optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*time)(const struct settings *s);
	} shapes[] = {
		{ "trip", time_trips },
		{ "stream", time_stream },
		{ "fan", time_fan },
		{ "connect", time_connects },
	};
	struct settings s = { .size = 64, .connections = 16, .ms = 500, .warm_ms = 200 };

	if (argc < 2)
		usage();
	read_options(argc - 1, argv + 1, &s);
	if (!strcmp(argv[1], "server")) {
		serve(&s);
		return 0;
	}
	alarm((s.ms + s.warm_ms) / 1000 + SPARE_SECONDS);
	pin(s.cpu);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (strcmp(argv[1], shapes[i].name))
			continue;
		shapes[i].time(&s);
		return 0;
	}
	usage();
}
