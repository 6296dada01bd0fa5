/* SPDX-License-Identifier: Apache-2.0 */
#include "model/link-state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

char *pt_link_state_text(const struct pt_link_state *s)
{
	PT_AUTO(pt_strv) words = { 0 };

	if (s->says_up)
		pt_strv_addf(&words, "up=%s", s->up ? "on" : "off");
	if (s->mtu)
		pt_strv_addf(&words, "mtu=%u", s->mtu);
	return pt_strv_join(&words, " ");
}

static bool read_up(const char *value, struct pt_link_state *s)
{
	s->says_up = true;
	s->up = strcmp(value, "on") == 0;
	return s->up || strcmp(value, "off") == 0;
}

static bool read_mtu(const char *value, struct pt_link_state *s)
{
	char *end;
	unsigned long n;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || n < PT_MTU_MIN || n > PT_MTU_MAX)
		return false;
	s->mtu = (unsigned)n;
	return true;
}

int pt_link_state_parse(const char *text, struct pt_link_state *ret, struct pt_error *err)
{
	pt_autofree char *copy = pt_strdup(text);
	struct pt_link_state s = { 0 };
	char *save = NULL;

	for (char *word = strtok_r(copy, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
		bool known = (pt_startswith(word, "up=") && read_up(word + strlen("up="), &s)) ||
			     (pt_startswith(word, "mtu=") && read_mtu(word + strlen("mtu="), &s));

		if (!known)
			return pt_say(err, -EBADMSG, "'%.40s' is nothing that a network interface has", word);
	}
	*ret = s;
	return 0;
}

bool pt_link_state_is(const struct pt_link_state *want, const struct pt_link_state *now)
{
	return (!want->says_up || want->up == now->up) && (!want->mtu || want->mtu == now->mtu);
}
