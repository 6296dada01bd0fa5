/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of the fleet's hosts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/parts.h"
#include "base/cleanup.h"

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
	if (!pt_etag_in(c->headers.if_match, etag)) {
		pt_reply_say(c, 412, "GET it again", "the record of %s is %s, not %.60s: it has changed", c->args[0],
			     etag, c->headers.if_match);
		return;
	}
	r = pt_fleet_withdraw(c->store, c->args[0], &err);
	pt_stats_store(&c->api->stats, PT_OP_WITHDRAW, pt_now_s() - began);
	if (r == 0)
		r = pt_usage(&err, -ENOENT, "there is no host '%.80s' any more", c->args[0]);
	if (r < 0)
		pt_reply_error(c, 0, &err);
	else
		pt_reply_json(c, 200, json_pack("{s:s}", "withdrawn", c->args[0]));
}
