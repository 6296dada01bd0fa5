/* SPDX-License-Identifier: Apache-2.0 */
/* How whoever writes into a fleet's store goes on after a lost race or an unanswered question.  For fleet/ alone. */
#ifndef PT_FLEET_RACE_H
#define PT_FLEET_RACE_H

#include "base/error.h"

/* lost races, each by another's success: as many clients at one host can all be served */
#define PT_RACES 64
/* how often it is asked what became of a write that nobody answered for */
#define PT_RACE_QUESTIONS 5

/** pt_race_pause() - a few milliseconds, more after more attempts, not the same for all who lost */
void pt_race_pause(unsigned attempt);

/** pt_race_check_id() - -EINVAL (PT_ERROR_USAGE) for what has not the form of a claim's id */
int pt_race_check_id(const char *id, struct pt_error *err);

#endif
