/* SPDX-License-Identifier: Apache-2.0 */
#include "model/provider.h"

#include <stdlib.h>
#include <string.h>

struct pt_provider *pt_providers_find(const struct pt_providers *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	return NULL;
}

uint32_t pt_provider_amount(const struct pt_provider *p, const char *consumer)
{
	for (size_t i = 0; i < p->allocations.n; i++)
		if (strcmp(p->allocations.v[i].consumer, consumer) == 0)
			return p->allocations.v[i].amount;
	return 0;
}

void pt_provider_allocate(struct pt_provider *p, const char *consumer, uint32_t amount)
{
	struct pt_allocation *a;

	for (size_t i = 0; i < p->allocations.n; i++) {
		if (strcmp(p->allocations.v[i].consumer, consumer) == 0) {
			p->allocations.v[i].amount = amount;
			return;
		}
	}
	a = pt_array_add(&p->allocations);
	a->consumer = pt_strdup(consumer);
	a->amount = amount;
}

static void provider_done(struct pt_provider *p)
{
	for (size_t i = 0; i < p->allocations.n; i++)
		free(p->allocations.v[i].consumer);
	free(p->allocations.v);
	free(p->name);
	free(p->resource_class);
	pt_strv_done(&p->traits);
	pt_strv_done(&p->devices);
}

void pt_providers_done(struct pt_providers *l)
{
	for (size_t i = 0; i < l->n; i++)
		provider_done(&l->v[i]);
	for (size_t i = 0; i < l->healed.n; i++) {
		free(l->healed.v[i].consumer);
		free(l->healed.v[i].provider);
		free(l->healed.v[i].resource_class);
	}
	free(l->v);
	free(l->healed.v);
	pt_strv_done(&l->notes);
	*l = (struct pt_providers){ 0 };
}

void pt_placement_done(struct pt_placement *p)
{
	pt_providers_done(&p->providers);
	pt_strv_done(&p->consumers);
	pt_strv_done(&p->moving);
}
