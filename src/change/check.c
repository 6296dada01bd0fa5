/* SPDX-License-Identifier: Apache-2.0 */
/* Is the world still as the plan saw it?  Asked before anything is made, and again before each step. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "change/run.h"
#include "domxml/domxml.h"

#define LOOK_AGAIN "give the command again: it will look anew and make another plan"

/* a check that says no in the middle: it has a name like those of a plan, and none of them can be forced */
static int moved(struct pt_error *err, const char *name)
{
	pt_refused_by(err, name, false);
	pt_hint(err, "%s", LOOK_AGAIN);
	return -ESTALE;
}

static int check_off(const struct pt_run *run, const struct pt_step *s, bool want_off, struct pt_error *err)
{
	enum pt_domain_state state;
	int r = run->env->vm->state(run->env->vm->ctx, s->vm_uuid, &state, err);

	if (r < 0 || (state == PT_DOMAIN_SHUTOFF) == want_off)
		return r;
	(void)pt_say(err, -ESTALE,
		     want_off ? "%s runs; the plan expected it to be shut off"
			      : "%s is shut off; the plan expected it to run",
		     s->vm);
	return moved(err, "vm-state-changed");
}

/* the first lines that differ, masked, so that a reader sees what was edited */
static char *first_difference(const char *before, const char *after)
{
	pt_autofree char *diff = pt_domxml_diff(before, after);
	struct pt_buf b = { 0 };
	unsigned lines = 0;

	for (const char *line = diff; line && *line && lines < 2;) {
		size_t n = strcspn(line, "\n");

		if ((*line == '+' || *line == '-') && line[1] != *line && n > 1) {
			size_t skip = 1 + strspn(line + 1, " \t");

			pt_buf_addf(&b, "%s%c%.*s", lines ? ", " : "", *line, (int)(n - skip < 120 ? n - skip : 120),
				    line + skip);
			lines++;
		}
		line += n + (line[n] == '\n');
	}
	return pt_buf_take(&b);
}

static int check_definition(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_vm_ops *vm = run->env->vm;
	pt_autofree char *now = NULL;
	pt_autofree char *what = NULL;
	int r = vm->managed_save(vm->ctx, s->vm_uuid, err);

	if (r < 0)
		return r;
	if (r == 1) {
		r = pt_refuse(err, "managed-save", "%s has a managed save image, which holds its old devices", s->vm);
		pt_hint(err,
			"start it and shut it down, or `virsh managedsave-remove %s` if what it was doing may be lost",
			pt_shell(s->vm).s);
		return r;
	}
	r = vm->get_xml(vm->ctx, s->vm_uuid, &now, err);
	if (r < 0 || pt_definitions_same(now, s->xml_before))
		return r;
	what = first_difference(s->xml_before, now);
	(void)pt_say(err, -ESTALE, "the definition of %s was edited meanwhile: %s", s->vm, what);
	return moved(err, "definition-changed");
}

static int check_autostart(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	bool now = false;
	int r = run->env->vm->autostart(run->env->vm->ctx, s->vm_uuid, -1, &now, err);

	if (r < 0 || now != s->flag)
		return r;
	(void)pt_say(err, -ESTALE, "autostart of %s is %s already", s->vm, now ? "on" : "off");
	return moved(err, "autostart-changed");
}

static const char *or_none(const char *name)
{
	return name ? name : "none";
}

static int check_driver(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind before = pt_step_bind_before(s);
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;
	int r = pt_bind_check(run->env->host, &before, err);

	if (r == 0)
		r = pt_bind_look(run->env->host, s->bdf, &driver, &override, err);
	if (r < 0)
		return r;
	if (!pt_streq(or_none(driver), or_none(s->driver_before))) {
		(void)pt_say(err, -ESTALE, "the driver of %s is %s now; the plan expected %s", pt_bdf_str(s->bdf).s,
			     or_none(driver), or_none(s->driver_before));
		return moved(err, "driver-changed");
	}
	if (pt_streq(or_none(override), or_none(s->override_before)))
		return 0;
	(void)pt_say(err, -ESTALE, "driver_override of %s is %s now; the plan expected %s", pt_bdf_str(s->bdf).s,
		     or_none(override), or_none(s->override_before));
	return moved(err, "override-changed");
}

/* by the step that binds the device in this change, else the one that has it now */
static char *reserving_driver(const struct pt_run *run, const struct pt_step *s)
{
	pt_autofree char *driver = NULL;
	pt_autofree char *override = NULL;

	for (size_t i = 0; i < run->record.steps.n; i++) {
		const struct pt_step *other = &run->record.steps.v[i].step;

		if (other->kind == PT_STEP_DRIVER && other->driver_after && pt_bdf_eq(other->bdf, s->bdf))
			return pt_strdup(other->driver_after);
	}
	if (pt_bind_look(run->env->host, s->bdf, &driver, &override, NULL) == 0 && driver && strstr(driver, "vfio"))
		return pt_take_ptr(driver);
	return pt_strdup("vfio-pci");
}

/* what is reserved already stays so, and undo leaves it: somebody else reserved it */
static int check_reserve(const struct pt_run *run, struct pt_step *s, struct pt_error *err)
{
	struct pt_bind id = pt_step_bind_before(s);
	pt_autofree char *text = NULL;
	int r = pt_bind_check(run->env->host, &id, err);

	if (r == 0)
		r = pt_reserve_read(run->env->host, s->bdf, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!s->driver_after)
		s->driver_after = reserving_driver(run, s);
	s->flag = r == 0 && !pt_run_hands_over(run, s);
	return 0;
}

/* the text goes into the journal, so that undo writes back what was there */
static int check_unreserve(const struct pt_run *run, struct pt_step *s, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = pt_reserve_read(run->env->host, s->bdf, &text, err);

	s->flag = r == -ENOENT;
	if (r == 0)
		pt_strset(&s->reservation, text);
	return r == -ENOENT ? 0 : r;
}

int pt_step_check(const struct pt_run *run, struct pt_step *s, struct pt_error *err)
{
	switch (s->kind) {
	case PT_STEP_VM_STOP:
		return check_off(run, s, false, err);
	case PT_STEP_VM_START:
		return check_off(run, s, true, err);
	case PT_STEP_VM_DEFINE:
		return check_definition(run, s, err);
	case PT_STEP_VM_AUTOSTART:
		return check_autostart(run, s, err);
	case PT_STEP_DRIVER:
		return check_driver(run, s, err);
	case PT_STEP_RESERVE:
		return check_reserve(run, s, err);
	case PT_STEP_UNRESERVE:
		return check_unreserve(run, s, err);
	case PT_STEP_SRIOV:
	case PT_STEP_SRIOV_KEEP:
		return pt_step_check_sriov(run, s, err);
	case PT_STEP_LINK:
		return pt_step_check_link(run, s, err);
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_UNPLUG:
		return pt_step_check_plug(run, s, err);
	case PT_STEP_VM_MIGRATE:
		return pt_step_check_migrate(run, s, err);
	case PT_STEP_RESET:
		return pt_step_check_reset(run, s, err);
	case PT_STEP_KINDS:
		break;
	}
	return pt_say(err, -EINVAL, "a step of an unknown kind cannot be made");
}

/* which property of which object a step changes: two steps with the same one are made one after the other */
static bool same_property(const struct pt_step *a, const struct pt_step *b)
{
	enum pt_step_kind ka = a->kind == PT_STEP_VM_STOP ? PT_STEP_VM_START : a->kind;
	enum pt_step_kind kb = b->kind == PT_STEP_VM_STOP ? PT_STEP_VM_START : b->kind;

	ka = ka == PT_STEP_UNRESERVE ? PT_STEP_RESERVE : ka;
	kb = kb == PT_STEP_UNRESERVE ? PT_STEP_RESERVE : kb;
	if (pt_step_is_plug(ka) && pt_step_is_plug(kb))
		return pt_bdf_eq(a->bdf, b->bdf) && pt_streq(a->vm_uuid, b->vm_uuid);
	if (ka != kb)
		return false;
	return pt_step_is_device(ka) ? pt_bdf_eq(a->bdf, b->bdf) : pt_streq(a->vm_uuid, b->vm_uuid);
}

int pt_run_check_rest(struct pt_run *run, size_t from, struct pt_error *err)
{
	for (size_t i = from; i < run->record.steps.n; i++) {
		struct pt_step *step = &run->record.steps.v[i].step;
		bool first = true;
		int r;

		for (size_t k = from; k < i && first; k++)
			first = !same_property(&run->record.steps.v[k].step, step);
		r = first ? pt_step_check(run, step, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
