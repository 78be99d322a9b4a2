// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// shedPrivileges({ program, script, args, descriptors }): begins again, as `program script args...`, with standard input and output and
// these descriptors, with no capability but CAP_NET_BIND_SERVICE (CAP_DAC_READ_SEARCH too where the script cannot be read without
// it) and no_new_privs. Returns when nothing is to be given up.
Napi::Value ShedPrivileges(const Napi::CallbackInfo& info);

} // namespace sidestep
