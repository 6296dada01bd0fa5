/* SPDX-License-Identifier: Apache-2.0 */
/* What of a definition must not be printed.  References (a secret's uuid) are no secrets and stay readable. */
#include <strings.h>

#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "domxml/tree.h"

#define MASK "***"

static bool named_after_password(const xmlChar *name)
{
	const char *p = (const char *)name;

	/* when a password expires is no secret, and changes to it should be seen */
	return strcasestr(p, "passw") && !strcasestr(p, "validto");
}

static bool below(const xmlNode *node, const char *parent)
{
	return node->parent && node->parent->type == XML_ELEMENT_NODE &&
	       pt_streq((const char *)node->parent->name, parent);
}

/*
 * Texts: cookies of a network disk; what launchSecurity hands to the guest's firmware; what reaches the guest through
 * fw_cfg (Ignition has password hashes in it) or as a systemd credential; and whatever is named after a password.
 */
static bool text_is_secret(const xmlNode *node)
{
	static const char *const launch[] = { "session", "dhCert", "idBlock", "idAuth", "hostData" };
	const char *name = (const char *)node->name;

	if (named_after_password(node->name) || strcasecmp(name, "secret") == 0 || below(node, "cookies"))
		return true;
	for (size_t i = 0; i < sizeof(launch) / sizeof(*launch); i++)
		if (below(node, "launchSecurity") && strcmp(launch[i], name) == 0)
			return true;
	if (strcmp(name, "entry") != 0)
		return false;
	if (below(node, "sysinfo"))
		return pt_xml_attr_is(node->parent, "type", "fwcfg");
	if (below(node, "oemStrings")) {
		pt_autofree char *text = pt_xml_content(node);

		return text && pt_startswith(text, "io.systemd.credential");
	}
	return false;
}

/* replace what follows each @key in @value, up to the next separator */
static char *mask_after(const char *value, const char *key, const char *until)
{
	struct pt_buf out = { 0 };
	const char *p;

	while ((p = strcasestr(value, key))) {
		p += strlen(key);
		pt_buf_addn(&out, value, (size_t)(p - value));
		if (p[0] && !strchr(until, p[0]))
			pt_buf_add(&out, MASK);
		value = p + strcspn(p, until);
	}
	pt_buf_add(&out, value);
	return pt_buf_take(&out);
}

/* user:password@ in a URL */
static char *mask_url(const char *value)
{
	const char *start = strstr(value, "://");
	const char *at = start ? strchr(start, '@') : NULL;
	const char *colon = start ? strchr(start + 3, ':') : NULL;

	if (!at || !colon || colon > at)
		return pt_strdup(value);
	return pt_strf("%.*s" MASK "%s", (int)(colon + 1 - value), value, at);
}

/* QEMU's options, as a list or as JSON; -object secret has its secret in data= */
static char *mask_options(const char *value)
{
	static const struct {
		const char *key;
		const char *until;
	} rules[] = { { "password=", ",\" " },
		      { "passwd=", ",\" " },
		      { "\"password\":\"", "\"" },
		      { "\"passwd\":\"", "\"" },
		      { "\"password\": \"", "\"" } };
	char *text = mask_url(value);

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		char *next = mask_after(text, rules[i].key, rules[i].until);

		free(text);
		text = next;
	}
	if (strstr(text, "secret")) {
		char *list = mask_after(text, "data=", ",");

		free(text);
		text = mask_after(list, "\"data\":\"", "\"");
		free(list);
	}
	return text;
}

static void set_attribute(xmlNode *node, const xmlAttr *a, const char *value)
{
	/* without memory it returns NULL and leaves the old value; libxml2's allocator is malloc(), see base/alloc.h */
	if (!xmlSetNsProp(node, a->ns, a->name, (const xmlChar *)value))
		abort();
}

/* passwords; the query string of an http disk, which carries access tokens; such an environment variable of QEMU */
static bool attribute_is_secret(const xmlNode *node, const xmlAttr *a)
{
	const char *element = (const char *)node->name;
	const char *name = (const char *)a->name;
	pt_autofree char *variable = NULL;

	if (named_after_password(a->name) || (pt_streq(element, "source") && pt_streq(name, "query")))
		return true;
	if (!pt_streq(element, "env") || !pt_streq(name, "value"))
		return false;
	variable = pt_xml_attr(node, "name");
	return variable &&
	       (strcasestr(variable, "pass") || strcasestr(variable, "secret") || strcasestr(variable, "token"));
}

static void mask_attribute(xmlNode *node, const xmlAttr *a)
{
	pt_autofree char *value = NULL;
	pt_autofree char *masked = NULL;

	if (attribute_is_secret(node, a)) {
		set_attribute(node, a, MASK);
		return;
	}
	if (!pt_streq((const char *)node->name, "arg") || !pt_streq((const char *)a->name, "value"))
		return;
	value = pt_xml_attr(node, "value");
	masked = value ? mask_options(value) : NULL;
	if (masked)
		set_attribute(node, a, masked);
}

static void mask_node(xmlNode *node)
{
	bool secret = false;

	if (node->type != XML_ELEMENT_NODE)
		return;
	for (xmlAttr *a = node->properties; a; a = a->next)
		mask_attribute(node, a);
	secret = text_is_secret(node);
	for (xmlNode *c = node->children; c; c = c->next) {
		if (secret && (c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && !xmlIsBlankNode(c))
			xmlNodeSetContent(c, (const xmlChar *)MASK);
		mask_node(c);
	}
}

void pt_xml_mask(struct pt_xml *x)
{
	mask_node(xmlDocGetRootElement(x->doc));
}

char *pt_domxml_mask(const char *xml)
{
	PT_AUTO(pt_xml) x = { 0 };

	if (pt_xml_open(xml, &x, NULL) < 0)
		return NULL;
	pt_xml_mask(&x);
	return pt_xml_print(&x, false);
}
