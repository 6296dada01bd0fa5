/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edit leaves every byte that it is not about as it was: libxml2 finds the elements and says where they stand, and
 * they are cut out of the text, or text that libxml2 wrote is put in.  Writing the whole tree anew would change
 * quotes, entities and CDATA all over.  Then the result is parsed and compared, node by node, with what it was made
 * from: an edit that did anything else is not handed out.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "domxml/edit.h"
#include "domxml/read.h"
#include "domxml/tree.h"
#include "model/vf.h"

struct job {
	struct pt_xml x;
	char *name; /* the domain's, for messages */
	xmlNode *devices;
	const struct pt_domain_edit *edit;
	struct pt_splices splices;
};

static void job_done(struct job *j)
{
	pt_splices_done(&j->splices);
	free(j->name);
	pt_xml_done(&j->x);
}

static void remove_element(struct job *j, xmlNode *node)
{
	struct pt_xml_span *span = pt_xml_span(&j->x, node);
	size_t start = span->start;

	if (span->skip)
		return;
	span->skip = true;
	/* with it goes its line, so that no empty one stays */
	if (node->prev && xmlIsBlankNode(node->prev))
		start = pt_splice_line_begin(&j->x, start);
	pt_splice_add(&j->splices, start, span->end, NULL);
}

static char *target_of(const xmlNode *disk)
{
	return pt_xml_attr(pt_xml_child(disk, "target"), "dev");
}

static int no_such_disk(const struct job *j, const char *target, struct pt_error *err)
{
	PT_AUTO(pt_strv) targets = { 0 };
	pt_autofree char *list = NULL;

	for (xmlNode *d = pt_xml_child(j->devices, "disk"); d; d = pt_xml_next(d, "disk")) {
		char *t = target_of(d);

		if (t)
			pt_strv_take(&targets, t);
	}
	list = targets.n ? pt_strv_join(&targets, ", ") : pt_strdup("none");
	return pt_say(err, -ENOENT, "the definition of %s has no disk '%s' to remove; its disks: %s", j->name, target,
		      list);
}

static int remove_disks(struct job *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->edit->remove_disks.n; i++) {
		const char *target = j->edit->remove_disks.v[i];
		bool found = false;

		for (xmlNode *d = pt_xml_child(j->devices, "disk"); d; d = pt_xml_next(d, "disk")) {
			pt_autofree char *t = target_of(d);

			if (!pt_streq(t, target))
				continue;
			remove_element(j, d);
			found = true;
		}
		if (!found)
			return no_such_disk(j, target, err);
	}
	return 0;
}

static int remove_controllers(struct job *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->edit->remove_controllers.n; i++) {
		const struct pt_controller_ref *want = &j->edit->remove_controllers.v[i];
		bool found = false;

		for (xmlNode *c = pt_xml_child(j->devices, "controller"); c; c = pt_xml_next(c, "controller")) {
			unsigned index;
			int r;

			if (!pt_xml_attr_is(c, "type", want->type))
				continue;
			r = pt_xml_controller_index(c, &index, err);
			if (r < 0)
				return r;
			if (index != want->index)
				continue;
			remove_element(j, c);
			found = true;
		}
		if (!found)
			return pt_say(err, -ENOENT, "the definition of %s has no %s controller %u to remove", j->name,
				      want->type, want->index);
	}
	return 0;
}

/* the <hostdev> or <interface> in @devices that passes @bdf through: 1, with it in @ret; 0 when there is none */
static int find_hostdev(const xmlNode *devices, struct pt_bdf bdf, xmlNode **ret, struct pt_error *err)
{
	for (xmlNode *d = pt_xml_child(devices, NULL); d; d = pt_xml_next(d, NULL)) {
		struct pt_bdf here;
		int r = pt_xml_hostdev_bdf(d, &here, err);

		if (r < 0)
			return r;
		if (r > 0 && pt_bdf_eq(here, bdf)) {
			*ret = d;
			return 1;
		}
	}
	return 0;
}

static int remove_hostdevs(struct job *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->edit->remove_hostdevs.n; i++) {
		struct pt_bdf bdf = j->edit->remove_hostdevs.v[i];
		xmlNode *node = NULL;
		int r = find_hostdev(j->devices, bdf, &node, err);

		if (r < 0)
			return r;
		if (!r)
			return pt_say(err, -ENOENT, "the definition of %s has no hostdev %s to remove", j->name,
				      pt_bdf_str(bdf).s);
		remove_element(j, node);
	}
	return 0;
}

static void put_team(xmlTextWriter *w, const struct pt_hostdev_add *add)
{
	if (!add->team_of[0])
		return;
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"teaming");
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)"type", (const xmlChar *)"transient");
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)"persistent", (const xmlChar *)add->team_of);
	(void)xmlTextWriterEndElement(w);
}

static void put_attribute(xmlTextWriter *w, const char *name, const char *value)
{
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)name, (const xmlChar *)value);
}

/* the host's address of it, the same in both elements but for the type that an interface's has */
static void put_source(xmlTextWriter *w, const struct pt_hostdev_add *add)
{
	pt_autofree char *domain = pt_strf("0x%04x", add->bdf.domain);
	pt_autofree char *bus = pt_strf("0x%02x", add->bdf.bus);
	pt_autofree char *slot = pt_strf("0x%02x", add->bdf.slot);
	pt_autofree char *function = pt_strf("0x%x", add->bdf.func);

	(void)xmlTextWriterStartElement(w, (const xmlChar *)"source");
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"address");
	if (add->is_interface)
		put_attribute(w, "type", "pci");
	put_attribute(w, "domain", domain);
	put_attribute(w, "bus", bus);
	put_attribute(w, "slot", slot);
	put_attribute(w, "function", function);
	(void)xmlTextWriterEndElement(w);
	(void)xmlTextWriterEndElement(w);
}

/* its place in the guest; libvirt chooses where none is named */
static void put_guest_address(xmlTextWriter *w, const struct pt_hostdev_add *add)
{
	pt_autofree char *bus = pt_strf("0x%02x", add->guest_bus);

	if (!add->guest_bus)
		return;
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"address");
	put_attribute(w, "type", "pci");
	put_attribute(w, "domain", "0x0000");
	put_attribute(w, "bus", bus);
	put_attribute(w, "slot", "0x00");
	put_attribute(w, "function", "0x0");
	(void)xmlTextWriterEndElement(w);
}

/* The writer remembers a failure and writes no more; the comparison at the end then finds the element missing. */
static void put_hostdev(xmlTextWriter *w, const struct pt_hostdev_add *add)
{
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"hostdev");
	put_attribute(w, "mode", "subsystem");
	put_attribute(w, "type", "pci");
	put_attribute(w, "managed", add->managed ? "yes" : "no");
	put_source(w, add);
	put_team(w, add);
	put_guest_address(w, add);
	(void)xmlTextWriterEndElement(w);
}

/* libvirt resets the VLAN of a VF whose interface names none (virHostdevSetNetConfig), so it is named */
static void put_interface(xmlTextWriter *w, const struct pt_hostdev_add *add)
{
	pt_autofree char *vlan = pt_strf("%u", add->vlan);

	(void)xmlTextWriterStartElement(w, (const xmlChar *)"interface");
	put_attribute(w, "type", "hostdev");
	put_attribute(w, "managed", add->managed ? "yes" : "no");
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"mac");
	put_attribute(w, "address", pt_mac_str(add->mac).s);
	(void)xmlTextWriterEndElement(w);
	put_source(w, add);
	if (add->vlan) {
		(void)xmlTextWriterStartElement(w, (const xmlChar *)"vlan");
		(void)xmlTextWriterStartElement(w, (const xmlChar *)"tag");
		put_attribute(w, "id", vlan);
		(void)xmlTextWriterEndElement(w);
		(void)xmlTextWriterEndElement(w);
	}
	put_team(w, add);
	put_guest_address(w, add);
	(void)xmlTextWriterEndElement(w);
}

/* all new hostdevs (within a <devices> of their own if there is none), as libxml2 writes them, a line each element */
static char *new_elements(const struct job *j, bool on_lines)
{
	xmlBuffer *buffer = xmlBufferCreate();
	xmlTextWriter *w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	char *text = NULL;

	if (w) {
		(void)xmlTextWriterSetQuoteChar(w, '\'');
		(void)xmlTextWriterSetIndent(w, on_lines);
		(void)xmlTextWriterSetIndentString(w, (const xmlChar *)"  ");
		if (!j->devices)
			(void)xmlTextWriterStartElement(w, (const xmlChar *)"devices");
		if (j->edit->standby.wanted)
			pt_xml_put_standby(w, &j->edit->standby);
		for (size_t i = 0; i < j->edit->add_hostdevs.n; i++)
			if (j->edit->add_hostdevs.v[i].is_interface)
				put_interface(w, &j->edit->add_hostdevs.v[i]);
			else
				put_hostdev(w, &j->edit->add_hostdevs.v[i]);
		if (!j->devices)
			(void)xmlTextWriterEndElement(w);
		xmlFreeTextWriter(w);
		text = pt_strdup((const char *)xmlBufferContent(buffer));
	}
	xmlBufferFree(buffer);
	return text ? text : pt_strdup("");
}

/* the new elements as they go into the text */
static char *layout(const struct job *j, const char *indent)
{
	pt_autofree char *text = new_elements(j, indent != NULL);

	return pt_splice_lines(text, indent);
}

/* as the last thing in @parent */
static void append_to(struct job *j, const xmlNode *parent)
{
	pt_autofree char *indent = pt_splice_child_indent(&j->x, parent);

	pt_splice_append(&j->x, parent, layout(j, indent), &j->splices);
}

/* what libvirt writes behind the hostdevs (virDomainDefFormatInternal) */
static bool comes_after_hostdevs(const xmlNode *node)
{
	static const char *const names[] = { "redirdev", "redirfilter", "hub",	 "watchdog", "memballoon",
					     "rng",	 "nvram",	"panic", "shmem",    "memory",
					     "iommu",	 "vsock",	"crypto" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (pt_xml_is(node, names[i]))
			return true;
	return false;
}

static void add_at_fitting_place(struct job *j)
{
	const xmlNode *last_hostdev = NULL;
	const xmlNode *behind = NULL;
	pt_autofree char *indent = NULL;
	struct pt_xml_span *span;

	for (const xmlNode *d = pt_xml_child(j->devices, NULL); d; d = pt_xml_next(d, NULL)) {
		if (pt_xml_is(d, "hostdev"))
			last_hostdev = d;
		if (!behind && comes_after_hostdevs(d))
			behind = d;
	}
	if (!last_hostdev && !behind) {
		append_to(j, j->devices ? j->devices : xmlDocGetRootElement(j->x.doc));
		return;
	}
	span = pt_xml_span(&j->x, last_hostdev ? last_hostdev : behind);
	indent = pt_splice_indent_at(&j->x, span->start);
	if (last_hostdev)
		pt_splice_add(&j->splices, span->end, span->end, layout(j, indent));
	else
		pt_splice_add(&j->splices, pt_splice_line_begin(&j->x, span->start),
			      pt_splice_line_begin(&j->x, span->start), layout(j, indent));
}

static int add_hostdevs(struct job *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->edit->add_hostdevs.n; i++) {
		struct pt_bdf bdf = j->edit->add_hostdevs.v[i].bdf;
		bool twice = false;
		xmlNode *node = NULL;
		int r = find_hostdev(j->devices, bdf, &node, err);

		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			twice = twice || pt_bdf_eq(j->edit->add_hostdevs.v[k].bdf, bdf);
		if (twice || (r > 0 && !pt_xml_span(&j->x, node)->skip))
			return pt_say(err, -EEXIST, "the definition of %s has the hostdev %s already", j->name,
				      pt_bdf_str(bdf).s);
	}
	if (j->edit->add_hostdevs.n)
		add_at_fitting_place(j);
	return 0;
}

/* <source><address> of the element that passes @bdf through */
static int find_address(const xmlNode *devices, struct pt_bdf bdf, xmlNode **ret, struct pt_error *err)
{
	xmlNode *node = NULL;
	int r = find_hostdev(devices, bdf, &node, err);

	if (r <= 0)
		return r;
	*ret = pt_xml_path(node, "source", "address");
	/* an interface that a network lends has it elsewhere, and not for us to edit */
	return *ret ? 1 : 0;
}

/* only the words of where the host has it are replaced: its place in the guest, its ROM, its MAC stay */
static int move_hostdevs(struct job *j, struct pt_error *err)
{
	for (size_t i = 0; i < j->edit->move_hostdevs.n; i++) {
		const struct pt_hostdev_move *m = &j->edit->move_hostdevs.v[i];
		struct pt_xml_span *span;
		xmlNode *address = NULL;
		int r = find_address(j->devices, m->from, &address, err);

		if (r < 0)
			return r;
		if (r == 0)
			return pt_say(err, -ENOENT, "the definition of %s has no hostdev %s to move", j->name,
				      pt_bdf_str(m->from).s);
		span = pt_xml_span(&j->x, address);
		span->skip = true;
		pt_splice_add(&j->splices, span->start, span->end,
			      pt_strf("<address%s domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
				      pt_xml_attr_is(address, "type", "pci") ? " type='pci'" : "", m->to.domain,
				      m->to.bus, m->to.slot, m->to.func));
	}
	return 0;
}

/* libvirt puts one back where none is named, so it is named as none */
static void drop_balloon(struct job *j)
{
	for (xmlNode *b = pt_xml_child(j->devices, "memballoon"); b; b = pt_xml_next(b, "memballoon")) {
		struct pt_xml_span *span = pt_xml_span(&j->x, b);

		if (pt_xml_attr_is(b, "model", "none"))
			continue;
		span->skip = true;
		pt_splice_add(&j->splices, span->start, span->end, pt_strdup("<memballoon model='none'/>"));
	}
}

/* one that was none before is compared as all else is */
static bool had_balloon(const struct job *j)
{
	for (xmlNode *b = pt_xml_child(j->devices, "memballoon"); b && j->edit->drop_balloon;
	     b = pt_xml_next(b, "memballoon"))
		if (!pt_xml_attr_is(b, "model", "none"))
			return true;
	return false;
}

/* passed over in the comparison: what was to be added, which must be there */
static bool mark_added(const struct job *j, struct pt_xml *y)
{
	const xmlNode *devices = pt_xml_child(xmlDocGetRootElement(y->doc), "devices");

	for (size_t i = 0; i < j->edit->add_hostdevs.n; i++) {
		xmlNode *node = NULL;

		if (find_hostdev(devices, j->edit->add_hostdevs.v[i].bdf, &node, NULL) <= 0)
			return false;
		pt_xml_span(y, node)->skip = true;
	}
	for (size_t i = 0; i < j->edit->move_hostdevs.n; i++) {
		xmlNode *address = NULL;

		if (find_address(devices, j->edit->move_hostdevs.v[i].to, &address, NULL) <= 0)
			return false;
		pt_xml_span(y, address)->skip = true;
	}
	for (xmlNode *b = pt_xml_child(devices, "memballoon"); b && had_balloon(j); b = pt_xml_next(b, "memballoon")) {
		if (!pt_xml_attr_is(b, "model", "none"))
			return false;
		pt_xml_span(y, b)->skip = true;
	}
	if (!j->devices && devices && j->edit->add_hostdevs.n)
		pt_xml_span(y, devices)->skip = true;
	return true;
}

static int check(struct job *j, const char *text, struct pt_error *err)
{
	PT_AUTO(pt_xml) y = { 0 };

	if (pt_xml_open(text, &y, NULL) == 0 && mark_added(j, &y) &&
	    (!j->edit->standby.wanted || pt_xml_standby_is(&j->x, &y, &j->edit->standby)) &&
	    (!j->edit->add_ports || pt_xml_ports_are(&j->x, &y, j->edit->add_ports)) &&
	    (!j->edit->has_cpu || pt_xml_cpu_is(&j->x, &y, &j->edit->cpu)) &&
	    (!j->edit->has_viommu || pt_xml_viommu_is(&j->x, &y, &j->edit->viommu)) &&
	    (!j->edit->split_ioapic || pt_xml_ioapic_is_split(&j->x, &y)) && pt_xml_same(&j->x, &y, PT_XML_NODES))
		return 0;
	return pt_say(err, -EBADMSG, "the definition of %s cannot be edited: more than was asked for would change",
		      j->name);
}

int pt_domxml_edit(const char *xml, const struct pt_domain_edit *edit, char **ret_xml, struct pt_error *err)
{
	PT_AUTO(job) j = { .edit = edit };
	pt_autofree char *text = NULL;
	int r = pt_xml_open(xml, &j.x, err);

	if (r < 0)
		return r;
	j.devices = pt_xml_child(xmlDocGetRootElement(j.x.doc), "devices");
	j.name = pt_xml_content(pt_xml_child(xmlDocGetRootElement(j.x.doc), "name"));
	if (!j.name)
		j.name = pt_strdup("the domain");
	r = remove_disks(&j, err);
	if (r == 0)
		r = remove_controllers(&j, err);
	if (r == 0)
		r = remove_hostdevs(&j, err);
	if (r == 0)
		r = move_hostdevs(&j, err);
	if (r == 0)
		r = add_hostdevs(&j, err);
	if (r == 0 && edit->drop_balloon)
		drop_balloon(&j);
	if (r == 0 && edit->standby.wanted)
		r = pt_xml_set_standby(&j.x, &edit->standby, &j.splices, err);
	if (r == 0 && edit->add_ports)
		r = pt_xml_add_ports(&j.x, edit->add_ports, &j.splices, err);
	if (r == 0 && edit->split_ioapic)
		pt_xml_set_split_ioapic(&j.x, &j.splices);
	if (r == 0 && edit->has_viommu)
		r = pt_xml_set_viommu(&j.x, &edit->viommu, &j.splices, err);
	if (r == 0 && edit->has_cpu)
		r = pt_xml_set_cpu(&j.x, &edit->cpu, &j.splices, err);
	if (r < 0)
		return r;
	text = pt_splices_apply(&j.x, &j.splices);
	r = check(&j, text, err);
	if (r < 0)
		return r;
	*ret_xml = pt_take_ptr(text);
	return 0;
}

static int take_hostdev(const char *xml, struct pt_bdf bdf, bool placed, char **ret_element, struct pt_error *err)
{
	PT_AUTO(pt_xml) x = { 0 };
	const struct pt_xml_span *span;
	const struct pt_xml_span *cut;
	const xmlNode *place;
	xmlNode *node = NULL;
	int r = pt_xml_open(xml, &x, err);

	if (r == 0)
		r = find_hostdev(pt_xml_child(xmlDocGetRootElement(x.doc), "devices"), bdf, &node, err);
	if (r < 0)
		return r;
	if (!r)
		return pt_say(err, -ENOENT, "the definition has no hostdev %s", pt_bdf_str(bdf).s);
	span = pt_xml_span(&x, node);
	place = placed ? NULL : pt_xml_child(node, "address");
	if (!place) {
		*ret_element = pt_strndup(xml + span->start, span->end - span->start);
		return 0;
	}
	cut = pt_xml_span(&x, place);
	*ret_element = pt_strf("%.*s%.*s", (int)(cut->start - span->start), xml + span->start,
			       (int)(span->end - cut->end), xml + cut->end);
	return 0;
}

int pt_domxml_hostdev(const char *xml, struct pt_bdf bdf, char **ret_element, struct pt_error *err)
{
	return take_hostdev(xml, bdf, true, ret_element, err);
}

int pt_domxml_hostdev_anywhere(const char *xml, struct pt_bdf bdf, char **ret_element, struct pt_error *err)
{
	return take_hostdev(xml, bdf, false, ret_element, err);
}
