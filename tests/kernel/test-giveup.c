/* SPDX-License-Identifier: Apache-2.0 */
/* A card is pulled, or a VM undefined, in the middle of a change: --give-up settles it, and never what is there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "change/run.h"
#include "fakesys.h"
#include "stage.h"

static int recover(struct stage *w)
{
	unsigned n;

	stage_open(w);
	return pt_change_recover(&w->env, &n, NULL) == 0 ? 0 : 1;
}

static int give_up(struct stage *w)
{
	PT_AUTO(pt_given_up) given = { 0 };

	stage_open(w);
	return pt_change_give_up(&w->env, 1, NULL, &given, NULL) == 0 ? 0 : 1;
}

/* change 1, killed after its @n-th write; false when it has fewer */
static bool killed_after(struct stage *w, int (*change)(struct stage *w), unsigned n)
{
	int status;

	*w->fault = (struct fault){ .die_after = n };
	status = stage_in_child(w, change);
	*w->fault = (struct fault){ 0 };
	return status == FAULT_EXIT;
}

/* definitions and autostart, whoever runs */
static char *vms_of(const struct stage *w)
{
	enum pt_domain_state was = w->cvm->state;
	char *text;

	w->cvm->state = PT_DOMAIN_SHUTOFF;
	text = fakevm_text(w->vm);
	w->cvm->state = was;
	return text;
}

/* the next change is number 1 again */
static void forget(struct stage *w)
{
	pt_autofree char *path = pt_strf("%s/state", w->dir);

	fakesys_rmtree(path);
}

static void assert_settled(struct stage *w, const char *vms, const char *when, unsigned n)
{
	struct pt_change_list list = { 0 };
	char *now = vms_of(w);

	if (strcmp(now, vms) != 0)
		fail_msg("%s write %u: the VMs are\n%s\nand were\n%s", when, n, now, vms);
	free(now);
	assert_int_equal(fakekernel_kept(w->kernel), 0);
	stage_open(w);
	assert_int_equal(pt_journal_list(w->env.journal, true, &list, NULL), 0);
	if (list.n)
		fail_msg("%s write %u: %zu changes are unsettled", when, n, list.n);
	pt_change_list_done(&list);
	stage_close(w);
}

struct saved {
	struct fakekernel kernel;
	struct fakevm vm;
};

/* recover first; where that leaves it stuck, it is given up, and killed while it is at that, and given up once more */
static bool pull_and_give_up(struct stage *w, const char *vms, unsigned n, unsigned m)
{
	bool stuck;
	int ended;

	w->hba->gone = true;
	stuck = stage_in_child(w, recover) != 0;
	*w->fault = (struct fault){ .die_after = m };
	ended = stuck ? stage_in_child(w, give_up) : 0;
	*w->fault = (struct fault){ 0 };
	if (ended == FAULT_EXIT) {
		/* the card is gone: nobody may settle it without being told to */
		assert_int_equal(stage_in_child(w, give_up), 0);
		assert_settled(w, vms, "given up twice, killed after", n);
		return true;
	}
	assert_int_equal(ended, 0);
	assert_settled(w, vms, "killed after", n);
	return false;
}

static void a_card_that_is_pulled_after_any_write_can_be_given_up(void **state)
{
	struct stage *w = *state;
	struct saved *start = malloc(sizeof(*start));
	char *vms = vms_of(w);
	unsigned n = 1;

	assert_non_null(start);
	*start = (struct saved){ *w->kernel, *w->vm };
	while (killed_after(w, stage_child_attach, n)) {
		unsigned m = 1;

		while (pull_and_give_up(w, vms, n, m++)) {
			*w->kernel = start->kernel;
			*w->vm = start->vm;
			forget(w);
			assert_true(killed_after(w, stage_child_attach, n));
		}
		*w->kernel = start->kernel;
		*w->vm = start->vm;
		forget(w);
		n++;
	}
	assert_in_range(n, 9, 13);
	free(start);
	free(vms);
}

/* change 1, killed right after the first write that the VM is defined with the devices by */
static void cut_off_when_defined(struct stage *w)
{
	const struct saved start = { *w->kernel, *w->vm };

	for (unsigned n = 1;; n++) {
		assert_true(killed_after(w, stage_child_attach, n));
		if (strstr(w->cvm->xml, "<hostdev"))
			break;
		*w->kernel = start.kernel;
		*w->vm = start.vm;
		forget(w);
	}
	assert_string_equal(w->hba->driver, "vfio-pci");
}

static void cut_off_and_pulled(struct stage *w)
{
	cut_off_when_defined(w);
	w->hba->gone = true;
	stage_open(w);
}

static void it_is_told_before_what_is_never_taken_back_and_what_was_given_up_after(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_change_record) record = { 0 };
	PT_AUTO(pt_given_up) gone = { 0 };
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	cut_off_and_pulled(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	stage_says(&err, "--give-up");
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_STUCK);
	assert_int_equal(pt_change_gone(&w->env, 1, &gone, &err), 0);
	assert_int_equal(gone.lines.n, 1);
	assert_non_null(strstr(gone.lines.v[0], "bind 0000:01:00.0"));
	assert_non_null(strstr(gone.lines.v[0], "there is no PCI function 0000:01:00.0 any more"));
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_STUCK);

	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &given, &err), 0);
	assert_int_equal(given.lines.n, 2);
	assert_non_null(strstr(given.lines.v[0], "bind 0000:01:00.0"));
	assert_non_null(strstr(given.lines.v[1], "shut down cvm"));
	assert_non_null(strstr(given.lines.v[1], "left shut off"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_null(strstr(w->cvm->xml, "<hostdev"));
	assert_int_equal(pt_journal_get(w->env.journal, 1, &record, NULL), 0);
	assert_int_equal(record.head.state, PT_CHANGE_FAILED);
	assert_non_null(strstr(record.head.message, "given up: bind 0000:01:00.0"));
	/* of the earlier recover, which could not: that is history now */
	assert_null(strstr(record.head.message, "not taken back"));
}

static void what_is_there_is_not_given_up(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) lines = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *between;
	char *now;

	cut_off_and_pulled(w);
	w->hba->gone = false;
	between = stage_text(w);
	assert_int_equal(pt_change_gone(&w->env, 1, &lines, &err), -EPERM);
	stage_says(&err, "nothing of change 1 (attach 0000:01:00.0 to cvm) has to be given up");
	stage_says(&err, "passthru recover");
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &lines, &err), -EPERM);
	now = stage_text(w);
	assert_string_equal(now, between);
	free(between);
	free(now);
	assert_int_equal(pt_change_recover(&w->env, &settled, NULL), 0);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
}

static void a_stranger_at_its_address_is_no_reason_to_touch_him(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };

	cut_off_and_pulled(w);
	w->hba->gone = false;
	w->hba->ids[1] = 0x005d;
	(void)snprintf(w->hba->driver, sizeof(w->hba->driver), "igb");
	w->hba->override[0] = '\0';
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &given, NULL), 0);
	assert_non_null(strstr(given.lines.v[0], "another device is at 0000:01:00.0 now"));
	assert_string_equal(w->hba->driver, "igb");
	assert_string_equal(w->hba->override, "");
	assert_null(strstr(w->cvm->xml, "<hostdev"));
}

static void of_two_devices_only_the_one_that_is_gone_is_given_up(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };

	cut_off_when_defined(w);
	assert_string_equal(w->nic->driver, "vfio-pci");
	w->hba->gone = true;
	w->nic->probe_fails = true;
	stage_open(w);
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &given, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "bind 0000:02:00.0");
	assert_null(strstr(err.msg, "bind 0000:01:00.0"));
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_STUCK);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);

	w->nic->probe_fails = false;
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &given, &err), 0);
	assert_string_equal(w->nic->driver, "igb");
	assert_string_equal(w->nic->override, "");
	assert_int_equal(given.lines.n, 2);
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_FAILED);
}

/* after its settings were made and before its VM has it */
static bool is_set_up(const struct stage *w)
{
	return w->nic->vf[0].vlan == 42 && w->nic->vf[0].trust && !strstr(w->cvm->xml, "<hostdev");
}

static void a_card_with_a_network_that_is_pulled_can_be_given_up(void **state)
{
	struct stage *w = *state;
	const struct saved start = { *w->kernel, *w->vm };
	PT_AUTO(pt_given_up) gone = { 0 };
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	for (unsigned n = 1; !is_set_up(w); n++) {
		*w->kernel = start.kernel;
		*w->vm = start.vm;
		forget(w);
		assert_true(killed_after(w, stage_child_attach, n));
	}
	w->nic->gone = true;
	for (unsigned i = 0; i < w->kernel->n_devices; i++)
		w->kernel->devices[i].gone = w->kernel->devices[i].gone || w->kernel->devices[i].is_vf;
	stage_open(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	stage_says(&err, "--give-up");
	assert_int_equal(pt_change_gone(&w->env, 1, &gone, &err), 0);
	assert_int_equal(gone.lines.n, 2);
	if (pt_change_give_up(&w->env, 1, NULL, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_FAILED);
	assert_null(strstr(w->cvm->xml, "<hostdev"));
}

/* what the boot made of the interface of whatever is there now is nobody's to take back */
static void an_interface_is_not_given_up_after_another_boot(void **state)
{
	struct stage *w = *state;
	struct pt_step link = { .kind = PT_STEP_LINK, .bdf = w->nic->bdf, .vendor = 0x8086, .device = 0x10c9 };
	struct pt_run run = { .env = &w->env };

	w->nic->gone = true;
	assert_true(pt_step_gone(&run, &link, NULL));
	run.rebooted = true;
	assert_false(pt_step_gone(&run, &link, NULL));
	w->nic->gone = false;
	w->nic->ids[1] = 0x1521;
	assert_false(pt_step_gone(&run, &link, NULL));
}

static void without_libvirt_a_change_of_vms_is_left_as_it_is(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) lines = { 0 };
	struct pt_error err = { 0 };
	enum pt_change_state was;
	char *between;
	char *now;

	cut_off_and_pulled(w);
	was = stage_state_of(w, 1);
	between = stage_text(w);
	w->env.no_vms = true;
	assert_int_equal(pt_change_gone(&w->env, 1, &lines, &err), -ENOTCONN);
	stage_says(&err, "change 1 (attach 0000:01:00.0 to cvm) is about VMs, too");
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &lines, &err), -ENOTCONN);
	now = stage_text(w);
	assert_string_equal(now, between);
	assert_int_equal(stage_state_of(w, 1), was);
	free(between);
	free(now);
}

static void without_libvirt_a_change_of_devices_alone_can_be_given_up(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };

	for (unsigned n = 1; strcmp(w->hba->driver, "vfio-pci") != 0; n++) {
		forget(w);
		assert_true(killed_after(w, stage_child_reserve, n));
		if (strcmp(w->hba->driver, "vfio-pci") != 0)
			assert_int_equal(stage_in_child(w, recover), 0);
	}
	w->hba->gone = true;
	stage_open(w);
	w->env.no_vms = true;
	if (pt_change_give_up(&w->env, 1, NULL, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_FAILED);
}

static void a_detach_whose_card_is_pulled_leaves_the_vm_its_definition_and_off(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	char *vms;

	assert_int_equal(stage_in_child(w, stage_child_attach), 0);
	vms = vms_of(w);
	*w->fault = (struct fault){ .die_after = 6 };
	assert_int_equal(stage_in_child(w, stage_child_detach), FAULT_EXIT);
	*w->fault = (struct fault){ 0 };
	w->hba->gone = true;
	stage_open(w);
	if (pt_change_give_up(&w->env, 2, NULL, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_FAILED);
	/* the reservation is back: should the card come back, it is the VM's */
	assert_true(fakekernel_kept(w->kernel) > 0);
	stage_close(w);
	pt_autofree char *now = vms_of(w);
	assert_string_equal(now, vms);
	free(vms);
}

static void a_vm_that_was_undefined_meanwhile_is_given_up_and_its_device_put_back(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	cut_off_when_defined(w);
	w->cvm->uuid[0] ^= 1;
	stage_open(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	assert_int_equal(pt_change_give_up(&w->env, 1, NULL, &given, &err), 0);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_string_equal(w->hba->override, "");
	assert_int_equal(fakekernel_kept(w->kernel), 0);
	assert_int_equal(stage_state_of(w, 1), PT_CHANGE_FAILED);
}

static bool is_with_host(const struct fakekernel_device *d)
{
	return strcmp(d->driver, d->native) == 0;
}

static bool is_half_given(const struct fakekernel_device *has, const struct fakekernel_device *between)
{
	return is_with_host(has) && !between->driver[0];
}

/* a detach of two, killed when the host has one, which it uses since, and the other was on its way, which is pulled */
static void half_given_and_pulled(struct stage *w)
{
	const struct saved start = { *w->kernel, *w->vm };

	for (unsigned n = 1; !is_half_given(w->hba, w->nic) && !is_half_given(w->nic, w->hba); n++) {
		*w->kernel = start.kernel;
		*w->vm = start.vm;
		forget(w);
		assert_int_equal(stage_in_child(w, stage_child_attach), 0);
		assert_true(killed_after(w, stage_child_detach, n));
	}
	w->taken = is_with_host(w->hba) ? w->hba : w->nic;
	(w->taken == w->hba ? w->nic : w->hba)->gone = true;
	stage_open(w);
}

/* all else is not taken back then, as elsewhere: that is said before and after, and is what is done */
static void where_the_host_uses_what_it_got_all_else_is_finished_and_that_is_said(void **state)
{
	struct stage *w = *state;
	const struct pt_given_up wrong = { 0 };
	PT_AUTO(pt_change_record) record = { 0 };
	PT_AUTO(pt_given_up) gone = { 0 };
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };
	unsigned settled = 0;

	half_given_and_pulled(w);
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	stage_says(&err, "not finished");
	assert_int_equal(pt_change_gone(&w->env, 2, &gone, &err), 0);
	assert_int_equal(gone.lines.n, 1);
	assert_non_null(strstr(gone.lines.v[0], w->hba->gone ? "0000:01:00.0" : "0000:02:00.0"));
	assert_non_null(gone.forward);
	assert_non_null(strstr(gone.forward, "this host uses it"));

	/* who was asked about the other way has not said yes to this one */
	assert_int_equal(pt_change_give_up(&w->env, 2, &wrong, &given, &err), -ESTALE);
	stage_says(&err, "change 2 would not be taken back, as was asked, but finished");
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_STUCK);
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);

	if (pt_change_give_up(&w->env, 2, &gone, &given, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(given.lines.n, 1);
	assert_string_equal(given.forward, gone.forward);
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_DONE);
	assert_true(is_with_host(w->taken));
	assert_null(strstr(w->cvm->xml, "<hostdev"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	assert_int_equal(fakekernel_kept(w->kernel), 0);
	assert_int_equal(pt_journal_get(w->env.journal, 2, &record, NULL), 0);
	assert_non_null(strstr(record.head.message, "finished by recover: "));
	assert_non_null(strstr(record.head.message, "given up: "));
}

/* and the other way round: the host has stopped using it since the question */
static void what_was_to_be_finished_is_not_taken_back_unasked(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_given_up) told = { 0 };
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error err = { 0 };

	half_given_and_pulled(w);
	assert_int_equal(pt_change_gone(&w->env, 2, &told, &err), 0);
	assert_non_null(told.forward);
	w->taken = NULL;
	assert_int_equal(pt_change_give_up(&w->env, 2, &told, &given, &err), -ESTALE);
	stage_says(&err, "would not be finished, as was asked, but taken back");
	assert_int_equal(pt_change_give_up(&w->env, 2, NULL, &given, &err), 0);
	assert_null(given.forward);
	assert_int_equal(stage_state_of(w, 2), PT_CHANGE_FAILED);
	assert_non_null(strstr(w->cvm->xml, "<hostdev"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
}

static void what_is_settled_under_way_or_unknown_is_refused(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_given_up) lines = { 0 };
	struct pt_owner self = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;

	stage_open(w);
	assert_int_equal(stage_attached(w), 1);
	w->hba->gone = true;
	assert_int_equal(pt_change_gone(&w->env, 1, &lines, &err), -EINVAL);
	stage_says(&err, "change 1 (attach 0000:01:00.0 to cvm) is settled: it is done");
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_int_equal(pt_change_give_up(&w->env, 9, NULL, &lines, &err), -ENOENT);
	w->hba->gone = false;
	stage_detach(w, &plan);
	assert_int_equal(pt_owner_self(w->root.proc_fd, &self, NULL), 0);
	assert_int_equal(pt_journal_begin(w->env.journal, &plan, &self, &id, NULL), 0);
	w->hba->gone = true;
	assert_int_equal(pt_change_give_up(&w->env, id, NULL, &lines, &err), -EPERM);
	stage_says(&err, "is being made right now by process");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		T(a_card_that_is_pulled_after_any_write_can_be_given_up),
		T(it_is_told_before_what_is_never_taken_back_and_what_was_given_up_after),
		T(what_is_there_is_not_given_up),
		T(a_stranger_at_its_address_is_no_reason_to_touch_him),
		cmocka_unit_test_setup_teardown(of_two_devices_only_the_one_that_is_gone_is_given_up, stage_setup_both,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_card_with_a_network_that_is_pulled_can_be_given_up,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(an_interface_is_not_given_up_after_another_boot, stage_setup_network,
						stage_teardown),
		T(without_libvirt_a_change_of_vms_is_left_as_it_is),
		T(without_libvirt_a_change_of_devices_alone_can_be_given_up),
		T(a_detach_whose_card_is_pulled_leaves_the_vm_its_definition_and_off),
		T(a_vm_that_was_undefined_meanwhile_is_given_up_and_its_device_put_back),
		cmocka_unit_test_setup_teardown(where_the_host_uses_what_it_got_all_else_is_finished_and_that_is_said,
						stage_setup_both, stage_teardown),
		cmocka_unit_test_setup_teardown(what_was_to_be_finished_is_not_taken_back_unasked, stage_setup_both,
						stage_teardown),
		T(what_is_settled_under_way_or_unknown_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
