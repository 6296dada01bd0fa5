/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/alias.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/hexnum.h"
#include "model/inventory.h"

#define ALIAS_MAX 4096
/* parts of one request, and entries of aliases behind all of them together */
#define ASKS_MAX  1024
#define SPECS_MAX 65536
/* JSON schema counts characters; a name of 256 of them has at most this many bytes */
#define NAME_CHARS 256

static const char *const fields[] = { "name",	     "capability_type", "vendor_id", "product_id",     "device_type",
				      "numa_policy", "resource_class",	"traits",    "live_migratable" };

#define FIELDS (sizeof(fields) / sizeof(*fields))

__attribute__((format(printf, 3, 4))) static int bad(const struct pt_conf_entry *e, struct pt_error *err,
						     const char *format, ...)
{
	pt_autofree char *shown = pt_value_show(&e->value);
	pt_autofree char *what = NULL;
	va_list ap;

	va_start(ap, format);
	what = pt_strfv(format, ap);
	va_end(ap);
	return pt_usage(err, -EINVAL, "alias %s (%s): %s", shown, e->where, what);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool is_id(const char *s)
{
	/* "$" of the schema's pattern also stands before a last line end; such an id is well formed and nobody's */
	return strspn(s, "0123456789abcdefABCDEF") == 4 && (!s[4] || (s[4] == '\n' && !s[5]));
}

static int check_fields(const struct pt_conf_entry *e, struct pt_error *err)
{
	for (size_t i = 0; i < e->value.n; i++) {
		const char *key = e->value.keys[i];
		const struct pt_value *v = &e->value.items[i];
		size_t f = 0;

		while (f < FIELDS && strcmp(fields[f], key) != 0)
			f++;
		if (f == FIELDS)
			return bad(e, err,
				   "there is no field '%.100s'; allowed are name, vendor_id, product_id, device_type, "
				   "numa_policy, resource_class, traits, live_migratable and capability_type",
				   key);
		if (v->kind != PT_VALUE_STRING)
			return bad(e, err, "%s is %s; it is a string", key, pt_value_kind_str(v->kind));
	}
	return 0;
}

static int check_values(const struct pt_conf_entry *e, struct pt_error *err)
{
	for (size_t i = 0; i < e->value.n; i++) {
		const char *key = e->value.keys[i];
		const char *text = e->value.items[i].text;
		int type = pt_dev_type_parse(text);

		if (strcmp(key, "name") == 0 && (!*text || characters(text) > NAME_CHARS))
			return bad(e, err, "name has %zu characters; 1 to %d are allowed", characters(text),
				   NAME_CHARS);
		if (strcmp(key, "capability_type") == 0 && strcmp(text, "pci") != 0)
			return bad(e, err, "capability_type '%.100s'; only 'pci' is allowed", text);
		if ((strcmp(key, "vendor_id") == 0 || strcmp(key, "product_id") == 0) && !is_id(text))
			return bad(e, err, "%s '%.100s' is not four hex digits", key, text);
		if (strcmp(key, "device_type") == 0 && (type < 0 || type == PT_DEV_VDPA))
			return bad(e, err, "device_type '%.100s'; allowed are type-PCI, type-PF and type-VF", text);
		if (strcmp(key, "numa_policy") == 0 && pt_numa_policy_parse(text) < 0)
			return bad(e, err, "numa_policy '%.100s'; allowed are required, legacy, preferred and socket",
				   text);
		if (strcmp(key, "live_migratable") == 0 && pt_bool_parse(text) < 0)
			return bad(e, err,
				   "live_migratable '%.100s' is neither true (1, t, on, y, yes) nor false (0, f, off, "
				   "n, no)",
				   text);
	}
	if (!pt_value_get(&e->value, "name"))
		return bad(e, err, "it has no name");
	return 0;
}

/* the entry as pools are compared with it */
static struct pt_value spec_of(const struct pt_conf_entry *e)
{
	struct pt_value spec = pt_value_copy(&e->value);
	const struct pt_value *type = pt_value_get(&e->value, "device_type");
	const struct pt_value *migratable = pt_value_get(&e->value, "live_migratable");

	pt_value_drop(&spec, "name");
	pt_value_drop(&spec, "numa_policy");
	pt_value_drop(&spec, "device_type");
	if (type)
		pt_value_set(&spec, "dev_type", pt_value_string(type->text));
	if (migratable)
		pt_value_set(&spec, "live_migratable",
			     pt_value_string(pt_bool_parse(migratable->text) ? "true" : "false"));
	return spec;
}

static struct pt_pci_alias *find(struct pt_pci_aliases *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	return NULL;
}

const struct pt_pci_alias *pt_pci_aliases_find(const struct pt_pci_aliases *aliases, const char *name)
{
	for (size_t i = 0; i < aliases->n; i++)
		if (strcmp(aliases->v[i].name, name) == 0)
			return &aliases->v[i];
	return NULL;
}

static int check_same(const struct pt_pci_alias *a, const struct pt_value *spec, enum pt_numa_policy policy,
		      const struct pt_conf_entry *e, struct pt_error *err)
{
	const struct pt_value *first = pt_value_get(&a->specs[0], "dev_type");
	const struct pt_value *this = pt_value_get(spec, "dev_type");

	if (a->policy != policy)
		return bad(e, err, "NUMA policy mismatch for alias '%s': %s here, %s at %s", a->name,
			   pt_numa_policy_str(policy), pt_numa_policy_str(a->policy), a->where);
	/* Nova cannot compare what is not there and refuses such a configuration as a whole */
	if (!first || !this)
		return bad(e, err, "several entries are called '%s'; then each needs its device_type", a->name);
	if (!pt_value_same(first, this))
		return bad(e, err, "device type mismatch for alias '%s': %s here, %s at %s", a->name, this->text,
			   first->text, a->where);
	return 0;
}

static int add_entry(struct pt_pci_aliases *l, const struct pt_conf_entry *e, struct pt_error *err)
{
	const struct pt_value *policy_text;
	enum pt_numa_policy policy = PT_NUMA_LEGACY;
	pt_autofree char *name = NULL;
	struct pt_value spec;
	struct pt_pci_alias *a;
	int r;

	if (e->value.kind != PT_VALUE_OBJECT)
		return bad(e, err, "expected an object {\"name\": ...}, found %s", pt_value_kind_str(e->value.kind));
	r = check_fields(e, err);
	r = r < 0 ? r : check_values(e, err);
	if (r < 0)
		return r;
	policy_text = pt_value_get(&e->value, "numa_policy");
	if (policy_text)
		policy = (enum pt_numa_policy)pt_numa_policy_parse(policy_text->text);
	name = pt_text_strip(pt_value_get(&e->value, "name")->text);
	spec = spec_of(e);
	a = find(l, name);
	r = a ? check_same(a, &spec, policy, e, err) : 0;
	if (r < 0) {
		pt_value_done(&spec);
		return r;
	}
	if (!a) {
		a = pt_array_add(l);
		a->name = pt_take_ptr(name);
		a->where = pt_strdup(e->where);
		a->policy = policy;
	}
	a->specs = pt_realloc(a->specs, a->n_specs + 1, sizeof(*a->specs));
	a->specs[a->n_specs++] = spec;
	return 0;
}

static int check_whole(const struct pt_pci_config *config, const struct pt_pci_alias *a, struct pt_error *err)
{
	if (config->pci_in_placement && a->n_specs > 1)
		return pt_usage(
			err, -EINVAL,
			"alias '%s' (%s) has %zu entries, but with [filter_scheduler] pci_in_placement only one is "
			"supported; give its devices the same resource_class in device_spec instead",
			a->name, a->where, a->n_specs);
	for (size_t i = 0; i < a->n_specs; i++) {
		bool ids = pt_value_get(&a->specs[i], "vendor_id") && pt_value_get(&a->specs[i], "product_id");
		bool class = config->pci_in_placement && pt_value_get(&a->specs[i], "resource_class");

		if (!ids && !class)
			return pt_usage(err, -EINVAL, "alias '%s' (%s) does not have vendor_id and product_id%s",
					a->name, a->where, config->pci_in_placement ? ", nor a resource_class" : "");
	}
	return 0;
}

int pt_pci_aliases_compile(const struct pt_pci_config *config, struct pt_pci_aliases *ret_aliases, struct pt_error *err)
{
	PT_AUTO(pt_pci_aliases) l = { 0 };
	int r = 0;

	if (config->alias.n > ALIAS_MAX)
		return pt_usage(err, -E2BIG, "%zu alias entries; %d are read", config->alias.n, ALIAS_MAX);
	for (size_t i = 0; i < config->alias.n && r == 0; i++)
		r = add_entry(&l, &config->alias.v[i], err);
	for (size_t i = 0; i < l.n && r == 0; i++)
		r = check_whole(config, &l.v[i], err);
	if (r < 0)
		return r;
	*ret_aliases = l;
	l = (struct pt_pci_aliases){ 0 };
	return 0;
}

static int not_defined(const struct pt_pci_aliases *aliases, const char *name, struct pt_error *err)
{
	PT_AUTO(pt_buf) names = { 0 };
	int r = pt_usage(err, -ENOENT, "alias '%.256s' is not defined in [pci] alias", name);

	for (size_t i = 0; i < aliases->n && names.n < 500; i++)
		pt_buf_addf(&names, "%s%s", i ? ", " : "", aliases->v[i].name);
	if (names.n)
		pt_hint(err, "defined are: %s", names.s);
	else
		pt_hint(err,
			"no alias is defined at all: `alias = {\"name\": \"%.64s\", \"vendor_id\": \"…\", "
			"\"product_id\": "
			"\"…\"}` below [pci] makes one, in /etc/passthru/passthru.conf or in a file that is named with "
			"--config",
			name);
	return r;
}

static uint32_t count_of(const char *digits)
{
	uint32_t count = 0;

	for (; isdigit((unsigned char)*digits); digits++) {
		count = count * 10 + (uint32_t)(*digits - '0');
		if (count > PT_COUNT_MAX)
			return PT_COUNT_MAX;
	}
	return count;
}

static void add_ask(struct pt_request *request, const struct pt_pci_alias *a, uint32_t count)
{
	struct pt_ask *ask = pt_array_add(&request->asks);

	ask->alias = pt_strdup(a->name);
	ask->count = count;
	ask->policy = request->policy ? request->policy : a->policy;
	ask->specs = pt_alloc((a->n_specs + 1) * sizeof(*ask->specs));
	for (; ask->n_specs < a->n_specs; ask->n_specs++)
		ask->specs[ask->n_specs] = pt_value_copy(&a->specs[ask->n_specs]);
}

/* what it is there is each host's own to say; the claimer needs no alias for it */
static void add_network(struct pt_request *request, const char *name, uint32_t count)
{
	struct pt_ask *ask = pt_array_add(&request->asks);
	struct pt_value *spec = pt_alloc(sizeof(*spec));

	*spec = (struct pt_value){ .kind = PT_VALUE_OBJECT };
	pt_value_set(spec, "dev_type", pt_value_string("type-VF"));
	ask->alias = pt_strdup(name);
	ask->network = pt_strdup(name + strlen(PT_ASK_NETWORK));
	ask->count = count;
	ask->policy = request->policy;
	ask->specs = spec;
	ask->n_specs = 1;
}

/* "name:count" */
static int expand_one(const struct pt_pci_aliases *aliases, struct pt_request *request, const char *part, bool last,
		      struct pt_error *err)
{
	const char *colon = strchr(part, ':');
	const char *digits = colon ? colon + 1 : "";
	size_t n = strspn(digits, "0123456789");
	pt_autofree char *raw = pt_strndup(part, colon ? (size_t)(colon - part) : 0);
	pt_autofree char *name = pt_text_strip(raw);
	const struct pt_pci_alias *a;

	/* blanks may stand before a comma, not at the end */
	if (!*raw || !n || digits[n + (last ? 0 : strspn(digits + n, " \t\n\r\f\v"))])
		return pt_usage(err, -EINVAL,
				"request '%.300s': '%.100s' is not of the form NAME:COUNT[,NAME:COUNT...]",
				request->alias, part);
	if (pt_startswith(name, PT_ASK_NETWORK) && name[strlen(PT_ASK_NETWORK)]) {
		add_network(request, name, count_of(digits));
		return 0;
	}
	a = pt_pci_aliases_find(aliases, name);
	if (!a)
		return not_defined(aliases, name, err);
	add_ask(request, a, count_of(digits));
	return 0;
}

int pt_pci_alias_expand(const struct pt_pci_aliases *aliases, struct pt_request *request, struct pt_error *err)
{
	const char *p = request->alias;
	size_t specs = 0;

	while (p) {
		size_t n = strcspn(p, ",");
		pt_autofree char *part = pt_strndup(p, n);
		int r = expand_one(aliases, request, part, !p[n], err);

		if (r < 0)
			return r;
		specs += request->asks.v[request->asks.n - 1].n_specs;
		if (request->asks.n > ASKS_MAX || specs > SPECS_MAX)
			return pt_usage(err, -E2BIG,
					"the request has more than %d parts, or its aliases more than %d entries",
					ASKS_MAX, SPECS_MAX);
		p = p[n] ? p + n + 1 : NULL;
	}
	return 0;
}

void pt_pci_aliases_done(struct pt_pci_aliases *aliases)
{
	for (size_t i = 0; i < aliases->n; i++) {
		for (size_t s = 0; s < aliases->v[i].n_specs; s++)
			pt_value_done(&aliases->v[i].specs[s]);
		free(aliases->v[i].specs);
		free(aliases->v[i].name);
		free(aliases->v[i].where);
	}
	free(aliases->v);
	*aliases = (struct pt_pci_aliases){ 0 };
}
