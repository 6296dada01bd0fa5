/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "domxml/tree.h"

struct pair {
	struct pt_xml *a;
	struct pt_xml *b;
	enum pt_xml_depth depth;
};

static bool text_same(const xmlChar *a, const xmlChar *b)
{
	return xmlStrEqual(a, b) || ((!a || !*a) && (!b || !*b));
}

static bool ns_same(const xmlNs *a, const xmlNs *b, enum pt_xml_depth depth)
{
	if (!a || !b)
		return a == b;
	return text_same(a->href, b->href) && (depth == PT_XML_MEANING || text_same(a->prefix, b->prefix));
}

static bool attribute_same(const xmlAttr *p, const xmlNode *b, enum pt_xml_depth depth)
{
	const xmlAttr *q = xmlHasNsProp(b, p->name, p->ns ? p->ns->href : NULL);
	xmlChar *v;
	xmlChar *w;
	bool same;

	if (!q || !ns_same(p->ns, q->ns, depth))
		return false;
	v = xmlNodeListGetString(p->doc, p->children, 1);
	w = xmlNodeListGetString(q->doc, q->children, 1);
	same = text_same(v, w);
	xmlFree(v);
	xmlFree(w);
	return same;
}

static size_t count_attributes(const xmlNode *node)
{
	size_t n = 0;

	for (const xmlAttr *p = node->properties; p; p = p->next)
		n++;
	return n;
}

/* xmlns:… are no attributes in libxml2's tree */
static bool declarations_same(const xmlNode *a, const xmlNode *b)
{
	const xmlNs *q = b->nsDef;
	const xmlNs *p = a->nsDef;

	for (; p && q; p = p->next, q = q->next)
		if (!ns_same(p, q, PT_XML_NODES))
			return false;
	return !p && !q;
}

static bool tags_same(const xmlNode *a, const xmlNode *b, enum pt_xml_depth depth)
{
	if (!xmlStrEqual(a->name, b->name) || !ns_same(a->ns, b->ns, depth) ||
	    count_attributes(a) != count_attributes(b))
		return false;
	if (depth == PT_XML_NODES && !declarations_same(a, b))
		return false;
	for (const xmlAttr *p = a->properties; p; p = p->next)
		if (!attribute_same(p, b, depth))
			return false;
	return true;
}

static bool has_elements(const xmlNode *node)
{
	for (const xmlNode *c = node->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			return true;
	return false;
}

/* the next node that counts; @leaf: white space does */
static xmlNode *next_counting(struct pt_xml *x, xmlNode *node, enum pt_xml_depth depth, bool leaf)
{
	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE && pt_xml_span(x, node)->skip)
			continue;
		if (node->type == XML_TEXT_NODE && !leaf && xmlIsBlankNode(node))
			continue;
		if (depth == PT_XML_MEANING && (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE))
			continue;
		return node;
	}
	return NULL;
}

static bool contents_same(const xmlNode *a, const xmlNode *b)
{
	pt_autofree char *v = pt_xml_content(a);
	pt_autofree char *w = pt_xml_content(b);

	return (!v && !w) || pt_streq(v, w);
}

static bool nodes_same(const struct pair *p, const xmlNode *a, const xmlNode *b);

static bool children_same(const struct pair *p, const xmlNode *a, const xmlNode *b)
{
	bool leaf = !has_elements(a) && !has_elements(b);
	xmlNode *v = a->children;
	xmlNode *w = b->children;

	/* libvirt cuts white space off the texts that it reads, and does not care how they are made up */
	if (leaf && p->depth == PT_XML_MEANING)
		return contents_same(a, b);
	for (;;) {
		v = next_counting(p->a, v, p->depth, leaf);
		w = next_counting(p->b, w, p->depth, leaf);
		if (!v || !w)
			return !v && !w;
		if (!nodes_same(p, v, w))
			return false;
		v = v->next;
		w = w->next;
	}
}

static bool nodes_same(const struct pair *p, const xmlNode *a, const xmlNode *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == XML_ELEMENT_NODE)
		return tags_same(a, b, p->depth) && children_same(p, a, b);
	return text_same(a->content, b->content) && (a->type != XML_PI_NODE || xmlStrEqual(a->name, b->name));
}

bool pt_xml_same(struct pt_xml *a, struct pt_xml *b, enum pt_xml_depth depth)
{
	const struct pair p = { a, b, depth };

	/* a document's node begins as any other node does: its children are what stands at the top */
	return children_same(&p, (const xmlNode *)a->doc, (const xmlNode *)b->doc);
}

int pt_domxml_same(const char *a, const char *b)
{
	PT_AUTO(pt_xml) x = { 0 };
	PT_AUTO(pt_xml) y = { 0 };

	if (pt_xml_open(a, &x, NULL) < 0 || pt_xml_open(b, &y, NULL) < 0)
		return strcmp(a, b) == 0;
	return pt_xml_same(&x, &y, PT_XML_MEANING);
}
