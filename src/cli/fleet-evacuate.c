/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet evacuate HOST: the claims of a host that is off, placed on others. */
#include <errno.h>

#include "base/cleanup.h"
#include "cli/fleeting.h"
#include "cli/print.h"
#include "fleet/evacuate.h"
#include "shape/claim.h"
#include "shape/device.h"

void pt_fleeting_say_moved(const struct pt_cli *cli, const struct pt_moved *m, const char *from)
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

int pt_fleeting_print_moved(struct pt_cli *cli, const char *host, const struct pt_moved_list *l, struct pt_error *err)
{
	size_t stay = 0;
	int r = 0;

	for (size_t i = 0; i < l->n; i++) {
		stay += l->v[i].fate == PT_MOVED_STAYS;
		if (!cli->json)
			pt_fleeting_say_moved(cli, &l->v[i], host);
	}
	if (cli->json)
		r = pt_print_json(cli, json_pack("{s:s, s:o}", "host", host, "claims", pt_moved_list_json(l)), err);
	else if (!l->n)
		(void)fprintf(cli->out, "nothing is claimed on %s\n", host);
	return r < 0 ? r : stay ? PT_EXIT_NO : PT_EXIT_DONE;
}

int pt_fleeting_evacuate(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *host = cli->operands[1];
	PT_AUTO(pt_fleet) f = { 0 };
	PT_AUTO(pt_moved_list) l = { 0 };
	int r = pt_fleet_load(s->store, &s->config, &f, err);

	r = r < 0 ? r : pt_fleet_evacuate_check(&f, host, pt_cli_flag(cli, "fenced"), err);
	r = r < 0 ? r : pt_fleet_evacuate(&f, host, &l, err);
	if (r == 0)
		return pt_fleeting_print_moved(cli, host, &l, err);
	/* those before the one that failed are placed: this is told in any case */
	for (size_t i = 0; i < l.n && !cli->json; i++)
		pt_fleeting_say_moved(cli, &l.v[i], host);
	return r;
}
