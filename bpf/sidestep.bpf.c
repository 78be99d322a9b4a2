// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * The table of contents: one object, one file for each hook. They are one compilation unit because the linker of
 * libbpf 1.1 (Debian 12) cannot join objects that call kernel functions such as bpf_rdonly_cast.
 */
#include "sock_ops.bpf.c"
#include "sk_msg.bpf.c"
#include "sk_skb.bpf.c"
#include "guard.bpf.c"
#include "sockopt.bpf.c"
#include "fionread.bpf.c"
#include "iters.bpf.c"
#include "found.bpf.c"
#include "census.bpf.c"
#include "tally.bpf.c"

/* Makes BTF for what no map mentions, so that the addon can compare it with its own layout. */
const struct sidestep_event *layout_of_event;
const struct sidestep_process *layout_of_process;
const struct sidestep_seed *layout_of_seed;
const struct sidestep_refreshed *layout_of_refreshed;
const struct sidestep_entries *layout_of_entries;

/* The kernel lets only GPL-compatible programs call the functions that read sockets. */
char LICENSE[] SEC("license") = "GPL";
