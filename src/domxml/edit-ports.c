/* SPDX-License-Identifier: Apache-2.0 */
/* Spare root ports in a definition.  libvirt gives them their place in the guest, and their chassis and port numbers.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "domxml/edit.h"
#include "domxml/read.h"

#define INDEX_MAX 255

static bool is_root_port(const xmlNode *controller)
{
	return pt_xml_attr_is(controller, "type", "pci") && pt_xml_attr_is(controller, "model", "pcie-root-port");
}

/* the highest index of a PCI controller, which new ones follow; -1 when none has one.  @ret_last: the last of them */
static int find_last(const xmlNode *devices, int *ret_index, xmlNode **ret_last, struct pt_error *err)
{
	int highest = -1;

	*ret_last = NULL;
	for (xmlNode *c = pt_xml_child(devices, "controller"); c; c = pt_xml_next(c, "controller")) {
		unsigned index;
		int r;

		if (!pt_xml_attr_is(c, "type", "pci"))
			continue;
		r = pt_xml_controller_index(c, &index, err);
		if (r < 0)
			return r;
		if (index <= INDEX_MAX && (int)index > highest)
			highest = (int)index;
		*ret_last = c;
	}
	*ret_index = highest;
	return 0;
}

int pt_xml_add_ports(struct pt_xml *x, unsigned n, struct pt_splices *out, struct pt_error *err)
{
	const xmlNode *devices = pt_xml_child(xmlDocGetRootElement(x->doc), "devices");
	pt_autofree char *indent = NULL;
	const struct pt_xml_span *span;
	PT_AUTO(pt_buf) text = { 0 };
	xmlNode *last;
	int index;
	int r = find_last(devices, &index, &last, err);

	if (r < 0)
		return r;
	/* libvirt writes the root of every machine that has one */
	if (!last)
		return pt_say(err, -ENOENT, "the definition has no PCI controller that root ports could follow");
	if (index + n > INDEX_MAX)
		return pt_say(err, -EINVAL, "%u more root ports are too many: a machine has %d buses", n,
			      INDEX_MAX + 1);
	span = pt_xml_span(x, last);
	indent = pt_splice_indent_at(x, span->start);
	for (unsigned i = 1; i <= n; i++)
		pt_buf_addf(&text, "%s%s<controller type='pci' index='%u' model='pcie-root-port'/>", indent ? "\n" : "",
			    indent ? indent : "", (unsigned)index + i);
	pt_splice_add(out, span->end, span->end, pt_buf_take(&text));
	return 0;
}

bool pt_xml_ports_are(struct pt_xml *before, struct pt_xml *after, unsigned n)
{
	const xmlNode *devices = pt_xml_child(xmlDocGetRootElement(after->doc), "devices");
	xmlNode *last;
	int index;
	unsigned found = 0;

	if (find_last(pt_xml_child(xmlDocGetRootElement(before->doc), "devices"), &index, &last, NULL) < 0)
		return false;
	for (xmlNode *c = pt_xml_child(devices, "controller"); c; c = pt_xml_next(c, "controller")) {
		unsigned i;

		if (!is_root_port(c) || pt_xml_controller_index(c, &i, NULL) < 0 || (int)i <= index)
			continue;
		pt_xml_span(after, c)->skip = true;
		found++;
	}
	return found == n;
}
