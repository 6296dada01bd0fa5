/* SPDX-License-Identifier: Apache-2.0 */
/* Processors on a terminal and as JSON. */
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/cpuing.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "decide/cpuflags.h"
#include "shape/cpu.h"
#include "shape/device.h"
#include "shape/finding.h"

static json_t *groups_json(const struct pt_strv *flags)
{
	PT_AUTO(pt_cpu_flag_groups) groups = { 0 };
	json_t *list = json_array();

	pt_cpu_flags_group(flags, &groups);
	for (size_t i = 0; i < groups.n; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:i, s:o}", "group", groups.v[i].name, "count",
							    (int)groups.v[i].flags.n, "flags",
							    pt_json_strv(&groups.v[i].flags)));
	return list;
}

static void print_groups(struct pt_cli *cli, const struct pt_strv *flags)
{
	PT_AUTO(pt_cpu_flag_groups) groups = { 0 };

	pt_cpu_flags_group(flags, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		pt_autofree char *names = pt_text_clean(pt_strv_join(&groups.v[i].flags, " "));

		(void)fprintf(cli->out, "%4zu  %-26s  ", groups.v[i].flags.n, groups.v[i].name);
		pt_cli_wrap(cli->out, names, 34, 34);
	}
}

/* "GenuineIntel, family 6, model 79, stepping 1, microcode 0xb000040"; the caller frees */
static char *numbers(const struct pt_cpu_host *h)
{
	struct pt_buf b = { 0 };

	pt_buf_add(&b, h->vendor ? h->vendor : "vendor unknown");
	if (h->family >= 0)
		pt_buf_addf(&b, ", family %d", h->family);
	if (h->number >= 0)
		pt_buf_addf(&b, ", model %d", h->number);
	if (h->stepping >= 0)
		pt_buf_addf(&b, ", stepping %d", h->stepping);
	pt_buf_addf(&b, ", microcode %s", h->microcode ? h->microcode : "unknown");
	return pt_text_clean(pt_buf_take(&b));
}

int pt_cpu_show_host(struct pt_cli *cli, const struct pt_cpu_host *host, struct pt_error *err)
{
	PT_AUTO(pt_findings) found = { 0 };
	pt_autofree char *model = pt_text_clean(pt_strdup(host->model ? host->model : "model unknown"));
	pt_autofree char *ids = numbers(host);

	pt_decide_cpu_host(host, &found);
	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:o, s:i, s:o, s:o}", "cpu", pt_cpu_host_json(host), "count",
					       (int)host->flags.n, "groups", groups_json(&host->flags), "findings",
					       pt_findings_json(&found)),
				     err);
	(void)fprintf(cli->out, "%s\n%s\n%u processor%s, %zu flags\n\n", pt_cli_bold(cli, model), ids, host->count,
		      host->count == 1 ? "" : "s", host->flags.n);
	print_groups(cli, &host->flags);
	(void)fputc('\n', cli->out);
	pt_cli_findings(cli, &found);
	return PT_EXIT_DONE;
}

/* one line of the comparison: a mode, and what it would change */
struct row {
	const char *what; /* "now", "defined", "host-model", "host-passthrough" */
	char *title;
	const struct pt_cpu_def *def;
	struct pt_cpu_given given;
	struct pt_strv gains;
	struct pt_strv losses;
};

struct rows {
	struct row *v;
	size_t n;
	size_t cap;
};

static void rows_done(struct rows *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].title);
		pt_cpu_given_done(&l->v[i].given);
		pt_strv_done(&l->v[i].gains);
		pt_strv_done(&l->v[i].losses);
	}
	free(l->v);
}

static void add_row(struct rows *l, const struct pt_cpu_look *look, const char *what, const struct pt_cpu_def *def)
{
	struct row *r = pt_array_add(l);

	r->what = what;
	r->def = def;
	r->title = pt_text_clean(
		pt_strf("%s%s%s", pt_cpu_mode_str(def->mode), def->model ? " " : "", def->model ? def->model : ""));
	pt_cpu_given_of(look, def, &r->given);
	if (l->n == 1 || !r->given.known || !l->v[0].given.known)
		return;
	pt_cpu_flags_missing(&r->given.flags, &l->v[0].given.flags, &r->gains);
	pt_cpu_flags_missing(&l->v[0].given.flags, &r->given.flags, &r->losses);
}

static void make_rows(const struct pt_cpu_look *look, const struct pt_cpu_def *passthrough,
		      const struct pt_cpu_def *host_model, struct rows *l)
{
	if (look->running)
		add_row(l, look, "now", &look->live.cpu);
	add_row(l, look, "defined", &look->vm.cpu);
	add_row(l, look, "host-model", host_model);
	add_row(l, look, "host-passthrough", passthrough);
}

static json_t *count_json(const struct row *r)
{
	return r->given.known ? json_integer((json_int_t)r->given.flags.n) : json_null();
}

static json_t *row_json(const struct row *r, bool first)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o}", "what", r->what, "cpu", pt_cpu_def_json(r->def), "count",
			      count_json(r), "flags", r->given.known ? pt_json_strv(&r->given.flags) : json_null());

	if (r->given.why_not)
		(void)json_object_set_new(o, "why_not", json_string(r->given.why_not));
	if (first || !r->given.known)
		return o;
	(void)json_object_set_new(o, "gains", pt_json_strv(&r->gains));
	(void)json_object_set_new(o, "losses", pt_json_strv(&r->losses));
	return o;
}

static int show_json(struct pt_cli *cli, const struct pt_cpu_look *look, const struct rows *rows,
		     const struct pt_cpu_host *guest, const char *silent, const struct pt_findings *found,
		     struct pt_error *err)
{
	json_t *modes = json_array();
	json_t *o;

	for (size_t i = 0; i < rows->n; i++)
		(void)json_array_append_new(modes, row_json(&rows->v[i], i == 0));
	o = json_pack("{s:s, s:b, s:o, s:o, s:o}", "vm", look->vm.name, "running", look->running, "modes", modes,
		      "guest", guest ? pt_cpu_host_json(guest) : json_null(), "findings", pt_findings_json(found));
	if (silent)
		(void)json_object_set_new(o, "guest_silent", json_string(silent));
	return pt_print_json(cli, o, err);
}

static void number_cell(struct pt_table *t, struct pt_table_line *line, size_t column, bool known, size_t n)
{
	pt_autofree char *text = known ? pt_strf("%zu", n) : pt_strdup("-");

	pt_table_cell(t, line, column, text);
}

static int print_table(struct pt_cli *cli, const struct rows *rows, struct pt_error *err)
{
	struct pt_table *t = pt_table_new(0);
	static const char *const whats[][2] = { { "now", "it runs with" }, { "defined", "it is defined as" } };
	int r;

	pt_table_column(t, "", 0, 0);
	pt_table_column(t, "PROCESSOR", 0, 0);
	pt_table_column(t, "FLAGS", PT_TABLE_RIGHT, 0);
	pt_table_column(t, "GAINS", PT_TABLE_RIGHT, 0);
	pt_table_column(t, "LOSES", PT_TABLE_RIGHT, 0);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];
		struct pt_table_line *line = pt_table_line(t, NULL);
		const char *what = "it would get";

		for (size_t k = 0; k < 2; k++)
			if (pt_streq(row->what, whats[k][0]))
				what = whats[k][1];
		pt_table_cell(t, line, 0, what);
		pt_table_cell(t, line, 1, row->title);
		number_cell(t, line, 2, row->given.known, row->given.flags.n);
		number_cell(t, line, 3, i && row->given.known, row->gains.n);
		number_cell(t, line, 4, i && row->given.known, row->losses.n);
	}
	r = pt_table_print(t, cli->out, err);
	pt_table_free(t);
	return r;
}

static void print_names(struct pt_cli *cli, const char *title, const char *verb, const struct pt_strv *names)
{
	pt_autofree char *list = pt_strv_join(names, " ");
	pt_autofree char *text = pt_text_clean(pt_strf("%s %s: %s", title, verb, list));

	if (names->n)
		pt_cli_wrap(cli->out, text, 0, 2);
}

int pt_cpu_show_vm(struct pt_cli *cli, const struct pt_cpu_look *look, const struct pt_cpu_host *guest,
		   const char *silent, struct pt_error *err)
{
	PT_AUTO(pt_cpu_def) passthrough = { 0 };
	PT_AUTO(pt_cpu_def) host_model = { 0 };
	PT_AUTO(pt_findings) found = { 0 };
	PT_AUTO(rows) rows = { 0 };
	pt_autofree char *name = pt_text_clean(pt_strdup(look->vm.name));
	int r;

	pt_decide_cpu_host(&look->host, &found);
	pt_cpu_wanted(look, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &passthrough);
	pt_cpu_wanted(look, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_MODEL }, &host_model);
	make_rows(look, &passthrough, &host_model, &rows);
	if (cli->json)
		return show_json(cli, look, &rows, guest, silent, &found, err);
	(void)fprintf(cli->out, "%s %s; flags in libvirt's words\n\n", pt_cli_bold(cli, name),
		      look->running ? "is running" : "is shut off");
	r = print_table(cli, &rows, err);
	if (r < 0)
		return r;
	for (size_t i = 1; i < rows.n; i++) {
		print_names(cli, rows.v[i].title, "gains", &rows.v[i].gains);
		print_names(cli, rows.v[i].title, "loses", &rows.v[i].losses);
		if (rows.v[i].given.why_not)
			(void)fprintf(cli->out, "%s: %s\n", rows.v[i].title, rows.v[i].given.why_not);
	}
	if (guest)
		(void)fprintf(cli->out, "\nthe guest's own kernel counts %zu flags%s%s\n", guest->flags.n,
			      guest->virt ? ", among them " : "; neither vmx nor svm is among them",
			      guest->virt ? guest->virt : "");
	else if (silent)
		(void)fprintf(cli->out, "\nthe guest itself does not tell: %s\n", silent);
	(void)fputc('\n', cli->out);
	pt_cli_findings(cli, &found);
	return PT_EXIT_DONE;
}
