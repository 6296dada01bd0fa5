/* SPDX-License-Identifier: Apache-2.0 */
#include "domxml/doc.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#include "base/cleanup.h"

/* what the parser's callbacks share; ctxt->_private */
struct build {
	struct pt_xml *x;
	bool doctype;
	int line;
	char message[256];
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_arg;
#else
typedef xmlError *error_arg;
#endif

/* The first error is the cause, what follows it are consequences.  A handler here keeps libxml2 off stderr. */
static void on_error(void *data, error_arg e)
{
	xmlParserCtxt *ctxt = data;
	struct build *b = ctxt->_private;
	size_t n;

	if (b->message[0] || e->level < XML_ERR_ERROR || !e->message)
		return;
	b->line = e->line;
	(void)snprintf(b->message, sizeof(b->message), "%s", e->message);
	n = strlen(b->message);
	while (n && isspace((unsigned char)b->message[n - 1]))
		b->message[--n] = '\0';
}

/* Before any declaration in it is read: no entities, no external files. */
static void on_doctype(void *data, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	xmlParserCtxt *ctxt = data;
	struct build *b = ctxt->_private;

	b->doctype = true;
	xmlStopParser(ctxt);
}

/*
 * The parser calls this when it has read the start tag up to, not including, its ">" or "/>".  A start tag holds no
 * second "<" (XML 1.0, 2.4 and 3.1: not even in an attribute's value), so the nearest one before is its own.
 */
/* NOLINTNEXTLINE(readability-function-size): libxml2 says what the parameters are */
static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
		     const xmlChar **namespaces, int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = data;
	struct pt_xml *x = ((struct build *)ctxt->_private)->x;
	long here = xmlByteConsumed(ctxt);
	struct pt_xml_span span = { 0 };

	xmlSAX2StartElementNs(data, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_defaulted, attributes);
	if (!ctxt->node || ctxt->node->_private || here < 0 || (size_t)here > x->size)
		return;
	span.start = (size_t)here;
	while (span.start > 0 && x->text[span.start] != '<')
		span.start--;
	pt_array_push(&x->spans, span);
	ctxt->node->_private = (void *)(uintptr_t)x->spans.n;
}

/* called when the end tag, or the "/>", has been read */
static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxt *ctxt = data;
	struct pt_xml *x = ((struct build *)ctxt->_private)->x;
	long here = xmlByteConsumed(ctxt);

	if (ctxt->node && ctxt->node->_private && here >= 0)
		pt_xml_span(x, ctxt->node)->end = (size_t)here;
	xmlSAX2EndElementNs(data, name, prefix, uri);
}

static void free_ctxt(xmlParserCtxt *ctxt)
{
	xmlFreeParserCtxt(ctxt);
}

PT_DEFINE_CLEANUP(xmlParserCtxt *, free_ctxt)

/* An edit cuts at these places: they are the elements' own, or there is no edit. */
static bool spans_hold(const struct pt_xml *x)
{
	for (size_t i = 0; i < x->spans.n; i++) {
		const struct pt_xml_span *s = &x->spans.v[i];

		if (s->end > x->size || s->end < s->start + 4 || x->text[s->start] != '<' || x->text[s->end - 1] != '>')
			return false;
	}
	return true;
}

static int parse(struct build *b, struct pt_error *err)
{
	/* IGNORE_ENC: a char * is UTF-8 here whatever its declaration says; what is not is an error */
	const int options = XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC;
	int loaded = pt_libxml2_load(err);
	PT_CLEANUP(free_ctxtp) xmlParserCtxt *ctxt = loaded < 0 ? NULL : xmlNewParserCtxt();
	struct pt_xml *x = b->x;

	if (loaded < 0)
		return loaded;
	if (!ctxt)
		return pt_fail(err, -ENOMEM, "cannot parse a domain's XML");
	ctxt->_private = b;
	ctxt->sax->serror = on_error;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->startElementNs = on_start;
	ctxt->sax->endElementNs = on_end;
	x->doc = xmlCtxtReadMemory(ctxt, x->text, (int)x->size, NULL, NULL, options);
	if (b->doctype)
		return pt_say(err, -EBADMSG, "this is no %s XML: it has a DOCTYPE, and libvirt writes none", x->root);
	if (!x->doc && b->message[0])
		return pt_say(err, -EBADMSG, "this is no %s XML: line %d: %s", x->root, b->line, b->message);
	if (!x->doc)
		return pt_say(err, -EBADMSG, "this is no %s XML: it cannot be parsed", x->root);
	if (!spans_hold(x))
		return pt_say(err, -EBADMSG, "this %s XML cannot be edited: its elements cannot be located", x->root);
	return 0;
}

int pt_xml_open(const char *text, struct pt_xml *ret_xml, struct pt_error *err)
{
	return pt_xml_open_root(text, "domain", ret_xml, err);
}

int pt_xml_open_root(const char *text, const char *name, struct pt_xml *ret_xml, struct pt_error *err)
{
	struct pt_xml x = { .text = text, .root = name, .size = strnlen(text, PT_XML_SIZE_MAX + 1) };
	struct build b = { .x = &x };
	const xmlNode *root;
	int r;

	if (x.size > PT_XML_SIZE_MAX)
		return pt_say(err, -EBADMSG, "this is no %s XML: it is larger than %zu MiB", name,
			      PT_XML_SIZE_MAX >> 20);
	if (x.size == 0)
		return pt_say(err, -EBADMSG, "this is no %s XML: it is empty", name);
	r = parse(&b, err);
	if (r == 0) {
		root = xmlDocGetRootElement(x.doc);
		if (!root || !pt_xml_is(root, name))
			r = pt_say(err, -EBADMSG, "this is no %s XML: its outermost element is <%.64s>, not <%s>", name,
				   root ? (const char *)root->name : "", name);
	}
	if (r < 0) {
		pt_xml_done(&x);
		return r;
	}
	*ret_xml = x;
	return 0;
}

void pt_xml_done(struct pt_xml *x)
{
	if (x->doc)
		xmlFreeDoc(x->doc);
	free(x->spans.v);
	*x = (struct pt_xml){ 0 };
}

struct pt_xml_span *pt_xml_span(struct pt_xml *x, const xmlNode *element)
{
	return &x->spans.v[(uintptr_t)element->_private - 1];
}

static xmlNode *seek(xmlNode *node, const char *name)
{
	for (; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE && !node->ns && (!name || pt_xml_is(node, name)))
			return node;
	return NULL;
}

xmlNode *pt_xml_child(const xmlNode *parent, const char *name)
{
	return parent ? seek(parent->children, name) : NULL;
}

xmlNode *pt_xml_next(const xmlNode *node, const char *name)
{
	return node ? seek(node->next, name) : NULL;
}

xmlNode *pt_xml_path(const xmlNode *parent, const char *name, const char *below)
{
	return pt_xml_child(pt_xml_child(parent, name), below);
}

/* libxml2's strings become ours: it may have an allocator of its own */
static char *own(xmlChar *s)
{
	char *copy = pt_strdup_opt((const char *)s);

	xmlFree(s);
	return copy;
}

char *pt_xml_attr(const xmlNode *node, const char *name)
{
	return node ? own(xmlGetNoNsProp((xmlNode *)(uintptr_t)node, (const xmlChar *)name)) : NULL;
}

bool pt_xml_attr_is(const xmlNode *node, const char *name, const char *value)
{
	pt_autofree char *s = pt_xml_attr(node, name);

	return pt_streq(s, value);
}

char *pt_xml_content(const xmlNode *node)
{
	pt_autofree char *s = node ? own(xmlNodeGetContent((xmlNode *)(uintptr_t)node)) : NULL;
	const char *p = s;
	size_t n;

	if (!s)
		return NULL;
	while (isspace((unsigned char)*p))
		p++;
	n = strlen(p);
	while (n && isspace((unsigned char)p[n - 1]))
		n--;
	return n ? pt_strndup(p, n) : NULL;
}

int pt_xml_number(const char *text, unsigned long long max, unsigned long long *ret)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

int pt_xml_bad(struct pt_error *err, const xmlNode *node, const char *format, ...)
{
	pt_autofree char *what = NULL;
	va_list ap;

	va_start(ap, format);
	what = pt_strfv(format, ap);
	va_end(ap);
	return pt_say(err, -EBADMSG, "the domain XML is damaged: line %ld, <%.64s>: %s", xmlGetLineNo(node),
		      (const char *)node->name, what);
}
