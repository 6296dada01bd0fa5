/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/placenames.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int by_name(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

static bool is_in(const char *const *list, unsigned n, const char *name)
{
	return bsearch(name, list, n, sizeof(*list), by_name) != NULL;
}

static char *upper(const char *s)
{
	char *copy = pt_strdup(s);

	for (char *p = copy; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* CUSTOM_ and the name, with an underscore for each run of what is neither letter nor digit */
static char *normalise(const char *name)
{
	pt_autofree char *big = upper(name);
	struct pt_buf b = { 0 };
	bool gap = false;

	pt_buf_add(&b, "CUSTOM_");
	for (const char *p = big; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z');

		if (plain || !gap)
			pt_buf_addn(&b, plain ? p : "_", 1);
		gap = !plain;
	}
	return pt_buf_take(&b);
}

char *pt_resource_class(const char *tag, uint16_t vendor, uint16_t product)
{
	pt_autofree char *name = NULL;

	if (!tag || !*tag)
		return pt_strf("CUSTOM_PCI_%04X_%04X", vendor, product);
	name = upper(tag);
	if (is_in(pt_standard_classes, pt_standard_classes_n, name) || pt_startswith(name, "CUSTOM_"))
		return pt_take_ptr(name);
	return normalise(name);
}

void pt_traits_read(const char *list, struct pt_strv *ret_traits)
{
	const char *p = list && *list ? list : NULL;

	while (p) {
		size_t n = strcspn(p, ",");
		pt_autofree char *name = pt_strndup(p, n);
		pt_autofree char *done = NULL;

		p = p[n] ? p + n + 1 : NULL;
		if (is_in(pt_standard_traits, pt_standard_traits_n, name)) {
			done = pt_take_ptr(name);
		} else {
			pt_autofree char *big = upper(name);

			done = pt_startswith(big, "CUSTOM_") ? pt_take_ptr(big) : normalise(big);
		}
		if (!pt_strv_has(ret_traits, done))
			pt_strv_take(ret_traits, pt_take_ptr(done));
	}
	pt_strv_sort(ret_traits);
}
