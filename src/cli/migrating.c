/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/migrating.h"

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "shape/device.h"
#include "shape/finding.h"

/* the word of the answer: yes, no, or unknown */
static const char *answer(const struct pt_findings *vm, const struct pt_findings *host)
{
	enum pt_verdict a = pt_findings_worst(vm);
	enum pt_verdict b = host ? pt_findings_worst(host) : PT_OK;
	enum pt_verdict worst = a > b ? a : b;

	return worst == PT_FAIL ? "no" : worst == PT_UNKNOWN ? "unknown" : "yes";
}

static void print_host(struct pt_cli *cli, const struct pt_migrate_host *h, const char *word,
		       const struct pt_findings *found)
{
	pt_autofree char *name = pt_text_clean(pt_strdup(h->name));

	(void)fprintf(cli->out, "%s: %s\n", pt_cli_bold(cli, name), word);
	pt_cli_findings(cli, found);
	(void)fputc('\n', cli->out);
}

static json_t *host_json(const struct pt_migrate_host *h, const char *word, const struct pt_findings *found)
{
	return json_pack("{s:o, s:o, s:s, s:o}", "host", pt_json_text(h->name), "where", pt_json_text(h->where),
			 "answer", word, "findings", pt_findings_json(found));
}

/* what was asked about its functions */
static void add_there(const struct pt_migrate_ask *ask, size_t i, struct pt_findings *l)
{
	const struct pt_findings *more = ask->there ? &ask->there[i] : NULL;

	for (size_t k = 0; more && k < more->n; k++)
		pt_findings_add(l, more->v[k].verdict, more->v[k].name, more->v[k].where, more->v[k].fix, "%s",
				more->v[k].fact);
}

int pt_migrate_judge(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
		     struct pt_findings *ret_found)
{
	enum pt_verdict worst;

	pt_decide_migrate_vm(ask, ret_found);
	pt_decide_migrate_host(ask, host, ret_found);
	add_there(ask, 0, ret_found);
	worst = pt_findings_worst(ret_found);
	return worst == PT_FAIL ? 0 : worst == PT_UNKNOWN ? -1 : 1;
}

int pt_migrate_tell(struct pt_cli *cli, const struct pt_migrate_ask *ask, const struct pt_migrate_hosts *hosts,
		    struct pt_error *err)
{
	PT_AUTO(pt_findings) vm = { 0 };
	json_t *list = json_array();
	size_t fit = 0;
	int r = 0;

	pt_decide_migrate_vm(ask, &vm);
	if (!cli->json && vm.n) {
		pt_cli_findings(cli, &vm);
		(void)fputc('\n', cli->out);
	}
	for (size_t i = 0; i < hosts->n; i++) {
		PT_AUTO(pt_findings) found = { 0 };
		const char *word;

		pt_decide_migrate_host(ask, &hosts->v[i], &found);
		add_there(ask, i, &found);
		word = answer(&vm, &found);
		fit += pt_streq(word, "yes");
		if (cli->json)
			(void)json_array_append_new(list, host_json(&hosts->v[i], word, &found));
		else
			print_host(cli, &hosts->v[i], word, &found);
	}
	if (cli->json)
		r = pt_print_json(cli,
				  json_pack("{s:s, s:b, s:o, s:o}", "vm", ask->look->vm.name, "running",
					    ask->look->running, "findings", pt_findings_json(&vm), "hosts",
					    json_incref(list)),
				  err);
	else
		(void)fprintf(cli->out, "%s can move to %zu of %zu hosts\n", ask->look->vm.name, fit, hosts->n);
	json_decref(list);
	return r < 0 ? r : fit ? PT_EXIT_DONE : PT_EXIT_NO;
}
