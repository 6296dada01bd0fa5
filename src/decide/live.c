/* SPDX-License-Identifier: Apache-2.0 */
/* Can a VM get or lose a device while it runs?  What it cannot is refused here, before anything is touched. */
#include "base/cleanup.h"
#include "base/text.h"
#include "decide/judge.h"

#define COLD "leave --live out: the VM is then shut down for the change"

struct pt_attach_request pt_judge_request(const struct pt_attach_facts *facts, const struct pt_attach_request *asked)
{
	struct pt_attach_request request = *asked;

	if (request.no_stop)
		request.live = pt_judge_runs(facts->vm);
	return request;
}

void pt_judge_live(struct pt_judge *j)
{
	const struct pt_domain *vm = j->vm;

	if (!j->request->live)
		return;
	if (vm->state == PT_DOMAIN_PAUSED)
		pt_judge_refuse(j, PT_FORCE_NEVER, "vm-paused", NULL,
				j->request->no_stop ? "resume it" : "resume it, or leave --live out",
				"VM %s is paused: its guest cannot take or let go of anything", vm->name);
	else if (!j->running)
		pt_judge_refuse(j, PT_FORCE_NEVER, "vm-off", NULL,
				j->request->no_stop ? "give the command again" : "start it first, or leave --live out",
				j->request->no_stop ? "VM %s has stopped meanwhile"
						    : "VM %s does not run, and --live is about one that does",
				vm->name);
}

bool pt_judge_runs_with(const struct pt_judge *j, struct pt_bdf bdf)
{
	return j->running && pt_judge_holds(j->running, bdf);
}

/* how many of the request are still to be plugged in */
static size_t to_plug(const struct pt_judge *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->devices.n; i++)
		n += !pt_judge_runs_with(j, j->devices.v[i]->bdf);
	return n;
}

void pt_judge_tell_ports(struct pt_judge *j)
{
	const struct pt_domain *vm = j->running ? j->running : j->vm;

	if (vm->pcie_ports > 0)
		pt_judge_say(j, PT_NOTE, "root-ports", NULL, NULL, "%d of the %d root ports of VM %s are free%s",
			     vm->free_pcie_ports, vm->pcie_ports, j->vm->name,
			     j->running && (size_t)vm->free_pcie_ports > vm->hotplug_ports.n
				     ? ", not all of them for hot-add"
				     : "");
}

static void judge_ports(struct pt_judge *j)
{
	const struct pt_domain *r = j->running;
	size_t need = to_plug(j);
	pt_autofree char *fix = NULL;

	if (r->pcie_ports < 0 || r->hotplug_ports.n >= need)
		return;
	fix = pt_strf("%s, and gets the root ports that are missing; `passthru attach %s --spare-ports %zu` adds spare "
		      "ones to its definition, which it has from its next start on",
		      COLD, pt_shell(j->vm->name).s, need);
	pt_judge_refuse(
		j, PT_FORCE_NEVER, "root-ports", NULL, fix,
		"%zu device%s need%s as many free root ports that take one while the VM runs, and %zu of the %d "
		"of VM %s are",
		need, need == 1 ? "" : "s", need == 1 ? "s" : "", r->hotplug_ports.n, r->pcie_ports, j->vm->name);
}

/* without PCIe a guest hears of a new device by ACPI, or not at all */
static void judge_machine(struct pt_judge *j)
{
	if (j->running->pcie_ports < 0 && !j->running->acpi)
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-hotplug", NULL, COLD,
				"VM %s has neither PCIe root ports nor ACPI: its guest hears nothing of a new device",
				j->vm->name);
}

static void judge_losses(struct pt_judge *j, const struct pt_domain_edit *edit)
{
	pt_autofree char *list = NULL;

	if (!edit->remove_disks.n)
		return;
	list = pt_strv_join(&edit->remove_disks, ", ");
	pt_judge_refuse(j, PT_FORCE_NEVER, "disks-in-use", NULL, COLD,
			"the guest of %s runs with the disk%s %s, behind what is to be given to it: it would lose them "
			"under way, with what is not written out",
			j->vm->name, edit->remove_disks.n == 1 ? "" : "s", list);
}

void pt_judge_live_attach(struct pt_judge *j, const struct pt_domain_edit *edit)
{
	if (!j->request->live || !j->running)
		return;
	judge_losses(j, edit);
	judge_machine(j);
	judge_ports(j);
	if (j->running->balloon)
		pt_judge_say(j, PT_NOTE, "balloon-live", NULL, NULL,
			     "until it is shut off %s keeps its memory balloon, which then gives no memory back",
			     j->vm->name);
}

/* free in what runs and in the definition, so that the guest finds the device in the same place after a restart */
unsigned pt_judge_guest_bus(const struct pt_judge *j, size_t i)
{
	size_t before = 0;

	if (!j->request->live || !j->running || pt_judge_runs_with(j, j->devices.v[i]->bdf))
		return 0;
	for (size_t k = 0; k < i; k++)
		before += !pt_judge_runs_with(j, j->devices.v[k]->bdf);
	for (size_t k = 0; k < j->running->hotplug_ports.n; k++) {
		unsigned bus = j->running->hotplug_ports.v[k];
		bool both = false;

		for (size_t m = 0; m < j->vm->hotplug_ports.n; m++)
			both = both || j->vm->hotplug_ports.v[m] == bus;
		if (both && before-- == 0)
			return bus;
	}
	return 0;
}

static struct pt_step *plug_step(struct pt_judge *j, enum pt_step_kind kind, const struct pt_device *d)
{
	struct pt_step *s = pt_judge_device_step(j, kind, d);

	s->vm = pt_strdup_opt(j->vm->name);
	s->vm_uuid = pt_strdup_opt(j->vm->uuid);
	s->timeout_ms = j->request->unplug_timeout_ms;
	return s;
}

void pt_judge_plug(struct pt_judge *j)
{
	for (size_t i = 0; j->request->live && i < j->devices.n; i++)
		if (!pt_judge_runs_with(j, j->devices.v[i]->bdf))
			(void)plug_step(j, PT_STEP_VM_PLUG, j->devices.v[i]);
}

void pt_judge_unplug(struct pt_judge *j)
{
	for (size_t i = 0; j->request->live && i < j->devices.n; i++) {
		if (pt_judge_runs_with(j, j->devices.v[i]->bdf))
			(void)plug_step(j, PT_STEP_VM_UNPLUG, j->devices.v[i]);
		else if (j->running)
			pt_judge_say(j, PT_NOTE, "not-running-with", NULL, NULL,
				     "%s runs without %s: only its definition has it", j->vm->name,
				     pt_bdf_str(j->devices.v[i]->bdf).s);
	}
}
