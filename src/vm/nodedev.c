/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/nodedev.h"

#include <stdlib.h>

#include "domxml/nodedev.h"
#include "vm/conn.h"

/* both kinds as libvirt lists them: interfaces name their function as the parent */
struct found {
	PT_ARRAY(struct pt_nodedev) v;
};

static void found_done(struct found *f)
{
	for (size_t i = 0; i < f->v.n; i++)
		pt_nodedev_done(&f->v.v[i]);
	free(f->v.v);
}

static int list(struct pt_vm_conn *conn, struct found *f, struct pt_error *err)
{
	virNodeDevicePtr *all = NULL;
	int n = virConnectListAllNodeDevices(
		conn->conn, &all, VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET);

	if (n < 0)
		return pt_vm_fail(err, "cannot ask libvirt at %s for its devices", conn->uri);
	for (int i = 0; i < n; i++) {
		char *xml = virNodeDeviceGetXMLDesc(all[i], 0);
		struct pt_nodedev d = { 0 };

		/* one that went meanwhile has none */
		if (xml && pt_domxml_read_nodedev(xml, &d, NULL) == 0)
			pt_array_push(&f->v, d);
		free(xml);
		(void)virNodeDeviceFree(all[i]);
	}
	free(all);
	return 0;
}

static void add(const struct found *f, const struct pt_nodedev *from, struct pt_devices *l)
{
	struct pt_device d = {
		.bdf = from->bdf,
		.vendor = from->vendor,
		.device = from->device,
		.class_code = from->class_code,
		.driver = pt_strdup_opt(from->driver),
		.iommu_group = PT_GROUP_NONE,
		.numa_node = from->numa_node,
		.sriov = from->is_vf   ? PT_SRIOV_VF
			 : from->is_pf ? PT_SRIOV_PF
				       : PT_SRIOV_NONE,
		.vfs_total = from->vfs_total,
		.vfs_now = -1,
		.pf = from->pf,
		.vf_index = -1,
	};

	for (size_t i = 0; i < f->v.n; i++) {
		const struct pt_nodedev *net = &f->v.v[i];

		if (!net->interface || !from->name || !pt_streq(net->parent, from->name))
			continue;
		pt_strv_add(&d.netdevs, net->interface);
		/* a state that says less (unknown, testing), or none, is no evidence that nobody uses it */
		d.up = d.up || (!pt_streq(net->link, "down") && !pt_streq(net->link, "notpresent"));
	}
	pt_array_push(l, d);
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_device *)a)->bdf, ((const struct pt_device *)b)->bdf);
}

int pt_vm_devices(struct pt_vm_conn *conn, struct pt_devices *ret_devices, struct pt_error *err)
{
	PT_CLEANUP(found_done) struct found f = { 0 };
	struct pt_devices l = { 0 };
	int r = list(conn, &f, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < f.v.n; i++)
		if (f.v.v[i].is_pci)
			add(&f, &f.v.v[i], &l);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_address);
	*ret_devices = l;
	return 0;
}
