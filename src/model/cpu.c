/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cpu.h"

#include <errno.h>
#include <stdlib.h>

static const char *const modes[] = {
	[PT_CPU_MODE_NONE] = "none",
	[PT_CPU_MODE_CUSTOM] = "custom",
	[PT_CPU_MODE_HOST_MODEL] = "host-model",
	[PT_CPU_MODE_HOST_PASSTHROUGH] = "host-passthrough",
	[PT_CPU_MODE_MAXIMUM] = "maximum",
};

const char *pt_cpu_mode_str(enum pt_cpu_mode mode)
{
	return modes[mode];
}

int pt_cpu_mode_parse(const char *text, enum pt_cpu_mode *ret_mode)
{
	for (int i = 0; i < PT_CPU_MODES; i++)
		if (pt_streq(text, modes[i])) {
			*ret_mode = (enum pt_cpu_mode)i;
			return 0;
		}
	return -EINVAL;
}

void pt_cpu_host_done(struct pt_cpu_host *h)
{
	free(h->vendor);
	free(h->model);
	free(h->microcode);
	pt_strv_done(&h->flags);
	*h = (struct pt_cpu_host){ 0 };
}

void pt_cpu_def_copy(struct pt_cpu_def *to, const struct pt_cpu_def *from)
{
	*to = (struct pt_cpu_def){
		.mode = from->mode,
		.check = pt_strdup_opt(from->check),
		.match = pt_strdup_opt(from->match),
		.migratable = pt_strdup_opt(from->migratable),
		.model = pt_strdup_opt(from->model),
		.fallback = pt_strdup_opt(from->fallback),
		.vendor_id = pt_strdup_opt(from->vendor_id),
		.vendor = pt_strdup_opt(from->vendor),
	};
	for (size_t i = 0; i < from->features.n; i++) {
		struct pt_cpu_feature *f = pt_array_add(&to->features);

		f->name = pt_strdup_opt(from->features.v[i].name);
		f->policy = pt_strdup_opt(from->features.v[i].policy);
	}
}

void pt_cpu_def_done(struct pt_cpu_def *d)
{
	free(d->check);
	free(d->match);
	free(d->migratable);
	free(d->model);
	free(d->fallback);
	free(d->vendor_id);
	free(d->vendor);
	for (size_t i = 0; i < d->features.n; i++) {
		free(d->features.v[i].name);
		free(d->features.v[i].policy);
	}
	free(d->features.v);
	*d = (struct pt_cpu_def){ 0 };
}

static bool same(const char *a, const char *b)
{
	return (!a && !b) || pt_streq(a, b);
}

bool pt_cpu_def_same(const struct pt_cpu_def *a, const struct pt_cpu_def *b)
{
	if (a->mode != b->mode || !same(a->check, b->check) || !same(a->match, b->match) ||
	    !same(a->migratable, b->migratable) || !same(a->model, b->model) || !same(a->fallback, b->fallback) ||
	    !same(a->vendor_id, b->vendor_id) || !same(a->vendor, b->vendor) || a->features.n != b->features.n)
		return false;
	for (size_t i = 0; i < a->features.n; i++)
		if (!same(a->features.v[i].name, b->features.v[i].name) ||
		    !same(a->features.v[i].policy, b->features.v[i].policy))
			return false;
	return true;
}

static struct pt_cpu_feature *find_feature(const struct pt_cpu_def *d, const char *name)
{
	for (size_t i = 0; i < d->features.n; i++)
		if (pt_streq(d->features.v[i].name, name))
			return &d->features.v[i];
	return NULL;
}

const char *pt_cpu_def_feature(const struct pt_cpu_def *d, const char *name)
{
	const struct pt_cpu_feature *f = find_feature(d, name);

	/* without a policy libvirt takes a feature as required */
	return !f ? NULL : f->policy ? f->policy : "require";
}

void pt_cpu_def_set_feature(struct pt_cpu_def *d, const char *name, const char *policy)
{
	struct pt_cpu_feature *f = find_feature(d, name);

	if (!f) {
		f = pt_array_add(&d->features);
		f->name = pt_strdup(name);
	}
	pt_strset(&f->policy, policy);
}

static void drop(struct pt_strv *l, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (pt_streq(l->v[i], name))
			free(l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
}

void pt_cpu_def_apply(const struct pt_cpu_def *d, struct pt_strv *flags)
{
	for (size_t i = 0; i < d->features.n; i++) {
		const char *name = d->features.v[i].name;
		const char *policy = pt_cpu_def_feature(d, name);

		if (pt_streq(policy, "disable") || pt_streq(policy, "forbid"))
			drop(flags, name);
		else if ((pt_streq(policy, "require") || pt_streq(policy, "force")) && !pt_strv_has(flags, name))
			pt_strv_add(flags, name);
	}
}

void pt_cpu_caps_done(struct pt_cpu_caps *c)
{
	for (size_t i = 0; i < c->models.n; i++) {
		free(c->models.v[i].name);
		free(c->models.v[i].vendor);
		pt_strv_done(&c->models.v[i].blockers);
	}
	free(c->models.v);
	pt_cpu_def_done(&c->host_model);
	*c = (struct pt_cpu_caps){ 0 };
}

const struct pt_cpu_model *pt_cpu_caps_model(const struct pt_cpu_caps *c, const char *name)
{
	for (size_t i = 0; i < c->models.n; i++)
		if (pt_streq(c->models.v[i].name, name))
			return &c->models.v[i];
	return NULL;
}
