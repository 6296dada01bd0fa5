/* SPDX-License-Identifier: Apache-2.0 */
/* Whole trees: compared, and printed for people.  Inside domxml/ only. */
#ifndef PT_DOMXML_TREE_H
#define PT_DOMXML_TREE_H

#include "domxml/doc.h"

enum pt_xml_depth {
	PT_XML_MEANING, /* what libvirt reads: comments, processing instructions, prefixes and CDATA aside */
	PT_XML_NODES,	/* every node; only white space between elements aside */
};

/** pt_xml_same() - are two documents equal?  Elements whose span says skip are passed over on either side. */
bool pt_xml_same(struct pt_xml *a, struct pt_xml *b, enum pt_xml_depth depth);

/**
 * pt_xml_print() - the document as text with single quotes, as libvirt writes it; the caller frees
 * @pretty: indented anew; otherwise with the white space that it has
 *
 * NULL when libxml2 gives up.
 */
char *pt_xml_print(const struct pt_xml *x, bool pretty);

/** pt_xml_mask() - replace every password and secret in the tree */
void pt_xml_mask(struct pt_xml *x);

/** pt_text_diff() - unified difference of two texts, 3 lines of context; "" when equal; the caller frees */
char *pt_text_diff(const char *before, const char *after, const char *before_name, const char *after_name);

#endif
