/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of pt_domxml_edit() share: pieces of text that are cut out or put in.  Inside domxml/ only. */
#ifndef PT_DOMXML_EDIT_H
#define PT_DOMXML_EDIT_H

#include "domxml/doc.h"

#include "model/cpu.h"
#include "model/domain.h"
#include "model/viommu.h"

/* replace text[@start, @end) by @text (NULL: by nothing) */
struct pt_splice {
	size_t start;
	size_t end;
	char *text;
};

struct pt_splices {
	struct pt_splice *v;
	size_t n;
	size_t cap;
};

/* @text becomes the list's */
void pt_splice_add(struct pt_splices *l, size_t start, size_t end, char *text);
void pt_splices_done(struct pt_splices *l);

/* @pos with the blanks before it and one line end taken back, if nothing else is on the line before it */
size_t pt_splice_line_begin(const struct pt_xml *x, size_t pos);

/* the blanks before @pos when it is the first thing on its line, else NULL: all is on one line; the caller frees */
char *pt_splice_indent_at(const struct pt_xml *x, size_t pos);

/* the blanks that a child of @parent stands behind, NULL: all is on one line; the caller frees */
char *pt_splice_child_indent(struct pt_xml *x, const xmlNode *parent);

/* @text with each line behind a line end and @indent, or as it is when that is NULL; the caller frees */
char *pt_splice_lines(const char *text, const char *indent);

/* @text, laid out by pt_splice_lines(), as the last thing in @parent; it becomes the list's */
void pt_splice_append(struct pt_xml *x, const xmlNode *parent, char *text, struct pt_splices *out);

/* the text with everything cut out and put in; the caller frees */
char *pt_splices_apply(const struct pt_xml *x, struct pt_splices *l);

/** pt_xml_add_ports() - the splices that add @n root ports after the last PCI controller; -ENOENT when there is none */
int pt_xml_add_ports(struct pt_xml *x, unsigned n, struct pt_splices *out, struct pt_error *err);

/** pt_xml_ports_are() - does @after have just so many that @before does not?  Marks them as skipped */
bool pt_xml_ports_are(struct pt_xml *before, struct pt_xml *after, unsigned n);

/* the new <interface> of @standby; nothing where it is one that is there */
void pt_xml_put_standby(xmlTextWriter *w, const struct pt_standby *standby);

/** pt_xml_set_standby() - the splices that make one that is there stand in; -ENOENT; -EEXIST where a new one is there
 */
int pt_xml_set_standby(struct pt_xml *x, const struct pt_standby *standby, struct pt_splices *out,
		       struct pt_error *err);

/** pt_xml_standby_is() - does @after have it so?  Marks what is new of it as skipped */
bool pt_xml_standby_is(struct pt_xml *before, struct pt_xml *after, const struct pt_standby *standby);

/** pt_xml_set_cpu() - the splices that make <cpu> what @def says; marks the old one as skipped */
int pt_xml_set_cpu(struct pt_xml *x, const struct pt_cpu_def *def, struct pt_splices *out, struct pt_error *err);

/** pt_xml_cpu_is() - does @after have it so, with all else of <cpu> as in @before?  Marks it as skipped */
bool pt_xml_cpu_is(struct pt_xml *before, struct pt_xml *after, const struct pt_cpu_def *def);

/** pt_xml_set_viommu() - the splices that make <iommu> what @viommu says; -ENOENT when it has none to remove */
int pt_xml_set_viommu(struct pt_xml *x, const struct pt_viommu *viommu, struct pt_splices *out, struct pt_error *err);

/** pt_xml_viommu_is() - does @after have it so, with all else of an <iommu> of that model as in @before?  Marks it */
bool pt_xml_viommu_is(struct pt_xml *before, struct pt_xml *after, const struct pt_viommu *viommu);

/* the same for <features><ioapic driver='qemu'/> */
void pt_xml_set_split_ioapic(struct pt_xml *x, struct pt_splices *out);
bool pt_xml_ioapic_is_split(struct pt_xml *before, struct pt_xml *after);

#endif
