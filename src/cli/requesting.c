/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/requesting.h"

#include <errno.h>

#include "base/cleanup.h"
#include "decide/whynot.h"
#include "shape/place.h"

/* "a1,b:2" is "a1:1,b:2"; the caller frees */
static char *with_counts(const char *text)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf b = { 0 };

	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ",");

		pt_buf_addn(&b, p, n);
		if (n && !memchr(p, ':', n))
			pt_buf_add(&b, ":1");
		p += n;
		if (!*p)
			return pt_buf_take(&b);
		pt_buf_add(&b, ",");
	}
}

int pt_requesting_read(const struct pt_cli *cli, const char *text, struct pt_request *request, struct pt_claim_ask *ask,
		       struct pt_error *err)
{
	const char *policy = pt_cli_value(cli, "policy");
	const char *numa = pt_cli_value(cli, "numa");
	int r = policy ? pt_numa_policy_parse(policy) : 0;

	if (r < 0)
		return pt_usage(err, r, "--policy %s: it is required, legacy, preferred or socket", policy);
	if (policy && numa)
		return pt_usage(err, -EINVAL, "--policy and --numa: --numa %s:CELLS says both", policy);
	request->policy = (enum pt_numa_policy)r;
	request->alias = with_counts(text);
	ask->request = request;
	ask->numa = numa ? numa : policy;
	ask->host = pt_cli_value(cli, "host");
	ask->how.spread = pt_cli_flag(cli, "spread");
	return numa ? pt_request_numa(request, numa, err) : 0;
}

int pt_requesting_check_host(struct pt_fleet *f, const char *name, struct pt_error *err)
{
	int r;

	if (!name || pt_fleet_find_host(f, name))
		return 0;
	r = pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", name, pt_store_name(f->store));
	pt_hint(err, "`passthru fleet hosts` lists them");
	return r;
}

void pt_requesting_print(const struct pt_cli *cli, const struct pt_fleet_answers *l)
{
	PT_AUTO(pt_strv) lines = { 0 };

	if (!l->n)
		(void)fprintf(cli->out, "no host is in this store: `passthru fleet publish`, on each of them\n");
	if (l->n == 1 && !l->v[0].fits) {
		(void)fprintf(cli->out, "%s\n", l->v[0].message);
		return;
	}
	if (l->n)
		pt_whynot_summary(l->v, l->n, &lines);
	for (size_t i = 0; i < lines.n; i++)
		(void)fprintf(cli->out, "%s\n", lines.v[i]);
	for (size_t i = 0; cli->verbose && i < l->n; i++)
		(void)fprintf(cli->out, "  %s: %s\n", l->v[i].host, l->v[i].fits ? "fits" : l->v[i].message);
}

json_t *pt_requesting_json(const struct pt_fleet_answers *l, const struct pt_request *request, bool devices)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(hosts, pt_place_write_answer(&l->v[i], request, devices));
	return hosts;
}
