/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libvirt domain's XML: read into the model, and edited.  libxml2 only; knows nothing of libvirt and touches nothing
 * but text.  Everything that is not asked for stays as it was, comments, unknown elements and white space included.
 */
#ifndef PT_DOMXML_DOMXML_H
#define PT_DOMXML_DOMXML_H

#include "base/error.h"
#include "model/domain.h"

/**
 * pt_domxml_read() - the facts of a definition
 * @xml: a whole <domain> document (hostile input: bounded, no entities, no network, no external files)
 *
 * Return: 0; -EBADMSG with line and cause when it is no domain XML.
 */
int pt_domxml_read(const char *xml, struct pt_domain *ret_domain, struct pt_error *err);

/**
 * pt_domxml_edit() - apply an edit to a definition
 * @ret_xml: the new document; the caller frees
 *
 * Every byte that the edit is not about stays: only the elements named go, each with its line, and the new hostdevs
 * come, after those that are there or where libvirt would write them.
 *
 * Return: 0; -ENOENT when something to remove or move is not there, -EEXIST when a hostdev to add already is; -EBADMSG.
 */
int pt_domxml_edit(const char *xml, const struct pt_domain_edit *edit, char **ret_xml, struct pt_error *err);

/**
 * pt_domxml_hostdev() - the element that passes a function through, as it stands in a definition; the caller frees
 *
 * Return: 0; -ENOENT when there is none; -EBADMSG.
 */
int pt_domxml_hostdev(const char *xml, struct pt_bdf bdf, char **ret_element, struct pt_error *err);

/** pt_domxml_hostdev_anywhere() - the same without its place in the guest, which libvirt then chooses */
int pt_domxml_hostdev_anywhere(const char *xml, struct pt_bdf bdf, char **ret_element, struct pt_error *err);

/** pt_domxml_mask() - the same document with every password and secret replaced, for printing; NULL if it is no domain
 * XML; quotes and entities may be spelled otherwise */
char *pt_domxml_mask(const char *xml);

/** pt_domxml_diff() - unified difference of two definitions, masked, 3 lines of context; "" when equal; caller frees */
char *pt_domxml_diff(const char *before, const char *after);

/**
 * pt_domxml_same() - 1 when two documents mean the same to libvirt: white space around and between elements, order of
 * attributes, comments, and how a text is spelled (entities, CDATA) aside; texts that are no domain XML: when equal
 */
int pt_domxml_same(const char *a, const char *b);

#endif
