/* SPDX-License-Identifier: Apache-2.0 */
/* How a PF's network interface is, or shall be: up, and its MTU.  Plain data and its text, which stands in steps. */
#ifndef PT_MODEL_LINK_STATE_H
#define PT_MODEL_LINK_STATE_H

#include <stdbool.h>

#include "base/error.h"

/* RFC 791: what every link must carry; the kernel's own limits are the driver's */
#define PT_MTU_MIN 68u
#define PT_MTU_MAX 65535u

/**
 * struct pt_link_state - what it does not say is left alone
 * @says_up, @up: is it up (IFF_UP)?
 * @mtu: 0: not said
 */
struct pt_link_state {
	bool says_up;
	bool up;
	unsigned mtu;
};

/** pt_link_state_text() - "up=on mtu=9000"; the caller frees */
char *pt_link_state_text(const struct pt_link_state *s);

/** pt_link_state_parse() - the way back; hostile; -EBADMSG with the word that is wrong */
int pt_link_state_parse(const char *text, struct pt_link_state *ret_state, struct pt_error *err);

/** pt_link_state_is() - is @now as @want says? */
bool pt_link_state_is(const struct pt_link_state *want, const struct pt_link_state *now);

#endif
