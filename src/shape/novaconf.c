/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/novaconf.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "shape/value.h"

struct option {
	const char *section;
	const char *key;
	bool alias;
	bool old;
};

static const struct option options[] = {
	{ "pci", "device_spec", false, false },
	{ "pci", "passthrough_whitelist", false, true },
	{ "DEFAULT", "pci_passthrough_whitelist", false, true },
	{ "pci", "alias", true, false },
	{ "DEFAULT", "pci_alias", true, true },
};

static const struct option *find(const struct pt_ini_entry *e)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (strcmp(options[i].section, e->section) == 0 && strcmp(options[i].key, e->key) == 0)
			return &options[i];
	return NULL;
}

static int bad(const struct pt_ini_entry *e, const char *name, const char *expected, struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s:%u: %s = %.200s: %s", name, e->line, e->key, e->value, expected);
}

/* device_spec may be one object or a list of them; an alias is one object */
static int read_entry(const struct pt_ini_entry *e, const char *name, const struct option *o,
		      struct pt_pci_config *config, struct pt_error *err)
{
	struct pt_conf_entries *l = o->alias ? &config->alias : &config->device_spec;
	struct pt_error why = { 0 };
	struct pt_value value;
	int r = pt_value_parse(e->value, &value, &why);

	if (r < 0) {
		r = bad(e, name, "invalid entry: this is no JSON", err);
		pt_hint(err,
			"%s; write it as { \"vendor_id\": \"8086\", \"product_id\": \"154d\" }, names in double quotes",
			why.msg);
		return r;
	}
	if (o->alias || value.kind == PT_VALUE_OBJECT) {
		pt_conf_entries_take(l, value, pt_strf("%s:%u", name, e->line));
		return 0;
	}
	if (value.kind != PT_VALUE_LIST) {
		pt_value_done(&value);
		return bad(e, name, "invalid entry: expecting an object or a list of objects", err);
	}
	for (size_t i = 0; i < value.n; i++)
		pt_conf_entries_take(l, pt_value_copy(&value.items[i]),
				     pt_strf("%s:%u, item %zu", name, e->line, i + 1));
	pt_value_done(&value);
	return 0;
}

static int read_flag(const struct pt_ini_entry *e, const char *name, bool *flag, struct pt_error *err)
{
	int r = pt_bool_parse(e->value);

	if (r < 0)
		return bad(e, name, "expected true or false", err);
	*flag = r;
	return 0;
}

int pt_novaconf_read(const struct pt_ini *ini, const char *name, struct pt_pci_config *config, struct pt_strv *hints,
		     struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < ini->n && r == 0; i++) {
		const struct pt_ini_entry *e = &ini->v[i];
		const struct option *o = find(e);

		if (o)
			r = read_entry(e, name, o, config, err);
		if (o && o->old)
			pt_strv_addf(hints, "%s:%u: [%s] %s is the old spelling of [pci] %s", name, e->line, e->section,
				     e->key, o->alias ? "alias" : "device_spec");
		if (strcmp(e->section, "pci") == 0 && strcmp(e->key, "report_in_placement") == 0)
			r = read_flag(e, name, &config->report_in_placement, err);
		if (strcmp(e->section, "filter_scheduler") == 0 && strcmp(e->key, "pci_in_placement") == 0)
			r = read_flag(e, name, &config->pci_in_placement, err);
	}
	return r;
}
