/* SPDX-License-Identifier: Apache-2.0 */
/* Why hosts say no, in a few lines for a whole fleet. */
#ifndef PT_DECIDE_WHYNOT_H
#define PT_DECIDE_WHYNOT_H

#include "base/alloc.h"
#include "model/request.h"

/** pt_whynot_summary() - "812 hosts have no free a1": a line a reason, those of most hosts first; appended to @lines */
void pt_whynot_summary(const struct pt_host_answer *answers, size_t n, struct pt_strv *lines);

#endif
