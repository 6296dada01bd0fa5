/* SPDX-License-Identifier: Apache-2.0 */
#include "early/early.h"

#include "base/cleanup.h"
#include "host/pci.h"
#include "host/reserved.h"

void pt_early_done(struct pt_early *e)
{
	pt_keeps_done(&e->known);
	pt_devices_done(&e->devices);
	pt_identities_done(&e->present);
	pt_whereabouts_list_done(&e->where);
	pt_strv_done(&e->bad);
	*e = (struct pt_early){ 0 };
}

int pt_early_look(const struct pt_root *root, struct pt_early *ret, struct pt_error *err)
{
	struct pt_early e = { 0 };
	const struct pt_blocks none = { 0 };
	int r = pt_keep_list(root, &e.known, &e.bad, err);

	if (r == 0)
		r = pt_pci_list(root, &e.devices, err);
	if (r == 0)
		r = pt_keep_present(root, &e.known, &e.devices, &none, &e.present, err);
	if (r < 0) {
		pt_early_done(&e);
		return r;
	}
	pt_whereabouts_find(&e.known, &e.present, &e.where);
	*ret = e;
	return 0;
}

static const char *reserved_driver(const struct pt_early *e, struct pt_bdf bdf, struct pt_strv *ret_why)
{
	for (size_t i = 0; i < e->where.n; i++) {
		if (!pt_keep_at_boot(&e->known.v[i]))
			continue;
		if (e->where.v[i].boot && pt_bdf_eq(e->where.v[i].bdf, bdf))
			return e->known.v[i].driver;
		if (e->where.v[i].why)
			pt_strv_add(ret_why, e->where.v[i].why);
	}
	return pt_whereabouts_hold(&e->known, &e->present, &e->where, bdf) ? PT_DRIVER_UNDECIDED : NULL;
}

const char *pt_early_driver(const struct pt_root *root, const struct pt_early *e, struct pt_bdf bdf,
			    struct pt_strv *ret_why)
{
	const char *driver = reserved_driver(e, bdf, ret_why);
	const struct pt_device *d = pt_devices_find(&e->devices, bdf);
	char *against = driver && d ? pt_override_against(root, d) : NULL;

	if (!against)
		return driver;
	pt_strv_take(ret_why, against);
	return NULL;
}
