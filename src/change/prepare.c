/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "domxml/domxml.h"

/* the definition that an earlier step of this plan will have left */
static const char *earlier(const struct pt_plan *plan, size_t index)
{
	const char *uuid = plan->steps.v[index].vm_uuid;

	for (size_t i = index; i-- > 0;)
		if (plan->steps.v[i].kind == PT_STEP_VM_DEFINE && pt_streq(plan->steps.v[i].vm_uuid, uuid))
			return plan->steps.v[i].xml_after;
	return NULL;
}

static int check_name(const char *xml, const struct pt_step *s, struct pt_error *err)
{
	PT_AUTO(pt_domain) domain = { 0 };
	int r = pt_domxml_read(xml, &domain, err);

	if (r < 0)
		return pt_wrap(err, r, "the definition of %s", s->vm);
	if (pt_streq(domain.name, s->vm))
		return 0;
	r = pt_say(err, -ESTALE, "the VM %s is called %s now", s->vm, domain.name ? domain.name : "nothing");
	pt_refused_by(err, "vm-renamed", false);
	pt_hint(err, "give the command again with its new name");
	return r;
}

static int edit(struct pt_step *s, const char *xml, struct pt_error *err)
{
	char *after = NULL;
	int r = pt_domxml_edit(xml, &s->edit, &after, err);

	if (r == -ENOENT || r == -EEXIST) {
		(void)pt_wrap(err, -ESTALE, "the definition of %s is not what the plan saw", s->vm);
		pt_refused_by(err, "definition-changed", false);
		pt_hint(err, "give the command again: it will look anew and make another plan");
		return -ESTALE;
	}
	if (r < 0)
		return pt_wrap(err, r, "cannot edit the definition of %s", s->vm);
	pt_strset(&s->xml_before, xml);
	free(s->xml_after);
	s->xml_after = after;
	return 0;
}

static bool is_free(const struct pt_domain *live, const struct pt_domain_hostdev *h)
{
	bool free_bus = false;

	/* on conventional PCI there is nothing to be missing */
	if (live->pcie_ports < 0 || !h || !h->has_place)
		return true;
	for (size_t i = 0; i < live->hotplug_ports.n; i++)
		free_bus = free_bus || live->hotplug_ports.v[i] == h->guest_bus;
	return free_bus;
}

/* is its place in the definition one that what runs has, too?  One that does not run gets nothing: its step says so */
static int fits(const struct pt_vm_ops *vm, const struct pt_step *s, const char *xml, struct pt_error *err)
{
	PT_AUTO(pt_domain) defined = { 0 };
	PT_AUTO(pt_domain) live = { 0 };
	pt_autofree char *now = NULL;
	int r = vm->live_xml(vm->ctx, s->vm_uuid, &now, err);

	if (r == -ESHUTDOWN)
		return 1;
	if (r == 0)
		r = pt_domxml_read(now, &live, err);
	if (r == 0)
		r = pt_domxml_read(xml, &defined, err);
	return r < 0 ? r : is_free(&live, pt_domain_hostdev_by_bdf(&defined, s->bdf));
}

/* as the definition has it; where it is taken from, as the VM runs with it, so that it can be given back like that */
static int find_element(const struct pt_vm_ops *vm, const struct pt_plan *plan, size_t index, struct pt_error *err)
{
	struct pt_step *s = &plan->steps.v[index];
	pt_autofree char *xml = s->kind == PT_STEP_VM_PLUG ? pt_strdup_opt(earlier(plan, index)) : NULL;
	int r = 0;

	if (s->kind == PT_STEP_VM_UNPLUG)
		r = vm->live_xml(vm->ctx, s->vm_uuid, &xml, err);
	else if (!xml)
		r = vm->get_xml(vm->ctx, s->vm_uuid, &xml, err);
	if (r == 0)
		r = check_name(xml, s, err);
	if (r == 0)
		r = s->kind == PT_STEP_VM_PLUG ? fits(vm, s, xml, err) : 1;
	if (r >= 0)
		r = (r == 1 ? pt_domxml_hostdev : pt_domxml_hostdev_anywhere)(xml, s->bdf, &s->element, err);
	if (r != -ENOENT && r != -ESHUTDOWN)
		return r;
	(void)pt_wrap(err, -ESTALE, "%s is not what the plan saw", s->vm);
	pt_refused_by(err, "definition-changed", false);
	pt_hint(err, "give the command again: it will look anew and make another plan");
	return -ESTALE;
}

int pt_change_prepare(const struct pt_vm_ops *vm, struct pt_plan *plan, struct pt_error *err)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		struct pt_step *s = &plan->steps.v[i];
		pt_autofree char *xml = NULL;
		int r = 0;

		if (pt_step_is_plug(s->kind) && !s->element) {
			r = find_element(vm, plan, i, err);
			if (r < 0)
				return r;
		}
		/* a plan that brings its definitions along, as an undo's does, is compared before each step */
		if (s->kind != PT_STEP_VM_DEFINE || s->xml_after)
			continue;
		xml = pt_strdup_opt(earlier(plan, i));
		if (!xml)
			r = vm->get_xml(vm->ctx, s->vm_uuid, &xml, err);
		if (r == 0)
			r = check_name(xml, s, err);
		if (r == 0)
			r = edit(s, xml, err);
		if (r < 0)
			return r;
	}
	return 0;
}
