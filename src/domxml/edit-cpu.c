/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <cpu>: its mode, model, vendor and features are written anew; other attributes, topology, cache and NUMA cells stay
 * byte for byte.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "domxml/cpu.h"
#include "domxml/edit.h"
#include "domxml/read.h"

static void put(xmlTextWriter *w, const char *name, const char *value)
{
	if (value)
		(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)name, (const xmlChar *)value);
}

/* the writer remembers a failure and writes no more; the comparison at the end then finds the element wanting */
static void put_model(xmlTextWriter *w, const struct pt_cpu_def *d)
{
	/* <model fallback='allow'/> without a name is what libvirt writes for host-model */
	if (d->model || d->fallback || d->vendor_id) {
		(void)xmlTextWriterStartElement(w, (const xmlChar *)"model");
		put(w, "fallback", d->fallback);
		put(w, "vendor_id", d->vendor_id);
		if (d->model)
			(void)xmlTextWriterWriteString(w, (const xmlChar *)d->model);
		(void)xmlTextWriterEndElement(w);
	}
	if (d->vendor)
		(void)xmlTextWriterWriteElement(w, (const xmlChar *)"vendor", (const xmlChar *)d->vendor);
	for (size_t i = 0; i < d->features.n; i++) {
		(void)xmlTextWriterStartElement(w, (const xmlChar *)"feature");
		put(w, "policy", d->features.v[i].policy);
		put(w, "name", d->features.v[i].name);
		(void)xmlTextWriterEndElement(w);
	}
}

static bool is_ours(const char *attribute)
{
	return strcmp(attribute, "mode") == 0 || strcmp(attribute, "check") == 0 || strcmp(attribute, "match") == 0 ||
	       strcmp(attribute, "migratable") == 0;
}

/* attributes that nothing here knows are not lost */
static void put_others(xmlTextWriter *w, const xmlNode *old)
{
	for (const xmlAttr *a = old ? old->properties : NULL; a; a = a->next) {
		pt_autofree char *value = a->ns ? NULL : pt_xml_attr(old, (const char *)a->name);

		if (value && !is_ours((const char *)a->name))
			put(w, (const char *)a->name, value);
	}
}

/* <cpu …>…</cpu> with what @def says; @old: keeps its other attributes; @on_lines: indented */
static char *element(const struct pt_cpu_def *d, const xmlNode *old, bool on_lines)
{
	xmlBuffer *buffer = xmlBufferCreate();
	xmlTextWriter *w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	char *text;

	if (w) {
		(void)xmlTextWriterSetQuoteChar(w, '\'');
		(void)xmlTextWriterSetIndent(w, on_lines);
		(void)xmlTextWriterSetIndentString(w, (const xmlChar *)"  ");
		(void)xmlTextWriterStartElement(w, (const xmlChar *)"cpu");
		put(w, "mode", d->mode == PT_CPU_MODE_NONE ? NULL : pt_cpu_mode_str(d->mode));
		put(w, "match", d->match);
		put(w, "check", d->check);
		put(w, "migratable", d->migratable);
		put_others(w, old);
		put_model(w, d);
		(void)xmlTextWriterEndElement(w);
		xmlFreeTextWriter(w);
	}
	text = pt_strdup(buffer ? (const char *)xmlBufferContent(buffer) : "");
	xmlBufferFree(buffer);
	while (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	return text;
}

char *pt_domxml_print_cpu(const struct pt_cpu_def *def)
{
	/* nothing was read before; libvirt, which is asked with this, brings the library along */
	if (pt_libxml2_load(NULL) < 0)
		return pt_strdup("");
	return element(def, NULL, true);
}

static bool is_replaced(const xmlNode *node)
{
	return pt_xml_is(node, "model") || pt_xml_is(node, "vendor") || pt_xml_is(node, "feature");
}

/* is there anything in <cpu> that stays? */
static bool keeps_something(const xmlNode *cpu)
{
	for (const xmlNode *c = cpu->children; c; c = c->next)
		if (!xmlIsBlankNode(c) && !(c->type == XML_ELEMENT_NODE && is_replaced(c)))
			return true;
	return false;
}

/* lines behind the first are moved in by @indent */
static char *indented(const char *text, const char *indent)
{
	struct pt_buf out = { 0 };

	for (; *text; text++) {
		pt_buf_addn(&out, text, 1);
		if (*text == '\n')
			pt_buf_add(&out, indent);
	}
	return pt_buf_take(&out);
}

/* behind the ">" of the start tag at @start */
static size_t tag_end(const struct pt_xml *x, size_t start)
{
	char quote = '\0';

	for (size_t i = start; i < x->size; i++) {
		char c = x->text[i];

		if (quote && c == quote)
			quote = '\0';
		else if (quote)
			continue;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>')
			return i + 1;
	}
	return x->size;
}

static void cut_children(struct pt_xml *x, const xmlNode *cpu, struct pt_splices *out)
{
	for (const xmlNode *c = pt_xml_child(cpu, NULL); c; c = pt_xml_next(c, NULL)) {
		const struct pt_xml_span *span = pt_xml_span(x, c);
		size_t start = span->start;

		if (!is_replaced(c))
			continue;
		/* with it goes its line, so that no empty one stays */
		if (c->prev && xmlIsBlankNode(c->prev))
			start = pt_splice_line_begin(x, start);
		pt_splice_add(out, start, span->end, NULL);
	}
}

static void replace(struct pt_xml *x, const xmlNode *cpu, const struct pt_cpu_def *d, struct pt_splices *out)
{
	const struct pt_xml_span *span = pt_xml_span(x, cpu);
	pt_autofree char *indent = pt_splice_indent_at(x, span->start);
	pt_autofree char *plain = element(d, cpu, indent != NULL);
	char *text = indented(plain, indent ? indent : "");
	char *end;

	if (!keeps_something(cpu)) {
		pt_splice_add(out, span->start, span->end, text);
		return;
	}
	/* the start tag and the new children; the end tag is the one that is there */
	end = strstr(text, "</cpu>");
	if (end) {
		while (end > text && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t'))
			end--;
		*end = '\0';
	} else {
		end = text + strlen(text) - 2; /* "/>" */
		memcpy(end, ">", 2);
	}
	pt_splice_add(out, span->start, tag_end(x, span->start), text);
	cut_children(x, cpu, out);
}

/* what libvirt writes behind <cpu> (virDomainDefFormatInternal) */
static const xmlNode *behind_cpu(const xmlNode *domain)
{
	static const char *const names[] = { "clock", "on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "pm",
					     "perf",  "devices",     "seclabel",  "keywrap",  "launchSecurity" };

	for (const xmlNode *c = pt_xml_child(domain, NULL); c; c = pt_xml_next(c, NULL))
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (pt_xml_is(c, names[i]))
				return c;
	return NULL;
}

static void insert(struct pt_xml *x, const xmlNode *domain, const struct pt_cpu_def *d, struct pt_splices *out)
{
	const xmlNode *behind = behind_cpu(domain);
	/* a <domain> has children: its name, if nothing else */
	const struct pt_xml_span *at = pt_xml_span(x, behind ? behind : pt_xml_child(domain, NULL));
	pt_autofree char *indent = pt_splice_indent_at(x, at->start);
	pt_autofree char *plain = element(d, NULL, indent != NULL);
	pt_autofree char *text = indented(plain, indent ? indent : "");

	if (behind)
		pt_splice_add(out, at->start, at->start,
			      pt_strf("%s%s%s", text, indent ? "\n" : "", indent ? indent : ""));
	else
		pt_splice_add(out, at->end, at->end, pt_strf("%s%s%s", indent ? "\n" : "", indent ? indent : "", text));
}

int pt_xml_set_cpu(struct pt_xml *x, const struct pt_cpu_def *def, struct pt_splices *out, struct pt_error *err)
{
	const xmlNode *domain = xmlDocGetRootElement(x->doc);
	xmlNode *cpu = pt_xml_child(domain, "cpu");

	if (!pt_xml_child(domain, NULL))
		return pt_xml_bad(err, domain, "there is nothing in it");
	if (pt_xml_next(cpu, "cpu"))
		return pt_xml_bad(err, pt_xml_next(cpu, "cpu"), "there is more than one");
	if (!cpu) {
		insert(x, domain, def, out);
		return 0;
	}
	replace(x, cpu, def, out);
	pt_xml_span(x, cpu)->skip = true;
	return 0;
}

/* the text of all that is kept in <cpu>, one after the other; the caller frees */
static char *kept(struct pt_xml *x, const xmlNode *cpu)
{
	struct pt_buf out = { 0 };

	for (const xmlNode *c = pt_xml_child(cpu, NULL); c; c = pt_xml_next(c, NULL)) {
		const struct pt_xml_span *span = pt_xml_span(x, c);

		if (!is_replaced(c))
			pt_buf_addn(&out, x->text + span->start, span->end - span->start);
	}
	return pt_buf_take(&out);
}

bool pt_xml_cpu_is(struct pt_xml *before, struct pt_xml *after, const struct pt_cpu_def *def)
{
	const xmlNode *old = pt_xml_child(xmlDocGetRootElement(before->doc), "cpu");
	xmlNode *cpu = pt_xml_child(xmlDocGetRootElement(after->doc), "cpu");
	pt_autofree char *kept_before = old ? kept(before, old) : pt_strdup("");
	pt_autofree char *kept_after = cpu ? kept(after, cpu) : NULL;
	PT_AUTO(pt_cpu_def) now = { 0 };

	if (!cpu || pt_xml_next(cpu, "cpu") || pt_xml_read_cpu(cpu, &now, NULL) < 0)
		return false;
	pt_xml_span(after, cpu)->skip = true;
	return pt_cpu_def_same(&now, def) && pt_streq(kept_before, kept_after);
}
