// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * The table of contents of the balancing object. It shares no map with the accelerator: either works without the other.
 */
#include "include/kernel.h"
#include "include/mesh_maps.h"

#include "sock_addr.bpf.c"
#include "sock_addr_udp.bpf.c"
#include "mesh_ops.bpf.c"
#include "mesh_tune.bpf.c"
#include "mesh_iters.bpf.c"

/* Makes BTF for what is only inside a map of maps: libbpf needs its size, the addon compares its layout. */
const struct mesh_row *layout_of_row;
const struct tune_row *layout_of_tune_row;

char LICENSE[] SEC("license") = "GPL";
