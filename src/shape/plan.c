/* SPDX-License-Identifier: Apache-2.0 */
/* Plans to JSON; the way back is plan-read.c. */
#include "shape/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/vf.h"
#include "shape/cpu.h"
#include "shape/finding.h"
#include "shape/plan-fields.h"
#include "shape/viommu.h"

/* json_string() takes UTF-8 only; a name from elsewhere that is none cannot be stored, so the step cannot be made */
static int put_string(json_t *o, const char *key, const char *text, struct pt_error *err)
{
	if (!text)
		return 0;
	if (json_object_set_new(o, key, json_string(text)) < 0)
		return pt_say(err, -EILSEQ, "cannot write down a step: its '%s' is not UTF-8 text", key);
	return 0;
}

static void put_id(json_t *o, const char *key, unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%04x", value);
	(void)json_object_set_new(o, key, json_string(text));
}

static json_t *strings_json(const struct pt_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(a, json_string(l->v[i]));
	return a;
}

/* of a hostdev as earlier versions wrote it, and read it */
static json_t *added_json(const struct pt_hostdev_add *add)
{
	json_t *o = json_pack("{s:s, s:b}", "device", pt_bdf_str(add->bdf).s, "managed", add->managed);

	if (add->is_interface) {
		(void)json_object_set_new(o, "mac", json_string(pt_mac_str(add->mac).s));
		(void)json_object_set_new(o, "vlan", json_integer((json_int_t)add->vlan));
	}
	if (add->team_of[0])
		(void)json_object_set_new(o, "team_of", json_string(add->team_of));
	if (add->guest_bus)
		(void)json_object_set_new(o, "guest_bus", json_integer((json_int_t)add->guest_bus));
	return o;
}

static json_t *edit_json(const struct pt_domain_edit *e)
{
	json_t *controllers = json_array();
	json_t *removed = json_array();
	json_t *added = json_array();
	json_t *moved = json_array();
	json_t *o;

	for (size_t i = 0; i < e->remove_controllers.n; i++)
		(void)json_array_append_new(controllers,
					    json_pack("{s:s, s:I}", "type", e->remove_controllers.v[i].type, "index",
						      (json_int_t)e->remove_controllers.v[i].index));
	for (size_t i = 0; i < e->remove_hostdevs.n; i++)
		(void)json_array_append_new(removed, json_string(pt_bdf_str(e->remove_hostdevs.v[i]).s));
	for (size_t i = 0; i < e->add_hostdevs.n; i++)
		(void)json_array_append_new(added, added_json(&e->add_hostdevs.v[i]));
	for (size_t i = 0; i < e->move_hostdevs.n; i++)
		(void)json_array_append_new(moved,
					    json_pack("{s:s, s:s}", "from", pt_bdf_str(e->move_hostdevs.v[i].from).s,
						      "to", pt_bdf_str(e->move_hostdevs.v[i].to).s));
	o = json_pack("{s:o, s:o, s:o, s:o}", "remove_disks", strings_json(&e->remove_disks), "remove_controllers",
		      controllers, "remove_hostdevs", removed, "add_hostdevs", added);
	/* left out where nothing moves: as earlier versions wrote it, and read it */
	if (json_array_size(moved))
		(void)json_object_set(o, "move_hostdevs", moved);
	json_decref(moved);
	if (e->standby.wanted)
		(void)json_object_set_new(o, "standby",
					  json_pack("{s:s, s:s, s:s*, s:s*}", "mac", pt_mac_str(e->standby.mac).s,
						    "alias", e->standby.alias, "type", e->standby.type, "source",
						    e->standby.source));
	if (e->add_ports)
		(void)json_object_set_new(o, "add_ports", json_integer((json_int_t)e->add_ports));
	if (e->drop_balloon)
		(void)json_object_set_new(o, "drop_balloon", json_true());
	if (e->has_viommu)
		(void)json_object_set_new(o, "viommu", pt_viommu_json(&e->viommu));
	if (e->split_ioapic)
		(void)json_object_set_new(o, "split_ioapic", json_true());
	if (e->has_cpu)
		(void)json_object_set_new(o, "cpu", pt_cpu_def_json(&e->cpu));
	return o;
}

static int fill(json_t *o, const struct pt_step *s, bool secrets, struct pt_error *err)
{
	size_t n;
	const struct pt_step_string *strings = pt_step_strings(&n);
	int r = put_string(o, "kind", pt_step_kind_str(s->kind), err);

	for (size_t i = 0; i < n && r == 0; i++)
		if (secrets || !strings[i].secret)
			r = put_string(o, strings[i].key, *pt_step_string_const(s, &strings[i]), err);
	if (r < 0)
		return r;
	if (pt_step_is_device(s->kind) || pt_step_is_plug(s->kind)) {
		(void)json_object_set_new(o, "device", json_string(pt_bdf_str(s->bdf).s));
		put_id(o, "vendor_id", s->vendor);
		put_id(o, "device_id", s->device);
		put_id(o, "subsystem_vendor_id", s->subvendor);
		put_id(o, "subsystem_device_id", s->subdevice);
	}
	if (!pt_domain_edit_empty(&s->edit))
		(void)json_object_set_new(o, "edit", edit_json(&s->edit));
	if (s->kind == PT_STEP_VM_AUTOSTART || s->flag)
		(void)json_object_set_new(o, "flag", json_boolean(s->flag));
	if (s->reprobe)
		(void)json_object_set_new(o, "reprobe", json_true());
	if (s->timeout_ms)
		(void)json_object_set_new(o, "timeout_ms", json_integer((json_int_t)s->timeout_ms));
	return 0;
}

json_t *pt_step_to_json(const struct pt_step *step, bool secrets, struct pt_error *err)
{
	json_t *o = json_object();

	if (fill(o, step, secrets, err) < 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *pt_plan_to_json(const struct pt_plan *plan, bool secrets, struct pt_error *err)
{
	json_t *steps = json_array();
	json_t *o;

	for (size_t i = 0; i < plan->steps.n; i++) {
		json_t *step = pt_step_to_json(&plan->steps.v[i], secrets, err);

		if (!step) {
			json_decref(steps);
			return NULL;
		}
		(void)json_array_append_new(steps, step);
	}
	o = json_pack("{s:i, s:s, s:s, s:I, s:o, s:o}", "format", PT_PLAN_FORMAT, "verb", plan->verb, "summary",
		      plan->summary, "undoes", (json_int_t)plan->undoes, "findings", pt_findings_json(&plan->findings),
		      "steps", steps);
	if (!o)
		(void)pt_say(err, -EILSEQ, "cannot write down a plan: its summary is not UTF-8 text");
	return o;
}

char *pt_step_to_text(const struct pt_step *step, struct pt_error *err)
{
	json_t *o = pt_step_to_json(step, true, err);
	pt_autofree char *text = NULL;
	char *copy;

	if (!o)
		return NULL;
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	copy = pt_strdup_opt(text);
	if (!copy)
		(void)pt_say(err, -ENOMEM, "cannot write down a step");
	return copy;
}
