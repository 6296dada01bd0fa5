/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/finding.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"

static void set_text(json_t *o, const char *key, const char *text)
{
	pt_autofree char *clean = pt_strdup_opt(text);

	/* json_object_set_new() fails only without memory or on text that is no UTF-8, which is cleaned before */
	if (clean)
		(void)json_object_set_new(o, key, json_string(pt_text_clean(clean)));
}

static void set_lines(json_t *o, const char *key, const char *text)
{
	pt_autofree char *clean = pt_strdup(text);

	(void)json_object_set_new(o, key, json_string(pt_text_clean_lines(clean)));
}

json_t *pt_finding_json(const struct pt_finding *finding)
{
	json_t *o = json_object();

	set_text(o, "verdict", pt_verdict_str(finding->verdict));
	set_text(o, "name", finding->name);
	set_text(o, "fact", finding->fact);
	set_text(o, "where", finding->where);
	set_text(o, "fix", finding->fix);
	if (finding->forceable)
		(void)json_object_set_new(o, "forceable", json_true());
	return o;
}

json_t *pt_error_json(const struct pt_error *err)
{
	static const char *const kinds[] = { "failed", "usage", "refused", "interrupted" };
	json_t *o = json_object();

	set_text(o, "kind", kinds[err->kind]);
	set_lines(o, "message", err->msg);
	if (err->hint[0])
		set_lines(o, "hint", err->hint);
	if (err->refusal[0])
		set_text(o, "refusal", err->refusal);
	if (err->refusal[0] && err->forceable)
		(void)json_object_set_new(o, "forceable", json_true());
	return o;
}

json_t *pt_findings_json(const struct pt_findings *findings)
{
	json_t *a = json_array();

	for (size_t i = 0; i < findings->n; i++)
		(void)json_array_append_new(a, pt_finding_json(&findings->v[i]));
	return a;
}
