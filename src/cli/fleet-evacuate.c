/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet evacuate HOST: the claims of a host that is off, placed on others. */
#include <errno.h>

#include "base/cleanup.h"
#include "cli/fleeting.h"
#include "cli/print.h"
#include "fleet/evacuate.h"
#include "shape/claim.h"
#include "shape/device.h"

static const char *const fates[] = {
	[PT_MOVED_STAYS] = "stays",
	[PT_MOVED_PLACED] = "placed",
	[PT_MOVED_ENDED] = "ended",
};

static int check(const struct pt_cli *cli, struct pt_fleet *f, const char *host, struct pt_error *err)
{
	const struct pt_fleet_host *h = pt_fleet_find_host(f, host);
	int r;

	if (!h) {
		r = pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", host, pt_store_name(f->store));
		pt_hint(err, "`passthru fleet hosts` lists them");
		return r;
	}
	if (h->alive) {
		r = pt_refuse(err, "alive", "host %s is alive: its agent is heard of", host);
		pt_hint(err, "release its claims one by one, or switch the host off first");
		return r;
	}
	if (pt_cli_flag(cli, "fenced"))
		return 0;
	r = pt_refuse(err, "fenced",
		      "host %s is not heard of, but may be running, with its VMs: then each would run twice", host);
	pt_hint(err, "see to it that it is off (its power, at its management controller), and say so: --fenced");
	return r;
}

static void say(const struct pt_cli *cli, const struct pt_moved *m, const char *from)
{
	if (m->fate == PT_MOVED_PLACED)
		(void)fprintf(cli->out, "%s  %s for %s: from %s to %s\n", m->claim.id, m->claim.asked, m->claim.holder,
			      from, m->claim.host);
	else if (m->fate == PT_MOVED_ENDED)
		(void)fprintf(cli->out, "%s  %s for %s: was to be released, and is\n", m->claim.id, m->claim.asked,
			      m->claim.holder);
	else
		(void)fprintf(cli->out, "%s  %s for %s: stays on %s: %s\n", m->claim.id, m->claim.asked,
			      m->claim.holder, from, m->why ? m->why : "it was not reached");
}

static json_t *moved_json(const struct pt_moved_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(list,
					    json_pack("{s:o, s:s, s:o}", "claim", pt_claim_json(&l->v[i].claim), "fate",
						      fates[l->v[i].fate], "why", pt_json_text(l->v[i].why)));
	return list;
}

int pt_fleeting_evacuate(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *host = cli->operands[1];
	PT_AUTO(pt_fleet) f = { 0 };
	PT_AUTO(pt_moved_list) l = { 0 };
	size_t stay = 0;
	int r = pt_fleet_load(s->store, &s->config, &f, err);

	r = r < 0 ? r : check(cli, &f, host, err);
	r = r < 0 ? r : pt_fleet_evacuate(&f, host, &l, err);
	/* those before the one that failed are placed: this is told in any case */
	for (size_t i = 0; i < l.n; i++) {
		stay += l.v[i].fate == PT_MOVED_STAYS;
		if (!cli->json)
			say(cli, &l.v[i], host);
	}
	if (r < 0)
		return r;
	if (cli->json) {
		r = pt_print_json(cli, json_pack("{s:s, s:o}", "host", host, "claims", moved_json(&l)), err);
		return r < 0 ? r : stay ? PT_EXIT_NO : PT_EXIT_DONE;
	}
	if (!l.n)
		(void)fprintf(cli->out, "nothing is claimed on %s\n", host);
	return stay ? PT_EXIT_NO : PT_EXIT_DONE;
}
