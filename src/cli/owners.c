/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/owners.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "vm/libvirt.h"

void pt_owners_find(const struct pt_cli *cli, struct pt_owners *ret_owners)
{
	struct pt_owners owners = { 0 };
	struct pt_vm_conn *conn = NULL;
	struct pt_error err = { 0 };
	int r;

	if (cli->root.captured) {
		owners.why = pt_strdup("a captured host has no VMs to ask for");
		*ret_owners = owners;
		return;
	}
	if (!pt_vm_uri_is_local(cli->uri))
		r = pt_say(&err, -EREMOTE, "%s is another host", cli->uri);
	else
		r = pt_vm_open(&cli->root, cli->uri, true, &conn, &err);
	if (r == 0)
		r = pt_vm_list(conn, NULL, &owners.domains, &err);
	pt_vm_close(conn);
	owners.asked = r == 0;
	if (r < 0)
		owners.why = pt_strdup(err.msg);
	*ret_owners = owners;
}

char *pt_owners_of(const struct pt_owners *owners, struct pt_bdf bdf)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };

	for (size_t i = 0; i < owners->domains.n; i++) {
		const struct pt_domain *d = &owners->domains.v[i];

		if (pt_domain_hostdev_by_bdf(d, bdf))
			pt_buf_addf(&text, "%s%s%s", text.n ? ", " : "", d->name,
				    d->state == PT_DOMAIN_SHUTOFF ? "" : " (running)");
	}
	return text.n ? pt_buf_take(&text) : NULL;
}

void pt_owners_done(struct pt_owners *owners)
{
	pt_domains_done(&owners->domains);
	free(owners->why);
	pt_keeps_done(&owners->reserved);
	*owners = (struct pt_owners){ 0 };
}
