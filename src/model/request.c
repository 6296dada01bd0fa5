/* SPDX-License-Identifier: Apache-2.0 */
#include "model/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const policies[] = { "legacy", "required", "legacy", "preferred", "socket" };

const char *pt_numa_policy_str(enum pt_numa_policy policy)
{
	return policies[policy];
}

int pt_numa_policy_parse(const char *text)
{
	for (int i = PT_NUMA_REQUIRED; i <= PT_NUMA_SOCKET; i++)
		if (strcmp(policies[i], text) == 0)
			return i;
	return -EINVAL;
}

static int by_host(const void *a, const void *b)
{
	return strcmp(((const struct pt_chosen_cells *)a)->host, ((const struct pt_chosen_cells *)b)->host);
}

void pt_request_sort(struct pt_request *r)
{
	if (r->cells.n > 1)
		qsort(r->cells.v, r->cells.n, sizeof(*r->cells.v), by_host);
}

const struct pt_chosen_cells *pt_request_cells(const struct pt_request *r, const char *host)
{
	size_t low = 0;
	size_t high = r->cells.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(r->cells.v[middle].host, host);

		if (c == 0)
			return &r->cells.v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return r->everywhere.n ? &r->everywhere : NULL;
}

static int read_cells(const char *list, const char *text, struct pt_chosen_cells *cells, struct pt_error *err)
{
	cells->ids = pt_alloc(64 * sizeof(*cells->ids));
	for (const char *p = list; p;) {
		char *end;
		long id = strtol(p, &end, 10);

		if (*p < '0' || *p > '9' || id > 65535 || cells->n == 64 || (*end && *end != ','))
			return pt_usage(err, -EINVAL,
					"NUMA '%.80s': expected required, legacy, preferred or socket, numbers of host "
					"cells like 0,1, or both: socket:0,1",
					text);
		cells->ids[cells->n++] = (int)id;
		p = *end ? end + 1 : NULL;
	}
	return 0;
}

int pt_request_numa(struct pt_request *r, const char *text, struct pt_error *err)
{
	size_t n = strcspn(text, ":");
	pt_autofree char *word = pt_strndup(text, n);
	int policy = pt_numa_policy_parse(word);
	const char *list = policy < 0 ? text : text[n] ? text + n + 1 : NULL;

	r->policy = policy < 0 ? PT_NUMA_REQUIRED : (enum pt_numa_policy)policy;
	return list ? read_cells(list, text, &r->everywhere, err) : 0;
}

void pt_ask_done(struct pt_ask *a)
{
	for (size_t i = 0; i < a->n_specs; i++)
		pt_value_done(&a->specs[i]);
	free(a->specs);
	free(a->alias);
	free(a->network);
	pt_strv_done(&a->rp_uuids);
	*a = (struct pt_ask){ 0 };
}

void pt_request_done(struct pt_request *r)
{
	for (size_t i = 0; i < r->asks.n; i++)
		pt_ask_done(&r->asks.v[i]);
	for (size_t i = 0; i < r->cells.n; i++) {
		free(r->cells.v[i].host);
		free(r->cells.v[i].ids);
	}
	free(r->everywhere.ids);
	free(r->alias);
	free(r->asks.v);
	free(r->cells.v);
	free(r->guest_cells.v);
	*r = (struct pt_request){ 0 };
}

void pt_host_answer_done(struct pt_host_answer *a)
{
	free(a->given.v);
	free(a->cells.v);
	free(a->alias);
	free(a->message);
	*a = (struct pt_host_answer){ 0 };
}
