/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/spec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "decide/hexnum.h"

#define SPEC_MAX 4096

static const char *const field_names[] = { "domain", "bus", "slot", "function" };
static const int field_max[] = { 0xffff, 0xff, 0x1f, 7 };

static int bad(const struct pt_spec *s, struct pt_error *err, const char *what)
{
	int r = pt_usage(err, -EINVAL, "device_spec %s (%s): %s", s->shown, s->where, what);

	return r;
}

__attribute__((format(printf, 3, 4))) static int badf(const struct pt_spec *s, struct pt_error *err, const char *format,
						      ...)
{
	pt_autofree char *what = NULL;
	va_list ap;

	va_start(ap, format);
	what = pt_strfv(format, ap);
	va_end(ap);
	return bad(s, err, what);
}

/* a hex number or `*`, as every id and address field has it */
static int read_number(const struct pt_spec *s, const char *name, const char *text, int max, int *ret,
		       struct pt_error *err)
{
	int64_t value;

	if (strcmp(text, "*") == 0) {
		*ret = PT_SPEC_ANY;
		return 0;
	}
	if (pt_hexnum_parse(text, &value) < 0)
		return badf(s, err, "%s '%.100s' does not parse as a hex number; it is one from 0 to %X, or *", name,
			    text, (unsigned)max);
	if (value > max)
		return badf(s, err, "%s '%.100s' is greater than the maximum allowable value (%X)", name, text,
			    (unsigned)max);
	*ret = value < 0 ? PT_SPEC_NEVER : (int)value;
	return 0;
}

static int read_id(struct pt_spec *s, const char *key, bool strip, int *ret, struct pt_error *err)
{
	const struct pt_value *v = pt_value_get(&s->tags, key);
	pt_autofree char *text = NULL;

	*ret = PT_SPEC_ANY;
	if (!v)
		return 0;
	if (v->kind != PT_VALUE_STRING)
		return badf(s, err, "%s is %s; write it as a string: \"8086\"", key, pt_value_kind_str(v->kind));
	text = strip ? pt_text_strip(v->text) : pt_strdup(v->text);
	return read_number(s, key, text, 0xffff, ret, err);
}

/* the fields of "domain:bus:slot.function", right-aligned: what is missing on the left, or blank, is any */
static int read_glob(struct pt_spec *s, const char *address, struct pt_error *err)
{
	const char *dot = strchr(address, '.');
	pt_autofree char *front = pt_strndup(address, dot ? (size_t)(dot - address) : strlen(address));
	char *parts[4] = { NULL, NULL, NULL, NULL };
	size_t n = 0;

	for (char *p = front, *next; p; p = next) {
		next = strchr(p, ':');
		if (next)
			*next++ = '\0';
		if (n == 3)
			return badf(s, err,
				    "address '%.100s' has more than three parts before the dot; it is "
				    "domain:bus:slot.function, each a hex number or *, short on the left",
				    address);
		parts[n++] = p;
	}
	memmove(parts + 3 - n, parts, n * sizeof(*parts));
	memset(parts, 0, (3 - n) * sizeof(*parts));
	parts[3] = dot ? (char *)(uintptr_t)(dot + 1) : NULL;
	s->single = true;
	for (size_t i = 0; i < 4; i++) {
		pt_autofree char *text = pt_text_strip(parts[i] ? parts[i] : "");
		int r = read_number(s, field_names[i], *text ? text : "*", field_max[i], &s->fields[i], err);

		if (r < 0)
			return r;
		s->single = s->single && s->fields[i] >= 0;
	}
	if (s->single)
		s->text = pt_strf("%04x:%02x:%02x.%x", (unsigned)s->fields[0], (unsigned)s->fields[1],
				  (unsigned)s->fields[2], (unsigned)s->fields[3]);
	return 0;
}

/* one field of an address object */
static int read_regex(struct pt_spec *s, const struct pt_value *address, size_t i, struct pt_buf *text,
		      struct pt_error *err)
{
	const struct pt_value *v = pt_value_get(address, field_names[i]);
	const char *pattern = v ? v->text : ".*";
	struct pt_error why = { 0 };

	if (v && v->kind != PT_VALUE_STRING)
		return badf(s, err, "address %s is %s; it is a regular expression: \"0[0-3]\"", field_names[i],
			    pt_value_kind_str(v->kind));
	if (pt_regex_compile(pattern, &s->regex[i], &why) < 0)
		return badf(s, err, "address %s '%.100s' is no regular expression: %s", field_names[i], pattern,
			    why.msg);
	s->single = s->single && strspn(pattern, "0123456789abcdefABCDEF") == strlen(pattern);
	pt_buf_addf(text, "%s%s", i == 0 ? "" : i == 3 ? "." : ":", pattern);
	return 0;
}

static int read_regexes(struct pt_spec *s, const struct pt_value *address, struct pt_error *err)
{
	PT_AUTO(pt_buf) text = { 0 };

	s->by = PT_SPEC_REGEX;
	s->single = true;
	for (size_t i = 0; i < 4; i++) {
		int r = read_regex(s, address, i, &text, err);

		if (r < 0)
			return r;
	}
	if (s->single)
		s->text = pt_buf_take(&text);
	return 0;
}

/* what Python takes for false: such an address or devname counts as absent */
static bool is_empty(const struct pt_value *v)
{
	if (!v || v->kind == PT_VALUE_NULL)
		return true;
	if (v->kind == PT_VALUE_STRING)
		return !*v->text;
	if (v->kind == PT_VALUE_LIST || v->kind == PT_VALUE_OBJECT)
		return v->n == 0;
	return v->kind == PT_VALUE_REAL ? v->real == 0 : v->kind == PT_VALUE_INT ? v->number == 0 : !v->truth;
}

static int read_address(struct pt_spec *s, struct pt_error *err)
{
	const struct pt_value *address = pt_value_get(&s->tags, "address");
	const struct pt_value *devname = pt_value_get(&s->tags, "devname");

	if (!is_empty(address) && !is_empty(devname))
		return bad(s, err, "address and devname are both given; one of them is allowed");
	if (!is_empty(devname)) {
		/* what is no string is the name of no interface, and so matches nothing */
		s->by = PT_SPEC_DEVNAME;
		s->devname = devname->kind == PT_VALUE_STRING ? pt_strdup(devname->text) : pt_value_show(devname);
		return 0;
	}
	if (is_empty(address))
		return read_glob(s, "*:*:*.*", err);
	if (address->kind == PT_VALUE_STRING)
		return read_glob(s, address->text, err);
	if (address->kind == PT_VALUE_OBJECT)
		return read_regexes(s, address, err);
	return badf(s, err, "address is %s; it is a string like \"*:0a:00.*\", or an object of regular expressions",
		    pt_value_kind_str(address->kind));
}

/* a tag that must be true or false, and is kept as the word; 1, 0, PT_NOT_GIVEN, or an error */
static int read_flag(struct pt_spec *s, const char *key, int *ret, struct pt_error *err)
{
	const struct pt_value *v = pt_value_get(&s->tags, key);
	pt_autofree char *shown = NULL;
	int flag;

	*ret = PT_NOT_GIVEN;
	if (!v || v->kind == PT_VALUE_NULL)
		return 0;
	shown = pt_value_show(v);
	flag = pt_bool_of(v);
	if (flag < 0)
		return badf(s, err,
			    "cannot parse tag '%s': %s is neither true (1, t, on, y, yes) nor false (0, f, off, n, no)",
			    key, shown);
	pt_value_set(&s->tags, key, pt_value_string(flag ? "true" : "false"));
	*ret = flag;
	return 0;
}

static int read_text(struct pt_spec *s, const char *key, char **ret, struct pt_error *err)
{
	const struct pt_value *v = pt_value_get(&s->tags, key);

	if (v && v->kind != PT_VALUE_STRING && v->kind != PT_VALUE_NULL)
		return badf(s, err, "tag '%s' is %s; it is a string", key, pt_value_kind_str(v->kind));
	*ret = v ? pt_strdup_opt(v->text) : NULL;
	pt_value_drop(&s->tags, key);
	return 0;
}

static int read_tags(struct pt_spec *s, const struct pt_pci_config *config, struct pt_error *err)
{
	int managed;
	int r = read_flag(s, "managed", &managed, err);

	r = r < 0 ? r : read_flag(s, "live_migratable", &s->live_migratable, err);
	r = r < 0 ? r : read_flag(s, "one_time_use", &s->one_time_use, err);
	r = r < 0 ? r : read_text(s, "resource_class", &s->resource_class, err);
	r = r < 0 ? r : read_text(s, "traits", &s->traits, err);
	if (r < 0)
		return r;
	if (s->one_time_use == 1 && !config->report_in_placement)
		return bad(s, err, "one_time_use=true requires [pci] report_in_placement to be enabled");
	s->physical_network = !is_empty(pt_value_get(&s->tags, "physical_network"));
	s->remote_managed = pt_bool_of(pt_value_get(&s->tags, "remote_managed")) == 1;
	return 0;
}

static int compile(const struct pt_conf_entry *entry, const struct pt_pci_config *config, struct pt_spec *s,
		   struct pt_error *err)
{
	static const char *const consumed[] = { "vendor_id", "product_id", "address", "devname" };
	int r;

	s->where = pt_strdup(entry->where);
	s->shown = pt_value_show(&entry->value);
	if (entry->value.kind != PT_VALUE_OBJECT)
		return badf(s, err, "expected an object {\"vendor_id\": ...}, found %s",
			    pt_value_kind_str(entry->value.kind));
	s->tags = pt_value_copy(&entry->value);
	r = read_id(s, "vendor_id", true, &s->vendor, err);
	r = r < 0 ? r : read_id(s, "product_id", false, &s->product, err);
	r = r < 0 ? r : read_address(s, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(consumed) / sizeof(*consumed); i++)
		pt_value_drop(&s->tags, consumed[i]);
	if (s->devname && config->report_in_placement)
		return badf(s, err,
			    "devname '%.100s' is not supported with report_in_placement: the name of an interface "
			    "may change; use the device's address instead",
			    s->devname);
	return read_tags(s, config, err);
}

int pt_specs_compile(const struct pt_pci_config *config, struct pt_specs *ret_specs, struct pt_error *err)
{
	PT_AUTO(pt_specs) specs = { 0 };

	if (config->device_spec.n > SPEC_MAX)
		return pt_usage(err, -E2BIG, "%zu device_spec entries; %d are read", config->device_spec.n, SPEC_MAX);
	for (size_t i = 0; i < config->device_spec.n; i++) {
		int r = compile(&config->device_spec.v[i], config, pt_array_add(&specs), err);

		if (r < 0)
			return r;
	}
	*ret_specs = specs;
	specs = (struct pt_specs){ 0 };
	return 0;
}

static void spec_done(struct pt_spec *s)
{
	for (size_t i = 0; i < 4; i++)
		pt_regex_free(s->regex[i]);
	free(s->where);
	free(s->shown);
	free(s->text);
	free(s->devname);
	free(s->resource_class);
	free(s->traits);
	pt_value_done(&s->tags);
}

void pt_specs_done(struct pt_specs *specs)
{
	for (size_t i = 0; i < specs->n; i++)
		spec_done(&specs->v[i]);
	free(specs->v);
	*specs = (struct pt_specs){ 0 };
}
