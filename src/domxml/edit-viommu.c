/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <iommu>: while its model stays, only the attributes of its <driver> that model/viommu.h names are written anew;
 * another model is another device, so nothing of the old one is kept, its place in the guest neither.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "domxml/edit.h"
#include "domxml/read.h"

#define SPLIT "<ioapic driver='qemu'/>"

static bool is_ours(const char *attribute)
{
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		if (pt_streq(attribute, pt_viommu_word_str((enum pt_viommu_word)i)))
			return true;
	return false;
}

static void put(xmlTextWriter *w, const char *name, const char *value)
{
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)name, (const xmlChar *)value);
}

/* <driver> with @v's words, and @old's other attributes; nothing when there is neither */
static void put_driver(xmlTextWriter *w, const struct pt_viommu *v, const xmlNode *old)
{
	bool begun = false;

	for (int i = 0; i < PT_VIOMMU_WORDS; i++) {
		if (!v->words[i])
			continue;
		if (!begun)
			(void)xmlTextWriterStartElement(w, (const xmlChar *)"driver");
		begun = true;
		put(w, pt_viommu_word_str((enum pt_viommu_word)i), v->words[i]);
	}
	for (const xmlAttr *a = old ? old->properties : NULL; a; a = a->next) {
		pt_autofree char *value =
			a->ns || is_ours((const char *)a->name) ? NULL : pt_xml_attr(old, (const char *)a->name);

		if (!value)
			continue;
		if (!begun)
			(void)xmlTextWriterStartElement(w, (const xmlChar *)"driver");
		begun = true;
		put(w, (const char *)a->name, value);
	}
	if (begun)
		(void)xmlTextWriterEndElement(w);
}

static void put_iommu(xmlTextWriter *w, const struct pt_viommu *v)
{
	(void)xmlTextWriterStartElement(w, (const xmlChar *)"iommu");
	put(w, "model", v->model);
	put_driver(w, v, NULL);
	(void)xmlTextWriterEndElement(w);
}

/*
 * @v as text, a line each element when @on_lines, whole or (@driver_only) as the <driver> that takes the place of @old;
 * within a <devices> of its own when @wrapped.  The writer remembers a failure and writes no more; the comparison at
 * the end then finds the element wanting.
 */
static char *text_of(const struct pt_viommu *v, bool driver_only, const xmlNode *old, bool wrapped, bool on_lines)
{
	xmlBuffer *buffer = xmlBufferCreate();
	xmlTextWriter *w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	char *text;

	if (w) {
		(void)xmlTextWriterSetQuoteChar(w, '\'');
		(void)xmlTextWriterSetIndent(w, on_lines);
		(void)xmlTextWriterSetIndentString(w, (const xmlChar *)"  ");
		if (wrapped)
			(void)xmlTextWriterStartElement(w, (const xmlChar *)"devices");
		if (driver_only)
			put_driver(w, v, old);
		else
			put_iommu(w, v);
		if (wrapped)
			(void)xmlTextWriterEndElement(w);
		xmlFreeTextWriter(w);
	}
	text = pt_strdup(buffer && xmlBufferContent(buffer) ? (const char *)xmlBufferContent(buffer) : "");
	xmlBufferFree(buffer);
	return text;
}

/* in the place of @node; its own blanks before the first line stay */
static void replace(struct pt_xml *x, xmlNode *node, const char *text, struct pt_splices *out)
{
	const struct pt_xml_span *span = pt_xml_span(x, node);
	pt_autofree char *indent = pt_splice_indent_at(x, span->start);
	pt_autofree char *lines = pt_splice_lines(text, indent);

	/* the first line end and its blanks are there already */
	pt_splice_add(out, span->start, span->end, pt_strdup(lines + (indent ? 1 + strlen(indent) : 0)));
}

static void cut(struct pt_xml *x, const xmlNode *node, struct pt_splices *out)
{
	const struct pt_xml_span *span = pt_xml_span(x, node);
	size_t start = span->start;

	/* with it goes its line, so that no empty one stays */
	if (node->prev && xmlIsBlankNode(node->prev))
		start = pt_splice_line_begin(x, start);
	pt_splice_add(out, start, span->end, NULL);
}

static void append(struct pt_xml *x, const xmlNode *parent, const struct pt_viommu *v, bool driver_only, bool wrapped,
		   struct pt_splices *out)
{
	pt_autofree char *indent = pt_splice_child_indent(x, parent);
	pt_autofree char *text = text_of(v, driver_only, NULL, wrapped, indent != NULL);

	pt_splice_append(x, parent, pt_splice_lines(text, indent), out);
}

static void change_driver(struct pt_xml *x, const xmlNode *iommu, const struct pt_viommu *v, struct pt_splices *out)
{
	xmlNode *driver = pt_xml_child(iommu, "driver");
	pt_autofree char *text = text_of(v, true, driver, false, false);

	if (!driver && *text)
		append(x, iommu, v, true, false, out);
	else if (driver && *text)
		replace(x, driver, text, out);
	else if (driver)
		cut(x, driver, out);
}

int pt_xml_set_viommu(struct pt_xml *x, const struct pt_viommu *viommu, struct pt_splices *out, struct pt_error *err)
{
	const xmlNode *domain = xmlDocGetRootElement(x->doc);
	const xmlNode *devices = pt_xml_child(domain, "devices");
	xmlNode *iommu = pt_xml_child(devices, "iommu");

	if (iommu && pt_xml_next(iommu, "iommu"))
		return pt_xml_bad(err, pt_xml_next(iommu, "iommu"), "there is more than one");
	if (!iommu && !viommu->model)
		return pt_say(err, -ENOENT, "there is no <iommu> to remove");
	if (!iommu) {
		append(x, devices ? devices : domain, viommu, false, !devices, out);
		return 0;
	}
	pt_xml_span(x, iommu)->skip = true;
	if (!viommu->model) {
		cut(x, iommu, out);
	} else if (pt_xml_attr_is(iommu, "model", viommu->model)) {
		change_driver(x, iommu, viommu, out);
	} else {
		pt_autofree char *indent = pt_splice_indent_at(x, pt_xml_span(x, iommu)->start);
		pt_autofree char *text = text_of(viommu, false, NULL, false, indent != NULL);

		replace(x, iommu, text, out);
	}
	return 0;
}

/* all of an <iommu> that is not asked for, one after the other; the caller frees */
static char *kept(struct pt_xml *x, const xmlNode *iommu)
{
	const xmlNode *driver = pt_xml_child(iommu, "driver");
	struct pt_buf out = { 0 };

	for (const xmlNode *c = pt_xml_child(iommu, NULL); c; c = pt_xml_next(c, NULL)) {
		const struct pt_xml_span *span = pt_xml_span(x, c);

		if (c != driver)
			pt_buf_addn(&out, x->text + span->start, span->end - span->start);
	}
	for (const xmlAttr *a = driver ? driver->properties : NULL; a; a = a->next) {
		pt_autofree char *value = pt_xml_attr(driver, (const char *)a->name);

		if (!is_ours((const char *)a->name))
			pt_buf_addf(&out, " %s=%s", (const char *)a->name, value ? value : "");
	}
	for (const xmlNode *c = pt_xml_child(driver, NULL); c; c = pt_xml_next(c, NULL))
		pt_buf_addf(&out, " <%s>", (const char *)c->name);
	return pt_buf_take(&out);
}

bool pt_xml_viommu_is(struct pt_xml *before, struct pt_xml *after, const struct pt_viommu *viommu)
{
	const xmlNode *old_devices = pt_xml_child(xmlDocGetRootElement(before->doc), "devices");
	const xmlNode *old = pt_xml_child(old_devices, "iommu");
	xmlNode *devices = pt_xml_child(xmlDocGetRootElement(after->doc), "devices");
	xmlNode *iommu = pt_xml_child(devices, "iommu");
	bool stays = old && viommu->model && pt_xml_attr_is(old, "model", viommu->model);
	pt_autofree char *kept_before = stays ? kept(before, old) : pt_strdup("");
	pt_autofree char *kept_after = iommu ? kept(after, iommu) : pt_strdup("");
	PT_AUTO(pt_viommu) now = { 0 };

	if (devices && !old_devices)
		pt_xml_span(after, devices)->skip = true;
	if (!viommu->model)
		return !iommu;
	if (!iommu || pt_xml_next(iommu, "iommu"))
		return false;
	pt_xml_read_viommu(iommu, &now);
	pt_xml_span(after, iommu)->skip = true;
	return pt_viommu_same(&now, viommu) && pt_streq(kept_before, kept_after);
}

void pt_xml_set_split_ioapic(struct pt_xml *x, struct pt_splices *out)
{
	const xmlNode *domain = xmlDocGetRootElement(x->doc);
	const xmlNode *features = pt_xml_child(domain, "features");
	xmlNode *ioapic = pt_xml_child(features, "ioapic");
	const xmlNode *parent = features ? features : domain;
	pt_autofree char *indent = NULL;

	if (ioapic) {
		pt_xml_span(x, ioapic)->skip = true;
		replace(x, ioapic, SPLIT, out);
		return;
	}
	indent = pt_splice_child_indent(x, parent);
	pt_splice_append(x, parent, pt_splice_lines(features ? SPLIT : "<features>" SPLIT "</features>", indent), out);
}

bool pt_xml_ioapic_is_split(struct pt_xml *before, struct pt_xml *after)
{
	const xmlNode *old = pt_xml_child(xmlDocGetRootElement(before->doc), "features");
	xmlNode *features = pt_xml_child(xmlDocGetRootElement(after->doc), "features");
	xmlNode *ioapic = pt_xml_child(features, "ioapic");

	if (!ioapic || pt_xml_next(ioapic, "ioapic") || !pt_xml_attr_is(ioapic, "driver", "qemu"))
		return false;
	pt_xml_span(after, old ? ioapic : features)->skip = true;
	return true;
}
