/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile definition: read it, take everything out of it that can be taken out, put a hostdev in, mask and compare.
 * The same with a device that comes while the VM runs.  An edit that is handed out must be readable again and have lost
 * and gained what was asked.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "domxml/domxml.h"
#include "domxml/netpool.h"
#include "model/vf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_edit(const struct pt_domain *d, struct pt_domain_edit *edit)
{
	struct pt_hostdev_add add = { { .domain = 0xbeef, .bus = 1 }, false };

	for (size_t i = 0; i < d->disks.n; i++)
		pt_strv_add(&edit->remove_disks, d->disks.v[i].target);
	for (size_t i = 0; i < d->controllers.n; i++) {
		struct pt_controller_ref *c;

		if (d->controllers.v[i].implicit)
			continue;
		c = pt_array_add(&edit->remove_controllers);
		c->type = pt_strdup(d->controllers.v[i].type);
		c->index = d->controllers.v[i].index;
	}
	pt_array_push(&edit->add_hostdevs, add);
}

static void check_edit(const char *xml, const struct pt_domain *d)
{
	struct pt_domain_edit edit = { 0 };
	struct pt_domain after = { 0 };
	struct pt_error err = { 0 };
	char *text = NULL;

	make_edit(d, &edit);
	if (pt_domxml_edit(xml, &edit, &text, &err) == 0) {
		char *diff = pt_domxml_diff(xml, text);

		if (pt_domxml_read(text, &after, &err) < 0 || after.disks.n ||
		    !pt_domain_hostdev_by_bdf(&after, edit.add_hostdevs.v[0].bdf) || !diff[0])
			abort();
		free(diff);
	}
	free(text);
	pt_domain_done(&after);
	pt_domain_edit_done(&edit);
}

/* a device in a place that is named, root ports, and an interface that stands in for it: the first one, or a new one */
static void check_live_edit(const char *xml, const struct pt_domain *d)
{
	struct pt_hostdev_add add = { { .domain = 0xbeef, .bus = 1 }, .guest_bus = 7, .team_of = "ua-fuzz" };
	struct pt_domain_edit edit = { .add_ports = 3, .standby = { .wanted = true, .alias = "ua-fuzz" } };
	struct pt_domain after = { 0 };
	struct pt_error err = { 0 };
	char *element = NULL;
	char *text = NULL;
	bool persistent = false;

	pt_array_push(&edit.add_hostdevs, add);
	if (!d->nics.n || !d->nics.v[0].mac || pt_mac_parse(d->nics.v[0].mac, edit.standby.mac) < 0) {
		edit.standby.type = pt_strdup("bridge");
		edit.standby.source = pt_strdup("br0");
	}
	if (pt_domxml_edit(xml, &edit, &text, &err) == 0) {
		if (pt_domxml_read(text, &after, &err) < 0 || after.controllers.n != d->controllers.n + 3 ||
		    pt_domxml_hostdev(text, add.bdf, &element, &err) < 0 || !strstr(element, "ua-fuzz"))
			abort();
		for (size_t i = 0; i < after.nics.n; i++)
			persistent = persistent ||
				     (after.nics.v[i].persistent && pt_streq(after.nics.v[i].alias, "ua-fuzz"));
		if (!persistent)
			abort();
	}
	free(element);
	free(text);
	pt_domain_done(&after);
	pt_domain_edit_done(&edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *xml = pt_strndup((const char *)data, size);
	struct pt_domain d = { 0 };
	struct pt_netpool pool = { 0 };
	struct pt_error err = { 0 };
	char *masked = pt_domxml_mask(xml);
	char *again = masked ? pt_domxml_mask(masked) : NULL;

	/* what is masked is XML still, and has nothing left to mask */
	if (masked && (!again || !pt_domxml_same(masked, again)))
		abort();
	if (pt_domxml_read(xml, &d, &err) == 0)
		check_edit(xml, &d);
	if (d.name)
		check_live_edit(xml, &d);
	/* a network's definition is a hostile document as well */
	if (pt_domxml_read_netpool(xml, &pool, &err) == 1 && !pool.network)
		abort();
	pt_netpool_done(&pool);
	pt_domain_done(&d);
	free(again);
	free(masked);
	free(xml);
	return 0;
}
