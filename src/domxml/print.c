/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "domxml/tree.h"

static void free_buffer(xmlBuffer *b)
{
	xmlBufferFree(b);
}

PT_DEFINE_CLEANUP(xmlBuffer *, free_buffer)

static char *qualified(const xmlNs *ns, const xmlChar *name)
{
	if (ns && ns->prefix)
		return pt_strf("%s:%s", (const char *)ns->prefix, (const char *)name);
	return pt_strdup((const char *)name);
}

/* The writer escapes the double quote only, so a value with an apostrophe in it gets double quotes. */
static void put_attribute(xmlTextWriter *w, const char *name, const xmlChar *value)
{
	(void)xmlTextWriterSetQuoteChar(w, xmlStrchr(value, '\'') ? '"' : '\'');
	(void)xmlTextWriterWriteAttribute(w, (const xmlChar *)name, value);
}

static void put_start(xmlTextWriter *w, const xmlNode *node)
{
	pt_autofree char *name = qualified(node->ns, node->name);

	(void)xmlTextWriterStartElement(w, (const xmlChar *)name);
	for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
		pt_autofree char *declaration =
			ns->prefix ? pt_strf("xmlns:%s", (const char *)ns->prefix) : pt_strdup("xmlns");

		put_attribute(w, declaration, ns->href ? ns->href : (const xmlChar *)"");
	}
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		pt_autofree char *attribute = qualified(a->ns, a->name);
		xmlChar *value = xmlNodeListGetString(a->doc, a->children, 1);

		put_attribute(w, attribute, value ? value : (const xmlChar *)"");
		xmlFree(value);
	}
}

static bool between_elements(const xmlNode *text)
{
	const xmlNode *first = text->parent ? text->parent->children : NULL;

	if (!xmlIsBlankNode(text))
		return false;
	for (const xmlNode *c = first; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE || c->type == XML_COMMENT_NODE)
			return true;
	return false;
}

/* The writer keeps a first error to itself and writes no more; pt_xml_print() then finds the text incomplete. */
static void put(xmlTextWriter *w, const xmlNode *node, bool pretty)
{
	switch (node->type) {
	case XML_ELEMENT_NODE:
		put_start(w, node);
		for (const xmlNode *c = node->children; c; c = c->next)
			put(w, c, pretty);
		(void)xmlTextWriterEndElement(w);
		break;
	case XML_TEXT_NODE:
		if (!pretty || !between_elements(node))
			(void)xmlTextWriterWriteString(w, node->content);
		break;
	case XML_CDATA_SECTION_NODE:
		(void)xmlTextWriterWriteCDATA(w, node->content);
		break;
	case XML_COMMENT_NODE:
		(void)xmlTextWriterWriteComment(w, node->content);
		break;
	case XML_PI_NODE:
		(void)xmlTextWriterWritePI(w, node->name, node->content);
		break;
	default:
		break;
	}
}

char *pt_xml_print(const struct pt_xml *x, bool pretty)
{
	PT_CLEANUP(free_bufferp) xmlBuffer *buffer = xmlBufferCreate();
	xmlTextWriter *w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	struct pt_buf out = { 0 };

	if (!w)
		return NULL;
	(void)xmlTextWriterSetIndent(w, pretty);
	(void)xmlTextWriterSetIndentString(w, (const xmlChar *)"  ");
	for (const xmlNode *c = x->doc->children; c; c = c->next) {
		put(w, c, pretty);
		if (!pretty)
			(void)xmlTextWriterWriteRaw(w, (const xmlChar *)"\n");
	}
	xmlFreeTextWriter(w);
	pt_buf_add(&out, (const char *)xmlBufferContent(buffer));
	return pt_buf_take(&out);
}
