/* SPDX-License-Identifier: Apache-2.0 */
/* <cpu>: of a definition, of a host, and as libvirt answers when it is asked for one. */
#include <errno.h>

#include "base/cleanup.h"
#include "domxml/cpu.h"
#include "domxml/read.h"

/* libvirt knows some 400 */
#define FEATURES_MAX 4096

static int read_feature(const xmlNode *feature, struct pt_cpu_def *d, struct pt_error *err)
{
	char *name = pt_xml_attr(feature, "name");
	struct pt_cpu_feature *f;

	if (!name)
		return pt_xml_bad(err, feature, "the feature has no name");
	f = pt_array_add(&d->features);
	f->name = name;
	f->policy = pt_xml_attr(feature, "policy");
	if (d->features.n > FEATURES_MAX)
		return pt_xml_bad(err, feature, "more than %d features", FEATURES_MAX);
	return 0;
}

/* libvirt takes <cpu match=> and <cpu><model> without a mode as custom (virCPUDefParseXML) */
static int read_mode(const xmlNode *cpu, struct pt_cpu_def *d, struct pt_error *err)
{
	pt_autofree char *mode = pt_xml_attr(cpu, "mode");

	if (!mode)
		d->mode = d->model || d->match ? PT_CPU_MODE_CUSTOM : PT_CPU_MODE_NONE;
	else if (pt_cpu_mode_parse(mode, &d->mode) < 0 || d->mode == PT_CPU_MODE_NONE)
		return pt_xml_bad(err, cpu, "mode='%.32s' is none that libvirt knows", mode);
	return 0;
}

int pt_xml_read_cpu(const xmlNode *cpu, struct pt_cpu_def *ret_def, struct pt_error *err)
{
	const xmlNode *model = pt_xml_child(cpu, "model");
	PT_AUTO(pt_cpu_def) d = { 0 };
	int r;

	if (!cpu)
		return 0;
	d.check = pt_xml_attr(cpu, "check");
	d.match = pt_xml_attr(cpu, "match");
	d.migratable = pt_xml_attr(cpu, "migratable");
	d.model = pt_xml_content(model);
	d.fallback = pt_xml_attr(model, "fallback");
	d.vendor_id = pt_xml_attr(model, "vendor_id");
	d.vendor = pt_xml_content(pt_xml_child(cpu, "vendor"));
	r = read_mode(cpu, &d, err);
	for (const xmlNode *f = pt_xml_child(cpu, "feature"); f && r == 0; f = pt_xml_next(f, "feature"))
		r = read_feature(f, &d, err);
	if (r < 0)
		return r;
	*ret_def = d;
	d = (struct pt_cpu_def){ 0 };
	return 0;
}

int pt_domxml_read_cpu(const char *xml, struct pt_cpu_def *ret_def, struct pt_error *err)
{
	PT_AUTO(pt_xml) x = { 0 };
	int r = pt_xml_open_root(xml, "cpu", &x, err);

	return r < 0 ? r : pt_xml_read_cpu(xmlDocGetRootElement(x.doc), ret_def, err);
}

static int read_custom(const xmlNode *mode, struct pt_cpu_caps *c, struct pt_error *err)
{
	for (const xmlNode *m = pt_xml_child(mode, "model"); m; m = pt_xml_next(m, "model")) {
		char *name = pt_xml_content(m);
		struct pt_cpu_model *model;

		if (!name)
			return pt_xml_bad(err, m, "the model has no name");
		model = pt_array_add(&c->models);
		model->name = name;
		model->vendor = pt_xml_attr(m, "vendor");
		model->usable = pt_xml_attr_is(m, "usable", "yes")  ? PT_KNOWN_YES
				: pt_xml_attr_is(m, "usable", "no") ? PT_KNOWN_NO
								    : PT_KNOWN_UNKNOWN;
		if (c->models.n > FEATURES_MAX)
			return pt_xml_bad(err, m, "more than %d models", FEATURES_MAX);
	}
	for (const xmlNode *b = pt_xml_child(mode, "blockers"); b; b = pt_xml_next(b, "blockers")) {
		pt_autofree char *name = pt_xml_attr(b, "model");
		/* ours, and filled in right above */
		struct pt_cpu_model *model = (struct pt_cpu_model *)(uintptr_t)pt_cpu_caps_model(c, name);

		for (const xmlNode *f = pt_xml_child(b, "feature"); f && model; f = pt_xml_next(f, "feature")) {
			char *feature = pt_xml_attr(f, "name");

			if (feature)
				pt_strv_take(&model->blockers, feature);
		}
	}
	return 0;
}

static int read_mode_caps(const xmlNode *mode, struct pt_cpu_caps *c, struct pt_error *err)
{
	bool offered = pt_xml_attr_is(mode, "supported", "yes");

	if (!offered)
		return 0;
	if (pt_xml_attr_is(mode, "name", "host-passthrough"))
		c->passthrough = true;
	if (pt_xml_attr_is(mode, "name", "custom"))
		return read_custom(mode, c, err);
	if (!pt_xml_attr_is(mode, "name", "host-model"))
		return 0;
	c->host_model_ok = true;
	return pt_xml_read_cpu(mode, &c->host_model, err);
}

int pt_domxml_read_cpu_caps(const char *xml, struct pt_cpu_caps *ret_caps, struct pt_error *err)
{
	PT_AUTO(pt_cpu_caps) c = { 0 };
	PT_AUTO(pt_xml) x = { 0 };
	const xmlNode *cpu;
	int r = pt_xml_open_root(xml, "domainCapabilities", &x, err);

	if (r < 0)
		return r;
	cpu = pt_xml_child(xmlDocGetRootElement(x.doc), "cpu");
	for (const xmlNode *m = pt_xml_child(cpu, "mode"); m && r == 0; m = pt_xml_next(m, "mode"))
		r = read_mode_caps(m, &c, err);
	if (r < 0)
		return r;
	*ret_caps = c;
	c = (struct pt_cpu_caps){ 0 };
	return 0;
}
