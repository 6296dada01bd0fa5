/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio interface that stands in for a device that comes and goes (docs/formatdomain.rst, Teaming a virtio/hostdev
 * NIC pair): one that is there gets <teaming> and an alias, or a new one is written.
 */
#include <errno.h>
#include <strings.h>

#include "base/cleanup.h"
#include "domxml/edit.h"
#include "domxml/read.h"
#include "model/vf.h"

static void put(xmlTextWriter *w, const char *element, const char *attribute, const char *value)
{
	(void)xmlTextWriterStartElement(w, (const xmlChar *)element);
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)attribute, (const xmlChar *)value);
	(void)xmlTextWriterEndElement(w);
}

void pt_xml_put_standby(xmlTextWriter *w, const struct pt_standby *s)
{
	if (!s->type)
		return;
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"interface");
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)"type", (const xmlChar *)s->type);
	put(w, "mac", "address", pt_mac_str(s->mac).s);
	put(w, "source", s->type, s->source);
	put(w, "model", "type", "virtio");
	put(w, "teaming", "type", "persistent");
	put(w, "alias", "name", s->alias);
	(void)xmlTextWriterEndElement(w);
}

/* one that passes nothing through */
static xmlNode *find(const struct pt_xml *x, const uint8_t mac[6])
{
	const xmlNode *devices = pt_xml_child(xmlDocGetRootElement(x->doc), "devices");

	for (xmlNode *i = pt_xml_child(devices, "interface"); i; i = pt_xml_next(i, "interface")) {
		pt_autofree char *text = pt_xml_attr(pt_xml_child(i, "mac"), "address");
		struct pt_bdf bdf;

		if (text && strcasecmp(text, pt_mac_str(mac).s) == 0 && pt_xml_hostdev_bdf(i, &bdf, NULL) == 0)
			return i;
	}
	return NULL;
}

/* the last thing in it; an <interface> with a <mac> is never empty */
int pt_xml_set_standby(struct pt_xml *x, const struct pt_standby *s, struct pt_splices *out, struct pt_error *err)
{
	xmlNode *interface = find(x, s->mac);
	const xmlNode *first = pt_xml_child(interface, NULL);
	pt_autofree char *indent = NULL;
	pt_autofree char *lead = NULL;
	PT_AUTO(pt_buf) text = { 0 };
	size_t pos;

	if (s->type && interface)
		return pt_say(err, -EEXIST, "the definition has an interface with the MAC %s already",
			      pt_mac_str(s->mac).s);
	if (s->type)
		return 0;
	if (!interface)
		return pt_say(err, -ENOENT, "the definition has no interface with the MAC %s", pt_mac_str(s->mac).s);
	indent = pt_splice_indent_at(x, pt_xml_span(x, first)->start);
	lead = indent ? pt_strf("\n%s", indent) : pt_strdup("");
	if (!pt_xml_child(interface, "teaming"))
		pt_buf_addf(&text, "%s<teaming type='persistent'/>", lead);
	if (!pt_xml_child(interface, "alias"))
		pt_buf_addf(&text, "%s<alias name='%s'/>", lead, s->alias);
	/* behind its first child, which is where libvirt's own order does not matter to it */
	pos = pt_xml_span(x, first)->end;
	if (text.n)
		pt_splice_add(out, pos, pos, pt_buf_take(&text));
	return 0;
}

bool pt_xml_standby_is(struct pt_xml *before, struct pt_xml *after, const struct pt_standby *s)
{
	xmlNode *was = find(before, s->mac);
	xmlNode *is = find(after, s->mac);
	xmlNode *teaming = pt_xml_child(is, "teaming");
	xmlNode *alias = pt_xml_child(is, "alias");

	if (!is || !pt_xml_attr_is(teaming, "type", "persistent") || !pt_xml_attr_is(alias, "name", s->alias))
		return false;
	if (!was)
		pt_xml_span(after, is)->skip = true;
	else if (!pt_xml_child(was, "teaming"))
		pt_xml_span(after, teaming)->skip = true;
	if (was && !pt_xml_child(was, "alias"))
		pt_xml_span(after, alias)->skip = true;
	return true;
}
