/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pciconfig.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

void pt_conf_entries_take(struct pt_conf_entries *l, struct pt_value value, char *where)
{
	struct pt_conf_entry *e = pt_array_add(l);

	e->value = value;
	e->where = where;
}

int pt_bool_parse(const char *text)
{
	static const char *const words[] = { "0", "f", "false", "off", "n", "no", "1", "t", "true", "on", "y", "yes" };
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && strncasecmp(words[i], text, n) == 0)
			return i >= 6;
	return -EINVAL;
}

int pt_bool_of(const struct pt_value *v)
{
	if (!v)
		return -EINVAL;
	if (v->kind == PT_VALUE_BOOL)
		return v->truth;
	if (v->kind == PT_VALUE_INT)
		return v->number == 0 || v->number == 1 ? (int)v->number : -EINVAL;
	return v->kind == PT_VALUE_STRING ? pt_bool_parse(v->text) : -EINVAL;
}

static void entries_done(struct pt_conf_entries *l)
{
	for (size_t i = 0; i < l->n; i++) {
		pt_value_done(&l->v[i].value);
		free(l->v[i].where);
	}
	free(l->v);
}

void pt_pci_config_done(struct pt_pci_config *c)
{
	entries_done(&c->device_spec);
	entries_done(&c->alias);
	*c = (struct pt_pci_config){ 0 };
}
