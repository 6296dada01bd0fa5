/* SPDX-License-Identifier: Apache-2.0 */
/* Root ports for devices that come while the VM runs: they have to be in its definition when it starts. */
#include "decide/judge.h"

static unsigned needed(const struct pt_judge *j, size_t devices)
{
	size_t idle = j->vm->free_pcie_ports > 0 ? (size_t)j->vm->free_pcie_ports : 0;
	size_t want = j->request->spare_ports + devices;

	return want > idle ? (unsigned)(want - idle) : 0;
}

void pt_judge_spare_ports(struct pt_judge *j, struct pt_domain_edit *edit)
{
	size_t devices;

	if (!j->request->spare_ports)
		return;
	if (j->vm->pcie_ports < 0) {
		pt_judge_refuse(j, PT_FORCE_NEVER, "no-root-ports", NULL,
				"leave --spare-ports out; machine types with PCI Express (q35, virt) have root ports",
				"VM %s has the machine type %s, which has no root ports", j->vm->name,
				j->vm->machine ? j->vm->machine : "that its libvirt chooses");
		return;
	}
	/* an interface that is new takes one as well */
	devices = edit->add_hostdevs.n + (edit->standby.type ? 1 : 0);
	edit->add_ports = needed(j, devices);
	if (!edit->add_ports)
		pt_judge_say(j, PT_NOTE, "spare-ports", NULL, NULL,
			     "no root port is added: the definition of %s has %u free ones beside what it is given now",
			     j->vm->name, (unsigned)((size_t)j->vm->free_pcie_ports - devices));
	else
		pt_judge_say(j, PT_NOTE, "spare-ports", NULL, NULL,
			     "%u root port%s %s added to the definition of %s, of which %u %s then free%s",
			     edit->add_ports, edit->add_ports == 1 ? "" : "s", edit->add_ports == 1 ? "is" : "are",
			     j->vm->name, j->request->spare_ports, j->request->spare_ports == 1 ? "is" : "are",
			     pt_judge_runs(j->vm) && (j->request->live || !j->request->n_devices)
				     ? "; it has them when it was shut off and is started again"
				     : "");
}

int pt_decide_ports(struct pt_judge *j, struct pt_error *err)
{
	struct pt_domain_edit edit = { 0 };

	j->plan->verb = pt_strdup("attach");
	j->plan->summary = pt_strf("give %s %u spare root port%s", j->vm->name, j->request->spare_ports,
				   j->request->spare_ports == 1 ? "" : "s");
	pt_judge_vm_state(j);
	pt_judge_tell_ports(j);
	pt_judge_spare_ports(j, &edit);
	if (edit.add_ports) {
		struct pt_step *s = pt_judge_vm_step(j, PT_STEP_VM_DEFINE);

		s->edit = edit;
		s->flag = true;
	}
	return pt_judge_verdict(j, err);
}
