/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storing.h"

#include <errno.h>

#include "base/cleanup.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "shape/claim.h"

int pt_storing_open(const struct pt_cli *cli, struct pt_storing *ret, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(pt_store_config) store = { 0 };
	const char *files[64];
	size_t n = 0;
	int r;

	while (n < 64 && (files[n] = pt_cli_value_at(cli, "config", n)))
		n++;
	r = pt_placeable_store(cli, files, n, &store, err);
	r = r < 0 ? r : pt_placeable_config(cli, files, n, &s.config, &s.hints, err);
	r = r < 0 ? r : pt_store_open(&store, &s.store, err);
	if (r < 0)
		return r;
	*ret = pt_take(s);
	return 0;
}

void pt_storing_done(struct pt_storing *s)
{
	pt_store_close(s->store);
	pt_pci_config_done(&s->config);
	pt_strv_done(&s->hints);
	*s = (struct pt_storing){ 0 };
}

void pt_storing_print_claim(const struct pt_cli *cli, const struct pt_claim *c)
{
	(void)fprintf(cli->out, "%s  %s for %s on %s\n", pt_cli_bold(cli, c->id), c->asked, c->holder, c->host);
	for (size_t i = 0; i < c->devices.n; i++)
		(void)fprintf(cli->out, "  %s  %s\n", pt_bdf_str(c->devices.v[i].bdf).s,
			      c->devices.v[i].alias ? c->devices.v[i].alias : "");
}

json_t *pt_storing_claims_json(const struct pt_claim *claims, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, pt_claim_json(&claims[i]));
	return list;
}

/* one after the other: those before stay released when one fails, and are told */
static int release_all(struct pt_cli *cli, struct pt_store *store, struct pt_claims_list *l, struct pt_error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < cli->n_operands; i++) {
		struct pt_claim c = { 0 };

		r = pt_fleet_release(store, cli->operands[i], &c, err);
		if (r == 0) {
			r = pt_usage(err, -ENOENT, "there is no claim %s", cli->operands[i]);
			pt_hint(err, "`passthru claims` lists them");
		} else if (r == 1) {
			pt_array_push(l, c);
			r = 0;
		}
	}
	return r;
}

int pt_storing_release(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_storing) s = { 0 };
	PT_AUTO(pt_claims_list) l = { 0 };
	int r = pt_storing_open(cli, &s, err);

	r = r < 0 ? r : release_all(cli, s.store, &l, err);
	for (size_t i = 0; i < l.n && (r < 0 || !cli->json); i++) {
		FILE *to = r < 0 ? cli->diag : cli->out;

		(void)fprintf(to, "released %s: %s for %s on %s\n", l.v[i].id, l.v[i].asked, l.v[i].holder,
			      l.v[i].host);
	}
	if (r < 0)
		return r;
	return cli->json ? pt_print_json(cli, json_pack("{s:o}", "released", pt_storing_claims_json(l.v, l.n)), err)
			 : PT_EXIT_DONE;
}
