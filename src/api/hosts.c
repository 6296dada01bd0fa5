/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of the fleet's hosts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "fleet/evacuate.h"
#include "shape/fields.h"

void pt_get_hosts(struct pt_call *c)
{
	struct pt_error err = { 0 };

	if (pt_model_ready(c->api->model, &err) < 0)
		pt_reply_error(c, 503, &err);
	else
		pt_reply_json(c, 200, json_pack("{s:o}", "hosts", pt_model_hosts(c->api->model)));
}

/* the record of the host that the path names: 1; else the reply says why not */
static int get(struct pt_call *c, struct pt_record *record)
{
	pt_autofree char *key = pt_strf("facts/%s", c->args[0]);
	struct pt_error err = { 0 };
	double began = pt_now_s();
	int r = pt_store_get(c->store, key, record, &err);

	pt_stats_store(&c->api->stats, PT_OP_GET, pt_now_s() - began);
	/* a name that cannot be a key's is no host's either */
	if (r == 0 || r == -EINVAL) {
		r = pt_usage(&err, -ENOENT, "there is no host '%.80s' in %s", c->args[0], pt_store_name(c->store));
		pt_hint(&err, "`passthru fleet hosts` lists them");
	}
	if (r < 0)
		pt_reply_error(c, 0, &err);
	return r;
}

/* as it was published, and as `passthru-place`(8) reads one */
void pt_get_host(struct pt_call *c)
{
	PT_AUTO(pt_record) record = { 0 };
	json_t *json;

	if (get(c, &record) != 1)
		return;
	json = json_loads(record.value, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		pt_reply_say(c, 500, NULL, "%s: it is no JSON object", record.key);
		return;
	}
	pt_reply_json(c, 200, json);
	(void)snprintf(c->reply.etag, sizeof(c->reply.etag), "\"%lld\"", record.revision);
}

void pt_delete_host(struct pt_call *c)
{
	PT_AUTO(pt_record) record = { 0 };
	struct pt_error err = { 0 };
	double began = pt_now_s();
	char etag[32];
	int r;

	if (get(c, &record) != 1)
		return;
	(void)snprintf(etag, sizeof(etag), "\"%lld\"", record.revision);
	/* what was named is compared by the transaction that takes it out */
	r = pt_etag_in(c->headers.if_match, etag)
		    ? pt_fleet_withdraw(c->store, c->args[0], pt_etag_any(c->headers.if_match) ? 0 : record.revision,
					&err)
		    : -ESTALE;
	pt_stats_store(&c->api->stats, PT_OP_WITHDRAW, pt_now_s() - began);
	if (r == -ESTALE) {
		pt_reply_say(c, 412, "GET it again", "the record of %s is not %.60s: it has changed", c->args[0],
			     c->headers.if_match);
		return;
	}
	if (r == 0)
		r = pt_usage(&err, -ENOENT, "there is no host '%.80s' any more", c->args[0]);
	if (r < 0)
		pt_reply_error(c, 0, &err);
	else
		pt_reply_json(c, 200, json_pack("{s:s}", "withdrawn", c->args[0]));
}

/* {"fenced": true}: somebody has seen to it that the host is off */
void pt_post_evacuate(struct pt_call *c)
{
	static const char *const keys[] = { "fenced", NULL };
	PT_AUTO(pt_moved_list) l = { 0 };
	PT_AUTO(pt_fleet) f = { 0 };
	struct pt_error err = { 0 };
	double began = pt_now_s();
	bool fenced = false;
	int r = pt_field_only(c->json, "evacuate", keys, &err);

	r = r < 0 ? r : pt_field_bool(c->json, "evacuate", "fenced", &fenced, &err);
	if (r < 0) {
		pt_reply_error(c, 400, &err);
		return;
	}
	r = pt_fleet_load(c->store, c->api->setup.pci, &f, &err);
	r = r < 0 ? r : pt_fleet_evacuate_check(&f, c->args[0], fenced, &err);
	r = r < 0 ? r : pt_fleet_evacuate(&f, c->args[0], &l, &err);
	pt_stats_store(&c->api->stats, PT_OP_EVACUATE, pt_now_s() - began);
	/* those before the one that failed are placed: this is told in any case */
	if (r < 0) {
		pt_reply_problem(c, 0, &err, l.n ? json_pack("{s:o}", "claims", pt_moved_list_json(&l)) : NULL);
		return;
	}
	pt_reply_json(c, 200, json_pack("{s:s, s:o}", "host", c->args[0], "claims", pt_moved_list_json(&l)));
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].fate == PT_MOVED_STAYS)
			c->reply.exit_status = 3;
}
