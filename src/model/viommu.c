/* SPDX-License-Identifier: Apache-2.0 */
#include "model/viommu.h"

#include <stdlib.h>

#include "base/cleanup.h"

const char *pt_viommu_word_str(enum pt_viommu_word word)
{
	static const char *const names[PT_VIOMMU_WORDS] = {
		[PT_VIOMMU_INTREMAP] = "intremap", [PT_VIOMMU_CACHING_MODE] = "caching_mode", [PT_VIOMMU_EIM] = "eim",
		[PT_VIOMMU_IOTLB] = "iotlb",	   [PT_VIOMMU_AW_BITS] = "aw_bits",
	};

	return names[word];
}

void pt_viommu_copy(struct pt_viommu *to, const struct pt_viommu *from)
{
	to->model = pt_strdup_opt(from->model);
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		to->words[i] = pt_strdup_opt(from->words[i]);
}

void pt_viommu_done(struct pt_viommu *v)
{
	free(v->model);
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		free(v->words[i]);
	*v = (struct pt_viommu){ 0 };
}

static bool same(const char *a, const char *b)
{
	return a ? pt_streq(a, b) : !b;
}

bool pt_viommu_same(const struct pt_viommu *a, const struct pt_viommu *b)
{
	bool all = same(a->model, b->model);

	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		all = all && same(a->words[i], b->words[i]);
	return all;
}

char *pt_viommu_str(const struct pt_viommu *v)
{
	PT_AUTO(pt_strv) words = { 0 };
	pt_autofree char *list = NULL;

	if (!v->model)
		return pt_strdup("none");
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		if (v->words[i])
			pt_strv_take(&words, pt_strf("%s=%s", pt_viommu_word_str((enum pt_viommu_word)i), v->words[i]));
	list = pt_strv_join(&words, ", ");
	return words.n ? pt_strf("%s (%s)", v->model, list) : pt_strdup(v->model);
}
