/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "fakesys.h"
#include "hook/hook.h"

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static int answer_interrupted(void *ctx)
{
	return ((struct stage *)ctx)->interrupt;
}

static int answer_force(void *ctx, const struct pt_step *step)
{
	(void)step;
	return ((struct stage *)ctx)->force;
}

static void note_waiting(void *ctx, const char *holder)
{
	struct stage *w = ctx;

	(void)snprintf(w->waited_for, sizeof(w->waited_for), "%s", holder);
}

static char *answer_held(void *ctx, struct pt_bdf bdf)
{
	const struct stage *w = ctx;

	if (!w->taken || !pt_bdf_eq(w->taken->bdf, bdf) || strcmp(w->taken->driver, w->taken->native) != 0)
		return NULL;
	return pt_strdup("this host uses it: sdb > md127 > vg0/data");
}

static void make_env(struct stage *w)
{
	w->env = (struct pt_change_env){
		.host = &w->host,
		.vm = &w->vm_ops,
		.ctx = w,
		.force_stop = answer_force,
		.interrupted = answer_interrupted,
		.waiting = note_waiting,
		.held = answer_held,
		.proc_fd = w->root.proc_fd,
		.poll_ms = 1,
	};
}

static int ask_hook(void *ctx, const char *name, const char *xml, struct pt_error *err)
{
	const struct stage *w = ctx;

	pt_autofree char *journal = pt_strf("%s/state", w->dir);

	return pt_hook_may_start(&w->root, journal, name, xml, err);
}

void stage_hook(struct stage *w)
{
	w->vm->hook = ask_hook;
	w->vm->hook_ctx = w;
}

struct stage *stage_new(void)
{
	struct stage *w = pt_alloc(sizeof(*w));
	/* hundreds of changes, each journaled with fsync(): memory knows no disk to wait for */
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct pt_error err = { 0 };

	w->fds_before = count_fds();
	w->dir = pt_strf("%s/stage.XXXXXX", tmp);
	if (!mkdtemp(w->dir))
		fail_msg("cannot make %s", w->dir);
	if (pt_root_open(NULL, &w->root, &err) < 0)
		fail_msg("%s", err.msg);
	w->fault = fault_shared(sizeof(*w->fault));
	w->kernel = fakekernel_new(w->fault);
	w->hba = fakekernel_add(w->kernel, "0000:01:00.0", 0x1000, 0x0079, "megaraid_sas", 14);
	w->nic = fakekernel_add(w->kernel, "0000:02:00.0", 0x8086, 0x10c9, "igb", 15);
	fakekernel_ops(w->kernel, &w->host);
	w->vm = fakevm_new(w->fault, w->kernel);
	w->cvm = fakevm_add(w->vm, "cvm", STAGE_CVM, PT_DOMAIN_RUNNING);
	w->other = fakevm_add(w->vm, "other", STAGE_OTHER, PT_DOMAIN_SHUTOFF);
	fakevm_ops(w->vm, &w->vm_ops);
	make_env(w);
	return w;
}

void stage_free(struct stage *w)
{
	int fds;

	stage_close(w);
	pt_root_done(&w->root);
	fakevm_free(w->vm);
	fakekernel_free(w->kernel);
	fault_unshare(w->fault, sizeof(*w->fault));
	fakesys_rmtree(w->dir);
	fds = count_fds();
	if (fds != w->fds_before)
		fail_msg("%d descriptors were left open", fds - w->fds_before);
	free(w->dir);
	free(w);
}

int stage_setup(void **state)
{
	*state = stage_new();
	return 0;
}

int stage_setup_both(void **state)
{
	struct stage *w = stage_new();

	w->both = true;
	w->nic->group = w->hba->group;
	*state = w;
	return 0;
}

int stage_teardown(void **state)
{
	stage_free(*state);
	return 0;
}

void stage_open(struct stage *w)
{
	char *state = pt_strf("%s/state", w->dir);
	char *run = pt_strf("%s/run", w->dir);
	struct pt_error err = { 0 };

	if (pt_journal_open(state, PT_JOURNAL_WRITE, &w->env.journal, &err) < 0 ||
	    pt_lock_open(run, &w->env.lock, &err) < 0)
		fail_msg("%s", err.msg);
	free(state);
	free(run);
}

void stage_close(struct stage *w)
{
	pt_journal_close(w->env.journal);
	pt_lock_close(w->env.lock);
	w->env.journal = NULL;
	w->env.lock = NULL;
}

static struct pt_step *vm_step(struct pt_plan *plan, enum pt_step_kind kind)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	return s;
}

static struct pt_step *device_step(const struct stage *w, struct pt_plan *plan, enum pt_step_kind kind)
{
	return fakekernel_step(w->hba, plan, kind);
}

/* the other member of the group goes along */
static void give_nic(struct stage *w, struct pt_plan *plan)
{
	struct pt_step *s = fakekernel_step(w->nic, plan, PT_STEP_RESERVE);

	s->vm = pt_strdup("cvm");
	s = fakekernel_step(w->nic, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("igb");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
}

static void take_nic(struct stage *w, struct pt_plan *plan)
{
	struct pt_step *s;

	(void)fakekernel_step(w->nic, plan, PT_STEP_UNRESERVE);
	s = fakekernel_step(w->nic, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
}

#define VF_BEFORE "vf=0 address=0000:02:10.0 mac=02:11:22:33:44:00 vlan=0 qos=0 trust=off\n"
#define VF_AFTER  "vf=0 address=0000:02:10.0 mac=06:00:00:00:00:01 vlan=42 qos=0 trust=on\n"
#define KEPT	  "address=0000:02:00.0\nid=8086:10c9 subsystem=1028:1f49\nvfs=2\nautoprobe=off\n"
#define KEPT_VF	  "vf=0 mtu=9000 mac=06:00:00:00:00:01 vlan=42 qos=0 trust=on\n"

int stage_setup_network(void **state)
{
	struct stage *w = stage_new();
	const struct pt_host_ops *h = &w->host;

	w->network = true;
	fakekernel_sriov(w->nic, 7);
	w->nic->autoprobe = false;
	w->nic->link_down = true;
	assert_int_equal(h->write(h->ctx, w->nic->bdf, "bus/pci/devices/0000:02:00.0/sriov_numvfs", "2", 0, NULL), 0);
	assert_int_equal(h->file_write(h->ctx, PT_HOST_SRIOV, "0000:02:00.0.conf", KEPT, NULL), 0);
	*state = w;
	return 0;
}

int stage_setup_live(void **state)
{
	struct stage *w = stage_new();

	w->live = true;
	*state = w;
	return 0;
}

int stage_setup_live_network(void **state)
{
	int r = stage_setup_network(state);

	((struct stage *)*state)->live = true;
	return r;
}

static struct fakekernel_device *the_vf(const struct stage *w)
{
	struct pt_bdf bdf = { .bus = 2, .slot = 0x10 };

	return fakekernel_find(w->kernel, bdf);
}

static void set_states(struct pt_step *s, const char *before, const char *after)
{
	s->state_before = pt_strdup(before);
	s->state_after = pt_strdup(after);
}

static void plug_step(const struct fakekernel_device *d, struct pt_plan *plan, enum pt_step_kind kind)
{
	struct pt_step *s = fakekernel_step(d, plan, kind);

	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	s->timeout_ms = 5;
}

static void attach_network(struct stage *w, struct pt_plan *plan)
{
	struct pt_hostdev_add add = { .bdf = the_vf(w)->bdf, .managed = true, .is_interface = true, .vlan = 42 };
	struct pt_step *s;

	add.mac[0] = 6;
	add.mac[5] = 1;
	if (!w->live)
		vm_step(plan, PT_STEP_VM_STOP)->timeout_ms = 5;
	set_states(fakekernel_step(w->nic, plan, PT_STEP_LINK), "up=off mtu=1500", "up=on mtu=9000");
	set_states(fakekernel_step(w->nic, plan, PT_STEP_SRIOV), VF_BEFORE, VF_AFTER);
	set_states(fakekernel_step(w->nic, plan, PT_STEP_SRIOV_KEEP), KEPT, KEPT KEPT_VF);
	s = fakekernel_step(the_vf(w), plan, PT_STEP_RESERVE);
	s->vm = pt_strdup("cvm");
	s->driver_after = pt_strdup("libvirt");
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.add_hostdevs, add);
	if (w->live)
		plug_step(the_vf(w), plan, PT_STEP_VM_PLUG);
	else
		vm_step(plan, PT_STEP_VM_START);
}

static void detach_network(struct stage *w, struct pt_plan *plan)
{
	struct pt_step *s;

	if (w->live)
		plug_step(the_vf(w), plan, PT_STEP_VM_UNPLUG);
	else
		vm_step(plan, PT_STEP_VM_STOP)->timeout_ms = 5;
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.remove_hostdevs, the_vf(w)->bdf);
	(void)fakekernel_step(the_vf(w), plan, PT_STEP_UNRESERVE);
	set_states(fakekernel_step(w->nic, plan, PT_STEP_SRIOV), VF_AFTER, VF_BEFORE);
	set_states(fakekernel_step(w->nic, plan, PT_STEP_SRIOV_KEEP), KEPT KEPT_VF, KEPT);
	if (!w->live)
		vm_step(plan, PT_STEP_VM_START);
}

static void attach_live(struct stage *w, struct pt_plan *plan)
{
	struct pt_hostdev_add add = { .bdf = w->nic->bdf, .guest_bus = 5 };
	struct pt_step *s = fakekernel_step(w->nic, plan, PT_STEP_RESERVE);

	s->vm = pt_strdup("cvm");
	s = fakekernel_step(w->nic, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("igb");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.add_hostdevs, add);
	plug_step(w->nic, plan, PT_STEP_VM_PLUG);
}

static void detach_live(struct stage *w, struct pt_plan *plan)
{
	struct pt_step *s;

	plug_step(w->nic, plan, PT_STEP_VM_UNPLUG);
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.remove_hostdevs, w->nic->bdf);
	(void)fakekernel_step(w->nic, plan, PT_STEP_UNRESERVE);
	s = fakekernel_step(w->nic, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
}

static void prepare_network(struct stage *w, const char *verb, struct pt_plan *plan)
{
	struct pt_error err = { 0 };

	bool attach = strcmp(verb, "attach") == 0;

	*plan = (struct pt_plan){ .verb = pt_strdup(verb), .summary = pt_strf("%s 0000:02:10.0", verb) };
	if (w->network)
		(attach ? attach_network : detach_network)(w, plan);
	else
		(attach ? attach_live : detach_live)(w, plan);
	if (pt_change_prepare(&w->vm_ops, plan, &err) < 0)
		fail_msg("%s", err.msg);
}

void stage_attach(struct stage *w, struct pt_plan *plan)
{
	struct pt_hostdev_add add = { w->hba->bdf, false };
	struct pt_controller_ref scsi = { 0 };
	struct pt_error err = { 0 };
	struct pt_step *s;

	if (w->network || w->live) {
		prepare_network(w, "attach", plan);
		return;
	}
	scsi.type = pt_strdup("scsi");
	*plan = (struct pt_plan){ .verb = pt_strdup("attach"), .summary = pt_strdup("attach 0000:01:00.0 to cvm") };
	vm_step(plan, PT_STEP_VM_STOP)->timeout_ms = 5;
	s = device_step(w, plan, PT_STEP_RESERVE);
	s->vm = pt_strdup("cvm");
	s = device_step(w, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("megaraid_sas");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
	if (w->both)
		give_nic(w, plan);
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_strv_add(&s->edit.remove_disks, "sda");
	pt_strv_add(&s->edit.remove_disks, "sdb");
	pt_array_push(&s->edit.remove_controllers, scsi);
	pt_array_push(&s->edit.add_hostdevs, add);
	if (w->both)
		pt_array_push(&s->edit.add_hostdevs, ((struct pt_hostdev_add){ w->nic->bdf, false }));
	if (w->nic_managed)
		pt_array_push(&s->edit.add_hostdevs, ((struct pt_hostdev_add){ w->nic->bdf, true }));
	vm_step(plan, PT_STEP_VM_AUTOSTART)->flag = true;
	vm_step(plan, PT_STEP_VM_START);
	if (pt_change_prepare(&w->vm_ops, plan, &err) < 0)
		fail_msg("%s", err.msg);
}

void stage_detach(struct stage *w, struct pt_plan *plan)
{
	struct pt_error err = { 0 };
	struct pt_step *s;

	if (w->network || w->live) {
		prepare_network(w, "detach", plan);
		return;
	}
	*plan = (struct pt_plan){ .verb = pt_strdup("detach"), .summary = pt_strdup("detach 0000:01:00.0 from cvm") };
	vm_step(plan, PT_STEP_VM_STOP)->timeout_ms = 5;
	s = vm_step(plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.remove_hostdevs, w->hba->bdf);
	if (w->both)
		pt_array_push(&s->edit.remove_hostdevs, w->nic->bdf);
	(void)device_step(w, plan, PT_STEP_UNRESERVE);
	s = device_step(w, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
	if (w->both)
		take_nic(w, plan);
	vm_step(plan, PT_STEP_VM_START);
	if (pt_change_prepare(&w->vm_ops, plan, &err) < 0)
		fail_msg("%s", err.msg);
}

char *stage_text(const struct stage *w)
{
	char *kernel = fakekernel_text(w->kernel);
	char *vm = fakevm_text(w->vm);
	char *text = pt_strf("%s\n%s", kernel, vm);

	free(kernel);
	free(vm);
	return text;
}

int stage_in_child(struct stage *w, int (*f)(struct stage *w))
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		fail_msg("fork: %s", strerror(errno));
	if (pid == 0)
		_exit(f(w));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		fail_msg("the child did not end in order: status %x", (unsigned)status);
	return WEXITSTATUS(status);
}

int stage_make_attach(struct stage *s, long long *ret_id, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };

	stage_attach(s, &plan);
	*err = (struct pt_error){ 0 };
	return pt_change_apply(&s->env, &plan, ret_id, err);
}

long long stage_attached(struct stage *s)
{
	struct pt_error err;
	long long id = 0;

	if (stage_make_attach(s, &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

int stage_make_undo(struct stage *s, long long id, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long made = 0;
	int r;

	*err = (struct pt_error){ 0 };
	r = pt_change_undo_plan(&s->env, id, &plan, err);
	return r < 0 ? r : pt_change_apply(&s->env, &plan, &made, err);
}

void stage_says(const struct pt_error *err, const char *what)
{
	if (!strstr(err->msg, what) && !strstr(err->hint, what))
		fail_msg("'%s' (%s) says nothing of '%s'", err->msg, err->hint, what);
}

enum pt_change_state stage_state_of(const struct stage *s, long long id)
{
	struct pt_change_record record;
	enum pt_change_state state;

	assert_int_equal(pt_journal_get(s->env.journal, id, &record, NULL), 0);
	state = record.head.state;
	pt_change_record_done(&record);
	return state;
}

int stage_child_attach(struct stage *w)
{
	struct pt_plan plan;
	long long id;

	stage_open(w);
	stage_attach(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

int stage_child_detach(struct stage *w)
{
	struct pt_plan plan;
	long long id;

	stage_open(w);
	stage_detach(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, NULL) == 0 ? 0 : 1;
}

static int apply_in_child(struct stage *w, struct pt_plan *plan)
{
	long long id;

	return pt_change_apply(&w->env, plan, &id, NULL) == 0 ? 0 : 1;
}

int stage_child_reserve(struct stage *w)
{
	struct pt_plan plan = { .verb = pt_strdup("reserve"), .summary = pt_strdup("reserve 0000:01:00.0") };
	struct pt_step *s;

	stage_open(w);
	(void)device_step(w, &plan, PT_STEP_RESERVE);
	s = device_step(w, &plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("megaraid_sas");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
	return apply_in_child(w, &plan);
}

int stage_child_release(struct stage *w)
{
	struct pt_plan plan = { .verb = pt_strdup("release"), .summary = pt_strdup("release 0000:01:00.0") };
	struct pt_step *s;

	stage_open(w);
	(void)device_step(w, &plan, PT_STEP_UNRESERVE);
	s = device_step(w, &plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("vfio-pci");
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
	return apply_in_child(w, &plan);
}

static void remember(struct stage *w, struct pt_plan *plan, const char *vm, const char *uuid)
{
	struct pt_step *s = device_step(w, plan, PT_STEP_RESERVE);

	s->driver_after = pt_strdup("libvirt");
	s->vm = pt_strdup(vm);
	s->vm_uuid = pt_strdup(uuid);
}

int stage_child_remember(struct stage *w)
{
	struct pt_plan plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("remember 0000:01:00.0") };

	stage_open(w);
	remember(w, &plan, "cvm", STAGE_CVM);
	return apply_in_child(w, &plan);
}

int stage_child_hand_over(struct stage *w)
{
	struct pt_plan plan = { .verb = pt_strdup("detach"), .summary = pt_strdup("hand 0000:01:00.0 over") };

	stage_open(w);
	(void)device_step(w, &plan, PT_STEP_UNRESERVE);
	remember(w, &plan, "other", STAGE_OTHER);
	return apply_in_child(w, &plan);
}

int stage_child_move(struct stage *w)
{
	if (stage_child_attach(w) != 0)
		return 1;
	w->hba->bdf.bus = 5;
	w->cvm->autostart = false;
	fakekernel_reboot(w->kernel);
	fakevm_reboot(w->vm);
	return 0;
}

int stage_make_repair(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("repair"), .summary = pt_strdup("repair what has moved") };
	const struct pt_hostdev_move move = { { .bus = 1 }, w->hba->bdf };
	long long id = 0;
	struct pt_step *s = device_step(w, &plan, PT_STEP_RESERVE);
	int r;

	/* as pt_decide_repair() has it: the old record goes when the new one stands */
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(STAGE_CVM);
	s = device_step(w, &plan, PT_STEP_UNRESERVE);
	s->bdf = move.from;
	s = device_step(w, &plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup("megaraid_sas");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
	s = vm_step(&plan, PT_STEP_VM_DEFINE);
	pt_array_push(&s->edit.move_hostdevs, move);
	r = pt_change_prepare(&w->vm_ops, &plan, err);
	return r < 0 ? r : pt_change_apply(&w->env, &plan, &id, err);
}

int stage_child_repair(struct stage *w)
{
	struct pt_error err;

	stage_open(w);
	return stage_make_repair(w, &err) == 0 ? 0 : 1;
}

void stage_settled(const struct stage *w)
{
	struct pt_change_list list = { 0 };

	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	pt_change_list_done(&list);
}

void stage_reboot(struct stage *w)
{
	pt_autofree char *path = pt_strf("%s/state/journal.db", w->dir);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "UPDATE change SET boot = 'earlier', begun_boot = 'earlier'", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	*w->fault = (struct fault){ 0 };
	fakekernel_reboot(w->kernel);
	fakevm_reboot(w->vm);
}

int stage_child_recover(struct stage *w)
{
	unsigned n;

	stage_open(w);
	return pt_change_recover(&w->env, &n, NULL) == 0 ? 0 : 1;
}

int stage_child_recover_host(struct stage *w)
{
	w->env.host_only = true;
	w->env.vm = NULL; /* who asks libvirt now dies of it */
	return stage_child_recover(w);
}
