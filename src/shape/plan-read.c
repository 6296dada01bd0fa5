/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to plans: from the journal, perhaps by another version of this program, perhaps damaged. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/vf.h"
#include "shape/cpu.h"
#include "shape/plan-fields.h"
#include "shape/plan.h"
#include "shape/viommu.h"

static const struct pt_step_string strings[] = {
	{ "vm", offsetof(struct pt_step, vm), false },
	{ "vm_uuid", offsetof(struct pt_step, vm_uuid), false },
	{ "xml_before", offsetof(struct pt_step, xml_before), true },
	{ "xml_after", offsetof(struct pt_step, xml_after), true },
	{ "driver_before", offsetof(struct pt_step, driver_before), false },
	{ "driver_after", offsetof(struct pt_step, driver_after), false },
	{ "override_before", offsetof(struct pt_step, override_before), false },
	{ "override_after", offsetof(struct pt_step, override_after), false },
	{ "carried", offsetof(struct pt_step, carried), false },
	{ "identity", offsetof(struct pt_step, identity), false },
	{ "reservation", offsetof(struct pt_step, reservation), false },
	{ "state_before", offsetof(struct pt_step, state_before), false },
	{ "state_after", offsetof(struct pt_step, state_after), false },
	{ "element", offsetof(struct pt_step, element), false },
};

const struct pt_step_string *pt_step_strings(size_t *ret_n)
{
	*ret_n = sizeof(strings) / sizeof(*strings);
	return strings;
}

char **pt_step_string(struct pt_step *s, const struct pt_step_string *f)
{
	return (char **)(void *)((char *)s + f->offset);
}

char *const *pt_step_string_const(const struct pt_step *s, const struct pt_step_string *f)
{
	return (char *const *)(const void *)((const char *)s + f->offset);
}

static int bad(struct pt_error *err, const char *key, const char *what)
{
	return pt_say(err, -EBADMSG, "a stored step cannot be understood: '%s' %s", key, what);
}

static int get_string(const char *key, const json_t *v, char **ret_text, struct pt_error *err)
{
	if (!json_is_string(v))
		return bad(err, key, "is no text");
	pt_strset(ret_text, json_string_value(v));
	return 0;
}

static int get_bool(const char *key, const json_t *v, bool *ret_value, struct pt_error *err)
{
	if (!json_is_boolean(v))
		return bad(err, key, "is neither true nor false");
	*ret_value = json_is_true(v);
	return 0;
}

static int get_number(const char *key, const json_t *v, unsigned *ret_value, struct pt_error *err)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > 0x7fffffff)
		return bad(err, key, "is no number in range");
	*ret_value = (unsigned)n;
	return 0;
}

static int get_id(const char *key, const json_t *v, unsigned *ret_value, struct pt_error *err)
{
	const char *text = json_string_value(v);

	if (!text || strlen(text) != 4 || strspn(text, "0123456789abcdef") != 4)
		return bad(err, key, "is no id of four hexadecimal digits");
	*ret_value = (unsigned)strtoul(text, NULL, 16);
	return 0;
}

static int get_bdf(const char *key, const json_t *v, struct pt_bdf *ret_bdf, struct pt_error *err)
{
	const char *text = json_string_value(v);

	if (!text || pt_bdf_parse(text, ret_bdf) < 0)
		return bad(err, key, "is no PCI address");
	return 0;
}

static size_t count(const json_t *o, const char *key)
{
	return json_object_get(o, key) ? 1 : 0;
}

/* exactly the keys named, so that nothing is passed over unseen */
static int only_keys(const json_t *o, const char *a, const char *b, struct pt_error *err)
{
	if (!json_is_object(o) || json_object_size(o) != 2 || !json_object_get(o, a) || !json_object_get(o, b))
		return bad(err, a, "has not exactly the members expected beside it");
	return 0;
}

static int get_controller(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	struct pt_controller_ref *ref;
	unsigned index = 0;
	int r = only_keys(v, "type", "index", err);

	if (r == 0)
		r = get_number("index", json_object_get(v, "index"), &index, err);
	if (r < 0)
		return r;
	ref = pt_array_add(&e->remove_controllers);
	ref->index = index;
	return get_string("type", json_object_get(v, "type"), &ref->type, err);
}

static int get_alias(const json_t *v, char ret_alias[PT_ALIAS_MAX], struct pt_error *err)
{
	const char *text = json_string_value(v);

	if (!text || !*text || strlen(text) >= PT_ALIAS_MAX)
		return bad(err, "alias", "is no name of an interface");
	memcpy(ret_alias, text, strlen(text) + 1);
	return 0;
}

static int get_standby(const json_t *v, struct pt_standby *s, struct pt_error *err)
{
	const char *mac = json_string_value(json_object_get(v, "mac"));
	size_t more = count(v, "type");
	int r;

	if (!json_is_object(v) || count(v, "source") != more || json_object_size(v) != 2 + 2 * more)
		return bad(err, "standby", "has not exactly mac and alias, with type and source besides");
	if (!mac || pt_mac_parse(mac, s->mac) < 0)
		return bad(err, "mac", "is no card's address");
	r = get_alias(json_object_get(v, "alias"), s->alias, err);
	if (r == 0 && more)
		r = get_string("type", json_object_get(v, "type"), &s->type, err);
	if (r == 0 && more)
		r = get_string("source", json_object_get(v, "source"), &s->source, err);
	s->wanted = true;
	return r;
}

/* what an interface has beside "device" and "managed" */
static int get_interface(const json_t *v, struct pt_hostdev_add *add, struct pt_error *err)
{
	const char *mac = json_string_value(json_object_get(v, "mac"));

	if (json_object_size(v) != 4 + count(v, "guest_bus") + count(v, "team_of"))
		return bad(err, "add_hostdevs", "has not exactly device, managed, mac and vlan");
	if (!mac || pt_mac_parse(mac, add->mac) < 0 || !pt_mac_is_station(add->mac))
		return bad(err, "mac", "is no card's address");
	if (get_number("vlan", json_object_get(v, "vlan"), &add->vlan, err) < 0 || add->vlan > PT_VLAN_MAX)
		return bad(err, "vlan", "is no number from 0 to 4094");
	return 0;
}

static int get_added(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	struct pt_hostdev_add add = { 0 };
	int r = 0;

	add.is_interface = json_object_get(v, "mac") || json_object_get(v, "vlan");
	if (add.is_interface)
		r = get_interface(v, &add, err);
	else if (!json_is_object(v) || json_object_size(v) != 2 + count(v, "guest_bus") + count(v, "team_of"))
		r = bad(err, "add_hostdevs", "has not exactly device and managed");
	if (r == 0 && count(v, "team_of"))
		r = get_alias(json_object_get(v, "team_of"), add.team_of, err);
	if (r == 0 && count(v, "guest_bus"))
		r = get_number("guest_bus", json_object_get(v, "guest_bus"), &add.guest_bus, err);
	if (r == 0 && add.guest_bus > 255)
		r = bad(err, "guest_bus", "is no number of a bus");
	if (r == 0)
		r = get_bdf("device", json_object_get(v, "device"), &add.bdf, err);
	if (r == 0)
		r = get_bool("managed", json_object_get(v, "managed"), &add.managed, err);
	if (r == 0)
		pt_array_push(&e->add_hostdevs, add);
	return r;
}

static int get_removed(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	struct pt_bdf bdf;
	int r = get_bdf("remove_hostdevs", v, &bdf, err);

	if (r == 0)
		pt_array_push(&e->remove_hostdevs, bdf);
	return r;
}

static int get_moved(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	struct pt_hostdev_move move = { 0 };
	int r = only_keys(v, "from", "to", err);

	if (r == 0)
		r = get_bdf("from", json_object_get(v, "from"), &move.from, err);
	if (r == 0)
		r = get_bdf("to", json_object_get(v, "to"), &move.to, err);
	if (r == 0)
		pt_array_push(&e->move_hostdevs, move);
	return r;
}

static int get_disk(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	if (!json_is_string(v))
		return bad(err, "remove_disks", "holds something that is no text");
	pt_strv_add(&e->remove_disks, json_string_value(v));
	return 0;
}

static const struct {
	const char *key;
	int (*get)(const json_t *v, struct pt_domain_edit *e, struct pt_error *err);
} edits[] = {
	{ "remove_disks", get_disk },  { "remove_controllers", get_controller }, { "remove_hostdevs", get_removed },
	{ "add_hostdevs", get_added }, { "move_hostdevs", get_moved }, /* the one that may be left out */
};

static int get_edit(const json_t *v, struct pt_domain_edit *e, struct pt_error *err)
{
	const json_t *balloon = json_object_get(v, "drop_balloon");
	const json_t *cpu = json_object_get(v, "cpu");
	const json_t *ports = json_object_get(v, "add_ports");
	const json_t *viommu = json_object_get(v, "viommu");
	const json_t *ioapic = json_object_get(v, "split_ioapic");
	const json_t *standby = json_object_get(v, "standby");
	size_t n = sizeof(edits) / sizeof(*edits);

	if (json_is_object(v) && !json_object_get(v, edits[n - 1].key))
		n--;
	if (!json_is_object(v) ||
	    json_object_size(v) != n + !!cpu + !!balloon + !!viommu + !!ioapic + !!ports + !!standby)
		return bad(err, "edit",
			   "has not exactly its four members, with move_hostdevs, add_ports, standby, drop_balloon, "
			   "viommu, "
			   "split_ioapic "
			   "or cpu besides");
	if (standby && get_standby(standby, &e->standby, err) < 0)
		return -EBADMSG;
	if (ioapic && get_bool("split_ioapic", ioapic, &e->split_ioapic, err) < 0)
		return -EBADMSG;
	e->has_viommu = viommu != NULL;
	if (viommu && pt_viommu_from_json(viommu, &e->viommu, err) < 0)
		return -EBADMSG;
	if (ports && (get_number("add_ports", ports, &e->add_ports, err) < 0 || e->add_ports > 255))
		return bad(err, "add_ports", "is no number of root ports");
	if (balloon && get_bool("drop_balloon", balloon, &e->drop_balloon, err) < 0)
		return -EBADMSG;
	e->has_cpu = cpu != NULL;
	if (cpu && pt_cpu_def_from_json(cpu, &e->cpu, err) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		const json_t *list = json_object_get(v, edits[i].key);

		if (!json_is_array(list))
			return bad(err, edits[i].key, "is no list");
		for (size_t j = 0; j < json_array_size(list); j++) {
			int r = edits[i].get(json_array_get(list, j), e, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int get_kind(const json_t *v, struct pt_step *s, struct pt_error *err)
{
	if (!json_is_string(v) || pt_step_kind_parse(json_string_value(v), &s->kind) < 0)
		return bad(err, "kind", "is none that this version knows");
	return 0;
}

static int get_member(const char *key, const json_t *v, struct pt_step *s, struct pt_error *err)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		if (strcmp(strings[i].key, key) == 0)
			return get_string(key, v, pt_step_string(s, &strings[i]), err);
	if (strcmp(key, "kind") == 0)
		return get_kind(v, s, err);
	if (strcmp(key, "device") == 0)
		return get_bdf(key, v, &s->bdf, err);
	if (strcmp(key, "vendor_id") == 0)
		return get_id(key, v, &s->vendor, err);
	if (strcmp(key, "device_id") == 0)
		return get_id(key, v, &s->device, err);
	if (strcmp(key, "subsystem_vendor_id") == 0)
		return get_id(key, v, &s->subvendor, err);
	if (strcmp(key, "subsystem_device_id") == 0)
		return get_id(key, v, &s->subdevice, err);
	if (strcmp(key, "edit") == 0)
		return get_edit(v, &s->edit, err);
	if (strcmp(key, "flag") == 0)
		return get_bool(key, v, &s->flag, err);
	if (strcmp(key, "reprobe") == 0)
		return get_bool(key, v, &s->reprobe, err);
	if (strcmp(key, "timeout_ms") == 0)
		return get_number(key, v, &s->timeout_ms, err);
	return bad(err, key, "is not known");
}

/* what a kind cannot do without */
static int check_complete(const json_t *json, const struct pt_step *s, struct pt_error *err)
{
	bool plug = pt_step_is_plug(s->kind);
	bool device = pt_step_is_device(s->kind);

	if ((device || plug) && (!json_object_get(json, "device") || !s->vendor))
		return bad(err, "device", "or its ids are missing");
	if (!device && (!s->vm || !s->vm_uuid))
		return bad(err, "vm", "or its UUID is missing");
	if (plug && !s->element)
		return bad(err, "element", "is missing");
	if ((s->kind == PT_STEP_SRIOV || s->kind == PT_STEP_LINK) && (!s->state_before || !s->state_after))
		return bad(err, "state_before", "or state_after is missing");
	if (s->kind == PT_STEP_VM_MIGRATE && !s->state_after)
		return bad(err, "state_after", "is missing");
	if (s->kind == PT_STEP_VM_AUTOSTART && !json_object_get(json, "flag"))
		return bad(err, "flag", "is missing");
	return 0;
}

int pt_step_from_json(const json_t *json, struct pt_step *ret_step, struct pt_error *err)
{
	/* iteration does not change the object, but jansson's iterators take it as not const */
	json_t *o = (json_t *)(uintptr_t)json;
	PT_AUTO(pt_step) step = { 0 };
	const char *key;
	json_t *value;
	int r;

	if (!json_is_object(json) || !json_object_get(json, "kind"))
		return bad(err, "kind", "is missing");
	json_object_foreach(o, key, value)
	{
		r = get_member(key, value, &step, err);
		if (r < 0)
			return r;
	}
	r = check_complete(json, &step, err);
	if (r < 0)
		return r;
	*ret_step = step;
	step = (struct pt_step){ 0 };
	return 0;
}

int pt_step_from_text(const char *text, struct pt_step *ret_step, struct pt_error *err)
{
	json_error_t where;
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	int r;

	if (!o)
		return pt_say(err, -EBADMSG, "a stored step is no JSON: %s at character %d", where.text,
			      where.position);
	r = pt_step_from_json(o, ret_step, err);
	json_decref(o);
	return r;
}

static int get_verdict(const json_t *v, enum pt_verdict *ret_verdict)
{
	for (int i = PT_OK; json_is_string(v) && i <= PT_FAIL; i++) {
		if (strcmp(pt_verdict_str((enum pt_verdict)i), json_string_value(v)) != 0)
			continue;
		*ret_verdict = (enum pt_verdict)i;
		return 0;
	}
	return -EBADMSG;
}

static int get_finding(json_t *v, struct pt_findings *l, struct pt_error *err)
{
	enum pt_verdict verdict = PT_OK;
	const char *name = NULL;
	const char *fact = NULL;
	const char *where = NULL;
	const char *fix = NULL;
	json_t *word = NULL;
	int forceable = 0;

	if (json_unpack(v, "{s:o, s:s, s:s, s?s, s?s, s?b !}", "verdict", &word, "name", &name, "fact", &fact, "where",
			&where, "fix", &fix, "forceable", &forceable) < 0 ||
	    get_verdict(word, &verdict) < 0)
		return pt_say(err, -EBADMSG, "a stored plan cannot be understood: a finding is malformed");
	pt_findings_add(l, verdict, name, where, fix, "%s", fact)->forceable = forceable != 0;
	return 0;
}

static int fill(json_t *findings, json_t *steps, struct pt_plan *plan, struct pt_error *err)
{
	for (size_t i = 0; i < json_array_size(findings); i++) {
		int r = get_finding(json_array_get(findings, i), &plan->findings, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < json_array_size(steps); i++) {
		struct pt_step step;
		int r = pt_step_from_json(json_array_get(steps, i), &step, err);

		if (r < 0)
			return pt_wrap(err, r, "step %zu", i + 1);
		pt_array_push(&plan->steps, step);
	}
	return 0;
}

int pt_plan_from_json(const json_t *json, struct pt_plan *ret_plan, struct pt_error *err)
{
	json_t *o = (json_t *)(uintptr_t)json;
	PT_AUTO(pt_plan) plan = { 0 };
	const char *verb = NULL;
	const char *summary = NULL;
	json_t *findings = NULL;
	json_t *steps = NULL;
	json_int_t undoes = 0;
	int format = 0;
	int r;

	if (json_unpack(o, "{s:i}", "format", &format) == 0 && format > PT_PLAN_FORMAT)
		return pt_say(err, -EPROTONOSUPPORT, "a stored plan is of format %d; this version knows up to %d",
			      format, PT_PLAN_FORMAT);
	if (json_unpack(o, "{s:i, s:s, s:s, s:I, s:o, s:o !}", "format", &format, "verb", &verb, "summary", &summary,
			"undoes", &undoes, "findings", &findings, "steps", &steps) < 0 ||
	    format != PT_PLAN_FORMAT || !json_is_array(findings) || !json_is_array(steps) || undoes < 0)
		return pt_say(err, -EBADMSG,
			      "a stored plan cannot be understood: its members are not those of format "
			      "%d",
			      PT_PLAN_FORMAT);
	plan.verb = pt_strdup(verb);
	plan.summary = pt_strdup(summary);
	plan.undoes = (long long)undoes;
	r = fill(findings, steps, &plan, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	plan = (struct pt_plan){ 0 };
	return 0;
}
