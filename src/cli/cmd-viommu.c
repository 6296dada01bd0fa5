/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/watch.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "cli/vm-now.h"
#include "decide/memory.h"
#include "decide/viommu.h"
#include "host/memory.h"
#include "host/platform.h"
#include "shape/viommu.h"
#include "vm/agent.h"

#define STOP_TIMEOUT_S 180
#define PROVE_S	       180

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const char *const choices[] = { "auto", "virtio", "intel", "smmuv3", "none" };

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	{ "restart", 0, NULL, "a running VM: shut it down, change it, start it, and prove that it took", false },
	{ "start", 0, NULL, "start the VM afterwards even if it did not run", false },
	{ "stop-timeout", 0, "SECONDS", "how long the guest may take to shut down (180)", false },
	{ "prove-timeout", 0, "SECONDS", "how long to wait for the guest's word afterwards (180)", false },
	{ "force-memory", 0, NULL, "although there is too little memory to pin", false },
	{ "force-memory-limit", 0, NULL, "although the VM may lock too little memory", false },
	{ NULL, 0, NULL, NULL, false },
};

static int look(struct pt_cli *cli, struct pt_vm_conn *conn, const char *vm, struct pt_viommu_look *ret_look,
		struct pt_error *err)
{
	PT_AUTO(pt_viommu_look) l = { 0 };
	int r = pt_vm_now(cli, conn, vm, &l.vm, &l.live, &l.running, err);

	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_numbers(conn, &l.libvirt, &l.qemu, err));
	if (r < 0)
		return r;
	/* what cannot be read is said to be unknown */
	if (pt_memory_read(&cli->root, &l.memory, NULL) < 0)
		l.memory = (struct pt_memory){ 0 };
	l.host_bits = pt_platform_iommu_bits(&cli->root);
	*ret_look = pt_take(l);
	return 0;
}

static json_t *limit_json(uint64_t limit)
{
	return !limit || limit == PT_MEMLOCK_UNLIMITED ? json_null() : json_integer((json_int_t)limit);
}

static json_t *row_json(const char *what, const struct pt_domain *vm)
{
	unsigned vfio = pt_viommu_vfio_count(vm);

	return json_pack("{s:s, s:o, s:b, s:i, s:o}", "what", what, "viommu", pt_viommu_json(&vm->viommu),
			 "split_ioapic", pt_streq(vm->ioapic, "qemu"), "vfio_devices", (int)vfio, "lock_limit",
			 limit_json(pt_memlock_limit(vm, vfio)));
}

static int show_json(struct pt_cli *cli, const struct pt_viommu_look *l, const struct pt_qemu_lock *lock,
		     struct pt_error *err)
{
	json_t *rows = json_array();
	json_t *qemu = json_null();

	if (l->running)
		(void)json_array_append_new(rows, row_json("now", &l->live));
	(void)json_array_append_new(rows, row_json("defined", &l->vm));
	if (lock)
		qemu = json_pack("{s:i, s:o, s:I}", "pid", lock->pid, "lock_limit", limit_json(lock->limit),
				 "locked_kib", (json_int_t)lock->locked_kib);
	return pt_print_json(cli,
			     json_pack("{s:s, s:b, s:o, s:o}", "vm", l->vm.name, "running", l->running, "viommus", rows,
				       "qemu", qemu),
			     err);
}

static void print_row(struct pt_cli *cli, const char *what, const struct pt_domain *vm)
{
	pt_autofree char *viommu = pt_viommu_str(&vm->viommu);
	pt_autofree char *text = pt_text_clean(pt_strdup(viommu));
	unsigned vfio = pt_viommu_vfio_count(vm);
	uint64_t limit = pt_memlock_limit(vm, vfio);

	(void)fprintf(cli->out, "%s %s%s\n", what, text, pt_streq(vm->ioapic, "qemu") ? ", with a split I/O APIC" : "");
	if (limit && limit != PT_MEMLOCK_UNLIMITED)
		(void)fprintf(cli->out, "  %u device%s through VFIO; libvirt lets QEMU lock %llu bytes (%llu MiB)\n",
			      vfio, vfio == 1 ? "" : "s", (unsigned long long)limit, (unsigned long long)limit >> 20);
	else
		(void)fprintf(cli->out, "  %u device%s through VFIO; libvirt sets %s\n", vfio, vfio == 1 ? "" : "s",
			      limit ? "no limit to what QEMU locks" : "nothing for what QEMU may lock");
}

static int show(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_viommu_look) l = { 0 };
	struct pt_qemu_lock lock = { 0 };
	pt_autofree char *name = NULL;
	bool seen = false;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r >= 0)
		r = look(cli, conn, cli->operands[0], &l, err);
	if (r < 0)
		return r;
	seen = l.running && pt_vm_qemu_lock(conn, l.vm.name, &lock, NULL) == 0;
	if (cli->json)
		return show_json(cli, &l, seen ? &lock : NULL, err);
	name = pt_text_clean(pt_strdup(l.vm.name));
	(void)fprintf(cli->out, "%s %s; its virtual IOMMU\n\n", pt_cli_bold(cli, name),
		      l.running ? "is running" : "is shut off");
	if (l.running)
		print_row(cli, "it runs with:     ", &l.live);
	print_row(cli, "it is defined with:", &l.vm);
	if (seen)
		(void)fprintf(cli->out, "\nQEMU, process %d, has locked %llu KiB\n", lock.pid,
			      (unsigned long long)lock.locked_kib);
	return PT_EXIT_DONE;
}

/* what the proof needs after the change */
struct proving {
	struct pt_cli *cli;
	struct pt_vm_conn *conn;
	const char *vm;
	const struct pt_viommu *wanted;
	long wait_s;
};

/* a guest takes its time until its agent answers; one that may not read files is asked once; 1: it has one, and
 * @ret_type; 0: it has none; else why it is silent
 */
static int ask_guest(struct proving *p, const struct pt_viommu_look *l, char **ret_type, char **ret_silent)
{
	long long end = pt_watch_now_ms() + p->wait_s * 1000;

	for (;;) {
		struct pt_error why = { 0 };
		int r = PT_WATCHED(&p->cli->watch, PT_WATCH_LIBVIRT,
				   pt_guest_iommu(p->conn, l->vm.uuid, ret_type, &why));

		if (r >= 0 || r == -EACCES || !l->vm.guest_agent || pt_watch_now_ms() >= end) {
			if (r < 0)
				*ret_silent = pt_strdup(why.msg);
			pt_cli_progress_end(p->cli);
			return r;
		}
		pt_prove_pause(p->cli, l->vm.name);
	}
}

static int prove(void *ctx, struct pt_findings *ret_findings, struct pt_error *err)
{
	struct proving *p = ctx;
	PT_AUTO(pt_viommu_look) l = { 0 };
	struct pt_viommu_seen seen = { 0 };
	struct pt_qemu_lock lock = { 0 };
	struct pt_error why = { 0 };
	pt_autofree char *type = NULL;
	pt_autofree char *silent = NULL;
	int r = look(p->cli, p->conn, p->vm, &l, err);

	if (r < 0)
		return r;
	if (l.running && p->wanted->model)
		seen.guest_none = ask_guest(p, &l, &type, &silent) == 0;
	if (pt_vm_qemu_lock(p->conn, l.vm.name, &lock, &why) == 0)
		seen.qemu = &lock;
	seen.qemu_silent = why.msg;
	seen.guest_type = type;
	seen.guest_silent = silent;
	pt_decide_viommu_proof(&l, p->wanted, &seen, ret_findings);
	return 0;
}

static int read_request(struct pt_cli *cli, struct pt_viommu_request *request, struct pt_error *err)
{
	const char *model = cli->operands[1];
	long stop_s = 0;
	int r = pt_cli_number(cli, "stop-timeout", 1, 86400, STOP_TIMEOUT_S, &stop_s, err);

	if (r < 0)
		return r;
	request->restart = pt_cli_flag(cli, "restart");
	request->start = pt_cli_flag(cli, "start");
	request->stop_timeout_ms = (unsigned)stop_s * 1000;
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		if (strcmp(model, choices[i]) == 0) {
			request->model = choices[i];
			return 0;
		}
	r = pt_usage(err, -EINVAL, "'%s' is no virtual IOMMU", model);
	pt_hint(err, "auto, virtio, intel, smmuv3 or none");
	return r;
}

static int change(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_viommu_request *request, long prove_s,
		  struct pt_error *err)
{
	PT_AUTO(pt_viommu_look) l = { 0 };
	PT_AUTO(pt_viommu) wanted = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	struct proving p = { cli, conn, NULL, &wanted, prove_s };
	bool starts;
	int r = pt_changing_begin(cli, err);

	if (r >= 0)
		r = look(cli, conn, cli->operands[0], &l, err);
	if (r < 0)
		return r;
	pt_viommu_wanted(&l, request, &wanted);
	r = pt_decide_viommu(&l, request, &plan, err);
	if (r < 0)
		return pt_giving_refused(cli, &plan, r, err);
	p.vm = l.vm.uuid;
	starts = pt_plan_has(&plan, PT_STEP_VM_START);
	return pt_changing_run(cli, conn, &plan, NULL, starts ? &(struct pt_changing_proof){ prove, &p } : NULL, err);
}

static int run_change(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	pt_autofree const char **forced = pt_giving_forced(cli);
	struct pt_viommu_request request = { .forced = forced };
	long prove_s = PROVE_S;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_cli_number(cli, "prove-timeout", 0, 3600, PROVE_S, &prove_s, err);
	if (r >= 0)
		r = read_request(cli, &request, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	return r < 0 ? r : change(cli, conn, &request, prove_s, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	return cli->n_operands > 1 ? run_change(cli, err) : show(cli, err);
}

const struct pt_command pt_command_viommu = {
	.name = "viommu",
	.args = "VM [MODEL]",
	.group = "Change",
	.summary = "Show a VM's virtual IOMMU, or give it one",
	.description =
		"Without MODEL: what the VM is defined with and runs with, and how much memory QEMU may lock.\n\n"
		"MODEL is virtio, intel, smmuv3, none, or auto: virtio where libvirt and QEMU have it, else intel on\n"
		"q35 and smmuv3 on Arm. With intel come remapped interrupts, caching mode, device IOTLB, extended\n"
		"interrupts, addresses as wide as QEMU and this host take, and a split I/O APIC. The definition is\n"
		"changed, and `passthru undo` puts it back.\n\n"
		"With a virtual IOMMU each device through VFIO may map all of the guest's memory by itself: the plan\n"
		"tells the limit that libvirt will set, and checks the memory that is really needed first.\n\n"
		"A running VM is refused; --restart shuts it down, changes it, starts it again, asks its guest, and\n"
		"puts everything back when it does not come up.",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
