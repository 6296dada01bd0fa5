/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formatnetwork.rst, Connectivity: <forward mode='hostdev'>. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "domxml/netpool.h"
#include "domxml/read.h"

static int read_forward(const xmlNode *forward, struct pt_netpool *p, struct pt_error *err)
{
	for (const xmlNode *c = pt_xml_child(forward, NULL); c; c = pt_xml_next(c, NULL)) {
		char *pf = pt_xml_is(c, "pf") ? pt_xml_attr(c, "dev") : NULL;
		struct pt_bdf bdf;
		int r;

		if (pf)
			pt_strv_take(&p->pfs, pf);
		if (!pt_xml_is(c, "address") || !pt_xml_attr_is(c, "type", "pci"))
			continue;
		r = pt_xml_read_bdf(forward, c, &bdf, err);
		if (r < 0)
			return r;
		pt_array_push(&p->functions, bdf);
	}
	return 0;
}

int pt_domxml_read_netpool(const char *xml, struct pt_netpool *ret_pool, struct pt_error *err)
{
	PT_AUTO(pt_netpool) p = { 0 };
	PT_AUTO(pt_xml) x = { 0 };
	const xmlNode *forward;
	const xmlNode *root;
	int r = pt_xml_open_root(xml, "network", &x, err);

	if (r < 0)
		return r;
	root = xmlDocGetRootElement(x.doc);
	forward = pt_xml_child(root, "forward");
	if (!pt_xml_attr_is(forward, "mode", "hostdev"))
		return 0;
	p.network = pt_xml_content(pt_xml_child(root, "name"));
	if (!p.network)
		return pt_xml_bad(err, root, "the network has no <name>");
	r = read_forward(forward, &p, err);
	if (r < 0)
		return r;
	*ret_pool = p;
	p = (struct pt_netpool){ 0 };
	return 1;
}

void pt_netpool_done(struct pt_netpool *p)
{
	free(p->network);
	pt_strv_done(&p->pfs);
	free(p->functions.v);
	*p = (struct pt_netpool){ 0 };
}

void pt_netpools_done(struct pt_netpools *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_netpool_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_netpools){ 0 };
}
