/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's XML as libxml2's tree, with each element's place in the text.  Inside domxml/ only: no other room sees
 * libxml2.  Knows XML, not what a <disk> is.
 */
#ifndef PT_DOMXML_DOC_H
#define PT_DOMXML_DOC_H

#include "base/alloc.h"
#include "base/error.h"
#include "domxml/lazy-libxml2.h"

/* No definition comes near these; they bound what a hostile one may cost. */
#define PT_XML_SIZE_MAX	   ((size_t)8 << 20)
#define PT_XML_DEVICES_MAX 4096

#define PT_XML_NS_QEMU "http://libvirt.org/schemas/domain/qemu/1.0"

/* where an element stands in the text: [@start, @end); @skip: an edit takes it out, or has put it in */
struct pt_xml_span {
	size_t start;
	size_t end;
	bool skip;
};

/**
 * struct pt_xml - one parsed document
 * @text: the caller's, must outlive this
 * @root: what the outermost element is called
 * @spans: one for each element; pt_xml_span() finds an element's
 */
struct pt_xml {
	xmlDoc *doc;
	const char *text;
	const char *root;
	size_t size;
	PT_ARRAY(struct pt_xml_span) spans;
};

/**
 * pt_xml_open() - parse a whole <domain> document
 *
 * Hostile input: at most PT_XML_SIZE_MAX, UTF-8 whatever it declares, no DOCTYPE and so no entities of its own,
 * nothing is fetched, depth as libxml2 bounds it.
 *
 * Return: 0; -EBADMSG with line and cause.
 */
int pt_xml_open(const char *text, struct pt_xml *ret_xml, struct pt_error *err);

/** pt_xml_open_root() - the same for another document of libvirt's: its outermost element is <@name> */
int pt_xml_open_root(const char *text, const char *name, struct pt_xml *ret_xml, struct pt_error *err);

void pt_xml_done(struct pt_xml *x);

struct pt_xml_span *pt_xml_span(struct pt_xml *x, const xmlNode *element);

/* first child, next sibling: elements without a namespace; @name NULL: of any name; all accept NULL */
xmlNode *pt_xml_child(const xmlNode *parent, const char *name);
xmlNode *pt_xml_next(const xmlNode *node, const char *name);

/* child of a child: "os", "type" */
xmlNode *pt_xml_path(const xmlNode *parent, const char *name, const char *below);

static inline bool pt_xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns && pt_streq((const char *)node->name, name);
}

/* an attribute's value, NULL when it (or @node) is not there; the caller frees */
char *pt_xml_attr(const xmlNode *node, const char *name);
bool pt_xml_attr_is(const xmlNode *node, const char *name, const char *value);

/* all text below, white space around it cut off; NULL when there is none or no @node; the caller frees */
char *pt_xml_content(const xmlNode *node);

/* an unsigned number as libvirt reads it (decimal, 0x…, 0…); -EINVAL when it is none or above @max */
int pt_xml_number(const char *text, unsigned long long max, unsigned long long *ret);

/** pt_xml_bad() - -EBADMSG "line N: <element>: FORMATTED" */
int pt_xml_bad(struct pt_error *err, const xmlNode *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
