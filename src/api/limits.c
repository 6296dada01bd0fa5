/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of what projects may have; what they have is told by `passthru fleet limit`. */
#include <errno.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "fleet/quota.h"
#include "shape/fields.h"

/* -1: none */
static void set(struct pt_call *c, long n)
{
	const char *project = c->args[0];
	const char *alias = c->args[1];
	struct pt_error err = { 0 };
	double began = pt_now_s();
	/* one that nobody has any more can still be taken away */
	int r = n < 0 ? 0 : pt_quota_check_alias(c->api->setup.pci, alias, &err);

	r = r < 0 ? r : pt_quota_set(c->store, project, alias, n, &err);
	pt_stats_store(&c->api->stats, PT_OP_LIMIT, pt_now_s() - began);
	if (r < 0)
		pt_reply_error(c, err.kind == PT_ERROR_USAGE ? 400 : 0, &err);
	else
		pt_reply_json(c, 200,
			      json_pack("{s:s, s:s, s:o}", "project", project, "alias", alias, "limit",
					n < 0 ? json_null() : json_integer(n)));
}

void pt_put_limit(struct pt_call *c)
{
	static const char *const keys[] = { "limit", NULL };
	struct pt_error err = { 0 };
	const json_t *n = json_object_get(c->json, "limit");

	if (pt_field_only(c->json, "limit", keys, &err) < 0)
		pt_reply_error(c, 400, &err);
	else if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > PT_QUOTA_MAX)
		pt_reply_say(c, 400, "DELETE takes a limit away", "limit: a number from 0 to %d is expected",
			     PT_QUOTA_MAX);
	else
		set(c, (long)json_integer_value(n));
}

void pt_delete_limit(struct pt_call *c)
{
	set(c, -1);
}
