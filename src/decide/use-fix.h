/* SPDX-License-Identifier: Apache-2.0 */
/* How the host lets go of a device, by what it uses it for.  Pure: words only. */
#ifndef PT_DECIDE_USE_FIX_H
#define PT_DECIDE_USE_FIX_H

#include "model/use.h"

/** pt_use_fix() - what to do about a use, as the fix of a finding; never NULL */
const char *pt_use_fix(enum pt_use_kind kind);

#endif
