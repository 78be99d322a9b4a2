// SPDX-License-Identifier: Apache-2.0
// One function for each way to attach, each on a throw-away target. They leave nothing attached.
#pragma once

#include "load.h"

namespace sidestep::probe {

// What fentry and kprobe are tried on.
inline constexpr char kFunction[] = "__sys_bind";

Step AttachCgroup(Scratch& scratch, const Program& program, int prog);
Step AttachSockhash(Scratch& scratch, const Program& program, int prog);
Step AttachKprobe(Scratch& scratch, const Program& program, int prog);
Step AttachTracepoint(Scratch& scratch, const Program& program, int prog);
Step AttachPerfEvent(Scratch& scratch, const Program& program, int prog);
Step AttachRawTracepoint(Scratch& scratch, const Program& program, int prog);
Step AttachTrampoline(Scratch& scratch, const Program& program, int prog);
Step AttachIterator(Scratch& scratch, const Program& program, int prog);
Step AttachXdp(Scratch& scratch, const Program& program, int prog);
Step AttachSchedCls(Scratch& scratch, const Program& program, int prog);
Step AttachNamespace(Scratch& scratch, const Program& program, int prog);
Step AttachReuseport(Scratch& scratch, const Program& program, int prog);
Step AttachSocketFilter(Scratch& scratch, const Program& program, int prog);
Step AttachLirc(Scratch& scratch, const Program& program, int prog);
Step NotTried(Scratch& scratch, const Program& program, int prog);

// The link decides; it is closed at once.
Step Linked(UniqueFd link, const char* how = "");

// Attaches the iterator to `target` (nullptr: it has none) and reads it to its end.
Step ReadIterator(int prog, bpf_iter_link_info* target);

} // namespace sidestep::probe
