// SPDX-License-Identifier: MIT
// Of the sources of llhttp that the host has, in /usr/share/llhttp.
#include <api.c>
