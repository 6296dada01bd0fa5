/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "domxml/nodedev.h"
#include "domxml/read.h"
#include "model/device.h"

static int number(const xmlNode *node, const char *what, unsigned long long max, unsigned long long *ret,
		  struct pt_error *err)
{
	if (node && pt_xml_number(what ? what : "", max, ret) == 0)
		return 0;
	return node ? pt_xml_bad(err, node, "'%s' is no number in range", what ? what : "")
		    : pt_say(err, -EBADMSG, "a PCI function is without its address or ids");
}

/* each in an element of its own, decimal */
static int read_address(const xmlNode *pci, struct pt_bdf *ret_bdf, struct pt_error *err)
{
	static const char *const names[] = { "domain", "bus", "slot", "function" };
	static const unsigned long long limits[] = { 0xffffffff, 0xff, 0x1f, 7 };
	unsigned long long v[4];

	for (size_t i = 0; i < 4; i++) {
		const xmlNode *node = pt_xml_child(pci, names[i]);
		pt_autofree char *text = pt_xml_content(node);
		int r = number(node, text, limits[i], &v[i], err);

		if (r < 0)
			return r;
	}
	*ret_bdf = (struct pt_bdf){ (uint32_t)v[0], (uint8_t)v[1], (uint8_t)v[2], (uint8_t)v[3] };
	return 0;
}

static int read_id(const xmlNode *pci, const char *name, uint16_t *ret_id, struct pt_error *err)
{
	const xmlNode *node = pt_xml_child(pci, name);
	pt_autofree char *text = pt_xml_attr(node, "id");
	unsigned long long value = 0;
	int r = number(node, text, 0xffff, &value, err);

	*ret_id = (uint16_t)value;
	return r;
}

/* libvirt before 1.3 told no maxCount: then those that there are */
static unsigned count_vfs(const xmlNode *capability)
{
	pt_autofree char *text = pt_xml_attr(capability, "maxCount");
	unsigned long long n = 0;

	if (!text || pt_xml_number(text, 0xffff, &n) < 0)
		for (const xmlNode *a = pt_xml_child(capability, "address"); a; a = pt_xml_next(a, "address"))
			n++;
	return n ? (unsigned)n : 1;
}

static int read_sriov(const xmlNode *pci, struct pt_nodedev *d, struct pt_error *err)
{
	for (const xmlNode *c = pt_xml_child(pci, "capability"); c; c = pt_xml_next(c, "capability")) {
		if (pt_xml_attr_is(c, "type", "virt_functions")) {
			d->is_pf = true;
			d->vfs_total = count_vfs(c);
		}
		if (!pt_xml_attr_is(c, "type", "phys_function"))
			continue;
		d->is_vf = true;
		if (pt_xml_read_bdf(c, pt_xml_child(c, "address"), &d->pf, err) < 0)
			return -EBADMSG;
	}
	return 0;
}

static int read_pci(const xmlNode *pci, struct pt_nodedev *d, struct pt_error *err)
{
	pt_autofree char *class = pt_xml_content(pt_xml_child(pci, "class"));
	pt_autofree char *node = pt_xml_attr(pt_xml_child(pci, "numa"), "node");
	unsigned long long value = 0;
	int r = read_address(pci, &d->bdf, err);

	if (r == 0)
		r = read_id(pci, "vendor", &d->vendor, err);
	if (r == 0)
		r = read_id(pci, "product", &d->device, err);
	if (r < 0)
		return r;
	/* libvirt before 5.2 told no class: it is then of no kind that anything is decided by */
	if (class && pt_xml_number(class, 0xffffff, &value) == 0)
		d->class_code = (uint32_t)value;
	if (node && pt_xml_number(node, 65535, &value) == 0)
		d->numa_node = (int)value;
	d->is_pci = true;
	return read_sriov(pci, d, err);
}

int pt_domxml_read_nodedev(const char *xml, struct pt_nodedev *ret_dev, struct pt_error *err)
{
	PT_AUTO(pt_nodedev) d = { .numa_node = PT_NUMA_NONE };
	PT_AUTO(pt_xml) x = { 0 };
	const xmlNode *root;
	int r = pt_xml_open_root(xml, "device", &x, err);

	if (r < 0)
		return r;
	root = xmlDocGetRootElement(x.doc);
	d.name = pt_xml_content(pt_xml_child(root, "name"));
	d.parent = pt_xml_content(pt_xml_child(root, "parent"));
	d.driver = pt_xml_content(pt_xml_path(root, "driver", "name"));
	for (const xmlNode *c = pt_xml_child(root, "capability"); c && r == 0; c = pt_xml_next(c, "capability")) {
		if (pt_xml_attr_is(c, "type", "pci"))
			r = read_pci(c, &d, err);
		else if (pt_xml_attr_is(c, "type", "net") && !d.interface) {
			d.interface = pt_xml_content(pt_xml_child(c, "interface"));
			d.link = pt_xml_attr(pt_xml_child(c, "link"), "state");
		}
	}
	if (r < 0)
		return r;
	*ret_dev = d;
	d = (struct pt_nodedev){ 0 };
	return 0;
}

void pt_nodedev_done(struct pt_nodedev *d)
{
	free(d->name);
	free(d->parent);
	free(d->driver);
	free(d->interface);
	free(d->link);
	*d = (struct pt_nodedev){ 0 };
}
