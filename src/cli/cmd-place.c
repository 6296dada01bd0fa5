/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/place-batch.h"
#include "cli/placeable.h"
#include "decide/whynot.h"
#include "shape/place.h"

static const struct pt_option options[] = {
	{ "batch", 0, NULL, "read one JSON question a line, write one JSON answer a line", false },
	{ "config", 0, "FILE", "a configuration, also a nova.conf; instead of this host's", true },
	{ "facts", 0, "FILE", "hosts as JSON (as in a question), instead of this host", false },
	{ "policy", 0, "POLICY", "required, legacy, preferred or socket; wins over the alias's", false },
	{ "cells", 0, "IDS", "host NUMA cells of the guest: 0,1", false },
	{ "isolate", 0, NULL, "each device from another resource provider", false },
	{ "spread", 0, NULL, "VFs from as many PFs as possible, hosts with most free first; else packed", false },
	{ NULL, 0, NULL, NULL, false },
};

struct work {
	struct pt_pci_config config;
	struct pt_rules rules;
	struct pt_inv_hosts hosts;
	struct pt_request request;
	struct pt_strv hints;
	PT_ARRAY(struct pt_host_answer) answers;
};

static void work_done(struct work *w)
{
	pt_pci_config_done(&w->config);
	pt_rules_done(&w->rules);
	pt_inv_hosts_done(&w->hosts);
	pt_request_done(&w->request);
	pt_strv_done(&w->hints);
	for (size_t i = 0; i < w->answers.n; i++)
		pt_host_answer_done(&w->answers.v[i]);
	free(w->answers.v);
}

/* "0,1" for every host */
static int read_cells(const struct pt_cli *cli, struct work *w, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "cells");
	int ids[64];
	size_t n = 0;

	for (const char *p = text; p; n++) {
		char *end;
		long id = strtol(p, &end, 10);

		if (end == p || id < 0 || id > 65535 || n == 64 || (*end && *end != ','))
			return pt_usage(err, -EINVAL, "--cells %s: expected cell numbers like 0,1", text);
		ids[n] = (int)id;
		p = *end ? end + 1 : NULL;
	}
	for (size_t i = 0; n && i < w->hosts.n; i++) {
		struct pt_chosen_cells *c = pt_array_add(&w->request.cells);

		c->host = pt_strdup(w->hosts.v[i].name);
		c->ids = pt_alloc(n * sizeof(*c->ids));
		memcpy(c->ids, ids, n * sizeof(*c->ids));
		c->n = n;
	}
	pt_request_sort(&w->request);
	return 0;
}

static int read_request(const struct pt_cli *cli, struct work *w, struct pt_error *err)
{
	const char *policy = pt_cli_value(cli, "policy");
	int r = policy ? pt_numa_policy_parse(policy) : 0;

	if (r < 0)
		return pt_usage(err, r, "--policy %s: it is required, legacy, preferred or socket", policy);
	w->request.policy = (enum pt_numa_policy)r;
	w->request.alias = pt_strdup(cli->operands[0]);
	w->request.isolate = pt_cli_flag(cli, "isolate");
	r = pt_pci_alias_expand(&w->rules.aliases, &w->request, err);
	r = r < 0 ? r : pt_request_check(&w->request, err);
	return r < 0 ? r : read_cells(cli, w, err);
}

static int prepare(const struct pt_cli *cli, struct work *w, struct pt_error *err)
{
	const char *files[64];
	size_t n = 0;
	int r;

	while (n < 64 && (files[n] = pt_cli_value_at(cli, "config", n)))
		n++;
	r = pt_placeable_config(cli, files, n, &w->config, &w->hints, err);
	r = r < 0 ? r : pt_rules_compile(&w->config, &w->rules, NULL, err);
	r = r < 0 ? r : pt_placeable_hosts(cli, &w->hosts, NULL, err);
	return r < 0 ? r : read_request(cli, w, err);
}

static void print_answer(const struct pt_cli *cli, const struct work *w, const struct pt_host_answer *a)
{
	if (!a->fits)
		return;
	(void)fprintf(cli->out, "%s fits\n", a->host);
	for (size_t i = 0; i < a->given.n; i++)
		(void)fprintf(cli->out, "  %s  %s\n", pt_bdf_str(a->given.v[i].bdf).s,
			      w->request.asks.v[a->given.v[i].request].alias);
	if (a->remote)
		(void)fprintf(cli->out, "  %u of them on another NUMA cell than the guest\n", a->remote);
}

static void print_reasons(const struct pt_cli *cli, const struct work *w)
{
	PT_AUTO(pt_strv) lines = { 0 };

	if (w->answers.n == 1 && !w->answers.v[0].fits) {
		(void)fprintf(cli->out, "%s\n", w->answers.v[0].message);
		if (w->answers.v[0].would_prefer)
			(void)fprintf(cli->out, "with numa_policy=preferred it would fit\n");
		return;
	}
	pt_whynot_summary(w->answers.v, w->answers.n, &lines);
	for (size_t i = 0; w->answers.n > 1 && i < lines.n; i++)
		(void)fprintf(cli->out, "%s\n", lines.v[i]);
	for (size_t i = 0; cli->verbose && i < w->answers.n; i++)
		if (!w->answers.v[i].fits)
			(void)fprintf(cli->out, "  %s\n", w->answers.v[i].message);
}

static int print_json(const struct pt_cli *cli, const struct work *w, struct pt_error *err)
{
	json_t *list = json_array();
	json_t *all;
	int r;

	for (size_t i = 0; i < w->answers.n; i++)
		(void)json_array_append_new(list, pt_place_write_answer(&w->answers.v[i], &w->request, true));
	all = json_pack("{s:o}", "hosts", list);
	r = all ? json_dumpf(all, cli->out, JSON_INDENT(2)) : -1;
	json_decref(all);
	if (r < 0)
		return pt_fail(err, -EIO, "cannot write the answer");
	(void)fputc('\n', cli->out);
	return 0;
}

/* @how comes along to the comparison */
struct sorting {
	const struct pt_host_answer *answers;
	struct pt_place_options how;
};

static int by_preference(const void *a, const void *b, void *sorting)
{
	const struct sorting *s = sorting;
	size_t x = *(const size_t *)a;
	size_t y = *(const size_t *)b;
	int c = pt_place_prefer(&s->answers[x], &s->answers[y], s->how);

	return c ? c : x < y ? -1 : 1;
}

/* best first, those that say no last; equal ones as they came */
static void sort_answers(struct work *w, struct pt_place_options how)
{
	pt_autofree size_t *order = pt_alloc((w->answers.n + 1) * sizeof(*order));
	struct pt_host_answer *sorted = pt_alloc((w->answers.n + 1) * sizeof(*sorted));
	struct sorting s = { w->answers.v, how };

	for (size_t i = 0; i < w->answers.n; i++)
		order[i] = i;
	if (w->answers.n > 1)
		qsort_r(order, w->answers.n, sizeof(*order), by_preference, &s);
	for (size_t i = 0; i < w->answers.n; i++)
		sorted[i] = w->answers.v[order[i]];
	free(w->answers.v);
	w->answers.v = sorted;
	w->answers.cap = w->answers.n + 1;
}

static int place(const struct pt_cli *cli, struct pt_place_options how, struct pt_error *err)
{
	PT_CLEANUP(work_done) struct work w = { .hints = { 0 } };
	size_t fit = 0;
	int r = prepare(cli, &w, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < w.hosts.n; i++) {
		struct pt_host_answer *a = pt_array_add(&w.answers);

		pt_place_host(&w.rules, &w.request, &w.hosts.v[i], how, a);
		fit += a->fits;
	}
	sort_answers(&w, how);
	for (size_t i = 0; i < w.hints.n; i++)
		(void)fprintf(cli->diag, "passthru: %s\n", w.hints.v[i]);
	if (cli->json) {
		r = print_json(cli, &w, err);
		return r < 0 ? r : fit ? PT_EXIT_DONE : PT_EXIT_NO;
	}
	for (size_t i = 0; i < w.answers.n; i++)
		print_answer(cli, &w, &w.answers.v[i]);
	print_reasons(cli, &w);
	return fit ? PT_EXIT_DONE : PT_EXIT_NO;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	struct pt_place_options how = { .spread = pt_cli_flag(cli, "spread") };
	int r;

	if (!pt_cli_flag(cli, "batch")) {
		if (cli->n_operands == 1)
			return place(cli, how, err);
		r = pt_usage(err, -EINVAL, "passthru place: what is asked for is missing");
		pt_hint(err, "passthru place a1:2, an alias of [pci] alias and a count; or --batch");
		return r;
	}
	if (cli->n_operands)
		return pt_usage(err, -EINVAL, "passthru place --batch reads its requests; '%s' is one too many",
				cli->operands[0]);
	r = pt_batch_run(STDIN_FILENO, cli->out, pt_batch_place, how, err);
	return r < 0 ? r : PT_EXIT_DONE;
}

const struct pt_command pt_command_place = {
	.name = "place",
	.args = "[ALIAS:COUNT[,…]]",
	.group = "Fleet",
	.summary = "Say which host and which devices serve a request, and why the others do not",
	.description = "The configuration is Nova's: [pci] device_spec says which devices may be given, [pci] alias "
		       "names kinds of "
		       "them.  Nothing on any host is touched, and no root is needed.\n\n"
		       "With --batch each line read is a JSON object with a configuration, hosts and a request; each "
		       "line written "
		       "is the answer to it: for each host whether it fits, with which devices, or why not.",
	.options = options,
	.max_operands = 1,
	.run = run,
};
