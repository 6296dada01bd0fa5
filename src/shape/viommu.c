/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/viommu.h"

#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "shape/device.h"

json_t *pt_viommu_json(const struct pt_viommu *v)
{
	json_t *o = json_pack("{s:o}", "model", pt_json_text(v->model));

	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		if (v->words[i])
			(void)json_object_set_new(o, pt_viommu_word_str((enum pt_viommu_word)i),
						  json_string(v->words[i]));
	return o;
}

static int get_word(const char *key, const json_t *v, struct pt_viommu *to)
{
	if (pt_streq(key, "model")) {
		pt_strset(&to->model, json_string_value(v));
		return json_is_string(v) || json_is_null(v) ? 0 : -EBADMSG;
	}
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		if (pt_streq(key, pt_viommu_word_str((enum pt_viommu_word)i)) && json_is_string(v)) {
			pt_strset(&to->words[i], json_string_value(v));
			return 0;
		}
	return -EBADMSG;
}

int pt_viommu_from_json(const json_t *json, struct pt_viommu *ret_viommu, struct pt_error *err)
{
	/* iteration does not change the object, but jansson's iterators take it as not const */
	json_t *o = (json_t *)(uintptr_t)json;
	PT_AUTO(pt_viommu) v = { 0 };
	const char *key;
	json_t *value;

	if (!json_object_get(json, "model"))
		return pt_say(err, -EBADMSG, "a virtual IOMMU cannot be understood: 'model' is missing");
	json_object_foreach(o, key, value)
	{
		if (get_word(key, value, &v) < 0)
			return pt_say(err, -EBADMSG,
				      "a virtual IOMMU cannot be understood: '%s' is not known, or no text", key);
	}
	*ret_viommu = v;
	v = (struct pt_viommu){ 0 };
	return 0;
}
