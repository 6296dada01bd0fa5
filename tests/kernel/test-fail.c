/* SPDX-License-Identifier: Apache-2.0 */
/* Every n-th write fails, in the change and in its undo: afterwards everything is as it was, or recover makes it so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stage.h"

static int attach(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	stage_attach(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

/* the same for a VM that is off */
static int attach_off(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	stage_attach(w, &plan);
	pt_step_done(&plan.steps.v[0]);
	memmove(&plan.steps.v[0], &plan.steps.v[1], --plan.steps.n * sizeof(*plan.steps.v));
	return pt_change_apply(&w->env, &plan, &id, err);
}

static int detach(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;

	stage_detach(w, &plan);
	return pt_change_apply(&w->env, &plan, &id, err);
}

static int undo(struct stage *w, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	long long id = 0;
	int r = pt_change_undo_plan(&w->env, 0, &plan, err);

	return r < 0 ? r : pt_change_apply(&w->env, &plan, &id, err);
}

static void assert_stage(const struct stage *w, const char *expected, unsigned n)
{
	char *now = stage_text(w);

	if (strcmp(now, expected) != 0)
		fail_msg("with write %u failing:\n%s\ninstead of\n%s", n, now, expected);
	free(now);
}

/* returns after how many writes @change succeeded */
static unsigned fail_each(struct stage *w, int (*change)(struct stage *w, struct pt_error *err))
{
	char *before = stage_text(w);
	unsigned n;

	for (n = 1;; n++) {
		struct pt_error err = { 0 };
		int r;

		fakekernel_unload(w->kernel, "vfio-pci");
		*w->fault = (struct fault){ .fail_at = n };
		r = change(w, &err);
		if (r == 0)
			break;
		if (err.kind != PT_ERROR_FAILED || !strstr(err.msg, "\neverything is as it was"))
			fail_msg("with write %u failing: %s", n, err.msg);
		assert_stage(w, before, n);
		stage_settled(w);
	}
	free(before);
	*w->fault = (struct fault){ 0 };
	return n - 1;
}

static void a_change_whose_nth_write_fails_leaves_everything_as_it_was(void **state)
{
	struct stage *w = *state;
	unsigned n;

	stage_open(w);
	n = fail_each(w, attach);
	/* stop, rule, reservation, override, module, unbind, probe, define, autostart, start */
	assert_in_range(n, 10, 12);
	assert_string_equal(w->hba->driver, "vfio-pci");
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	stage_settled(w);
}

static void a_group_of_two_goes_as_a_whole_or_not_at_all(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);
	char *after;

	stage_open(w);
	assert_in_range(fail_each(w, attach), 16, 20);
	assert_string_equal(w->hba->driver, "vfio-pci");
	assert_string_equal(w->nic->driver, "vfio-pci");
	after = stage_text(w);
	assert_in_range(fail_each(w, undo), 14, 20);
	assert_stage(w, before, 0);
	assert_int_equal(attach(w, NULL), 0);
	assert_stage(w, after, 0);
	assert_in_range(fail_each(w, detach), 11, 18);
	assert_string_equal(w->nic->driver, "igb");
	stage_settled(w);
	free(before);
	free(after);
}

static void a_network_whose_nth_write_fails_leaves_everything_as_it_was(void **state)
{
	struct stage *w = *state;
	unsigned n;

	stage_open(w);
	n = fail_each(w, attach);
	/* stop, link, MAC, VLAN, trust, kept, reservation, define, start */
	assert_in_range(n, 9, 12);
	assert_false(w->nic->link_down);
	assert_int_equal(w->nic->mtu, 9000);
	assert_int_equal(w->nic->vf[0].vlan, 42);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);
	n = fail_each(w, undo);
	assert_in_range(n, 9, 12);
	assert_true(w->nic->link_down);
	assert_int_equal(w->nic->mtu, 1500);
	assert_int_equal(w->nic->vf[0].vlan, 0);
	stage_settled(w);
}

static void an_undo_whose_nth_write_fails_leaves_the_change_in_place(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	assert_int_equal(attach(w, &err), 0);
	assert_in_range(fail_each(w, undo), 9, 12);
	assert_stage(w, before, 0);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	stage_settled(w);
	free(before);
}

static void a_detach_whose_nth_write_fails_leaves_the_device_with_the_guest(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before;

	stage_open(w);
	assert_int_equal(attach(w, &err), 0);
	before = stage_text(w);
	assert_in_range(fail_each(w, detach), 7, 10);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	assert_string_equal(w->hba->override, "");
	assert_int_equal(fakekernel_kept(w->kernel), 0);
	/* and back again: the reservation byte for byte, the driver that the kernel had chosen given up */
	if (undo(w, &err) < 0)
		fail_msg("%s", err.msg);
	assert_stage(w, before, 0);
	free(before);
}

static void a_repair_whose_nth_write_fails_leaves_reservation_and_definition_where_they_were(void **state)
{
	struct stage *w = *state;

	assert_int_equal(stage_in_child(w, stage_child_move), 0);
	assert_string_equal(w->hba->driver, "megaraid_sas");
	stage_open(w);
	/* rule and reservation of both addresses, module, override, unbind, probe, define */
	assert_in_range(fail_each(w, stage_make_repair), 8, 14);
	assert_string_equal(w->hba->driver, "vfio-pci");
	assert_non_null(strstr(w->cvm->xml, "bus='0x05'"));
	assert_int_equal(fakekernel_kept(w->kernel), 2);
	stage_settled(w);
}

static void where_nothing_can_be_put_back_recover_does_it_later(void **state)
{
	struct stage *w = *state;
	char *before = stage_text(w);
	unsigned n;

	stage_open(w);
	for (n = 1;; n++) {
		struct pt_error err = { 0 };
		unsigned settled = 0;
		int r;

		fakekernel_unload(w->kernel, "vfio-pci");
		*w->fault = (struct fault){ .fail_from = n };
		r = attach(w, &err);
		if (r == 0)
			break;
		if (n > 1 && (r != -EINTR || err.kind != PT_ERROR_INTERRUPTED || !strstr(err.hint, "recover")))
			fail_msg("with all writes from %u on failing: %d %s", n, r, err.msg);
		/* a second try while everything still fails harms nothing */
		if (n > 1)
			assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
		*w->fault = (struct fault){ 0 };
		assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
		assert_stage(w, before, n);
		stage_settled(w);
	}
	assert_in_range(n, 10, 13);
	free(before);
}

static void a_vm_is_not_started_without_the_device_that_could_not_be_put_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *before = stage_text(w);

	stage_open(w);
	w->hba->hangs = true;
	assert_int_equal(attach(w, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	assert_non_null(strstr(err.msg, "left shut off"));
	assert_int_equal(w->cvm->state, PT_DOMAIN_SHUTOFF);
	assert_int_equal(fakekernel_kept(w->kernel), 0);

	/* the device is the change's own until recover has seen it well: a new attach is refused */
	assert_int_equal(attach(w, &err), -EPERM);
	assert_non_null(strstr(err.hint, "passthru recover"));
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	assert_int_equal(settled, 0);

	w->hba->hangs = false;
	w->hba->hanging = false;
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	assert_stage(w, before, 0);
	free(before);
}

static void a_vm_that_dies_with_its_new_device_gets_its_old_life_back(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->dies = true;
	assert_int_equal(attach(w, &err), -EIO);
	assert_ptr_equal(strstr(err.msg, "cvm was started and did not stay up: qemu: vfio 0000:01:00.0"), err.msg);
	assert_int_equal(err.kind, PT_ERROR_FAILED);
	assert_stage(w, before, 0);
	assert_int_equal(w->cvm->starts, 2);
	free(before);
}

/* the attach is made but for its proof that the VM stays up; taking it back finds a VM that nobody can stop */
static void a_vm_that_cannot_be_stopped_keeps_its_device(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *before = stage_text(w);

	stage_open(w);
	w->cvm->wont_stop = true;
	w->cvm->state = PT_DOMAIN_SHUTOFF;
	free(before);
	before = stage_text(w);
	w->cvm->unwell = true;
	assert_int_equal(attach_off(w, &err), -EINTR);
	stage_says(&err, "cvm runs and may have 0000:01:00.0: its driver is left as it is");
	assert_string_equal(w->hba->driver, "vfio-pci");
	assert_string_equal(w->hba->override, "vfio-pci");
	assert_false(w->hba->hanging);
	assert_int_equal(w->cvm->state, PT_DOMAIN_RUNNING);

	/* it still cannot be stopped: nothing more is lost by asking again */
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), -EINTR);
	assert_string_equal(w->hba->driver, "vfio-pci");
	w->cvm->wont_stop = false;
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	assert_stage(w, before, 0);
	free(before);
}

/* somebody else's program has it: it is named, and nothing is written that would hang */
static void a_device_that_a_process_has_open_is_left_and_the_process_named(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	unsigned settled = 0;
	char *before = stage_text(w);
	long long id;

	stage_open(w);
	id = stage_attached(w);
	assert_string_equal(w->hba->held_by, "cvm");
	fakevm_off(w->vm, w->cvm); /* the VM goes, another program comes */
	(void)snprintf(w->hba->held_by, sizeof(w->hba->held_by), "dpdk (pid 7)");
	assert_true(stage_make_undo(w, id, &err) < 0);
	stage_says(&err, "/dev/vfio/14 open by dpdk (pid 7)");
	assert_string_equal(w->hba->driver, "vfio-pci");
	assert_false(w->hba->hanging);
	w->hba->held_by[0] = '\0';
	assert_int_equal(pt_change_recover(&w->env, &settled, &err), 0);
	if (stage_make_undo(w, id, &err) < 0)
		fail_msg("%s", err.msg);
	w->cvm->state = PT_DOMAIN_RUNNING;
	assert_stage(w, before, 0);
	free(before);
}

static void a_group_that_the_host_still_uses_is_found_before_the_vm_is_touched(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before;

	w->nic->group = w->hba->group;
	before = stage_text(w);
	stage_open(w);
	assert_int_equal(attach(w, &err), -EPERM);
	assert_ptr_equal(strstr(err.msg, "group of 0000:01:00.0 is not viable\neverything is as it was"), err.msg);
	assert_int_equal(w->cvm->defines, 0);
	assert_stage(w, before, 0);
	free(before);
}

/* libvirt's QEMU asks for the group: it is found before the VM is touched; what is only reserved needs none yet */
static void a_kernel_without_groups_is_found_before_the_vm_is_touched(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };
	char *before = stage_text(w);

	w->kernel->iommufd_only = true;
	stage_open(w);
	assert_int_equal(attach(w, &err), -EOPNOTSUPP);
	assert_ptr_equal(strstr(err.msg, "there is no node of the group of 0000:01:00.0\neverything is as it was"),
			 err.msg);
	assert_int_equal(w->cvm->defines, 0);
	assert_stage(w, before, 0);
	stage_close(w);
	assert_int_equal(stage_in_child(w, stage_child_reserve), 0);
	assert_string_equal(w->hba->driver, "vfio-pci");
	free(before);
}

/* the same neighbour, but the VM gets it too: libvirt takes it from the host's driver when it starts the VM */
static void a_member_that_libvirt_binds_itself_is_not_waited_for(void **state)
{
	struct stage *w = *state;
	struct pt_error err = { 0 };

	w->nic->group = w->hba->group;
	w->nic_managed = true;
	stage_open(w);
	if (attach(w, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(w->hba->driver, "vfio-pci");
}

/* the neighbour in the group is a running guest's: that is no reason not to reserve this one, but none can start with
 * it */
static void a_group_in_use_is_in_the_way_only_of_a_vm_that_starts(void **state)
{
	struct stage *w = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;
	struct pt_step keep;

	stage_open(w);
	w->nic->group = w->hba->group;
	(void)strcpy(w->nic->driver, "vfio-pci");
	(void)strcpy(w->nic->held_by, "other (pid 7)");
	assert_int_equal(attach(w, &err), -EBUSY);
	stage_says(&err, "/dev/vfio/14 open by other (pid 7)");
	assert_string_equal(w->hba->driver, "megaraid_sas");

	stage_attach(w, &plan);
	keep = plan.steps.v[2];
	plan.steps.v[2] = plan.steps.v[0];
	plan.steps.v[0] = keep;
	while (plan.steps.n > 1)
		pt_step_done(&plan.steps.v[--plan.steps.n]);
	if (pt_change_apply(&w->env, &plan, &id, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(w->hba->driver, "vfio-pci");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_whose_nth_write_fails_leaves_everything_as_it_was, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(an_undo_whose_nth_write_fails_leaves_the_change_in_place, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_detach_whose_nth_write_fails_leaves_the_device_with_the_guest,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(
			a_repair_whose_nth_write_fails_leaves_reservation_and_definition_where_they_were, stage_setup,
			stage_teardown),
		cmocka_unit_test_setup_teardown(where_nothing_can_be_put_back_recover_does_it_later, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_vm_is_not_started_without_the_device_that_could_not_be_put_back,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_member_that_libvirt_binds_itself_is_not_waited_for, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_kernel_without_groups_is_found_before_the_vm_is_touched, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_group_that_the_host_still_uses_is_found_before_the_vm_is_touched,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_group_in_use_is_in_the_way_only_of_a_vm_that_starts, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_network_whose_nth_write_fails_leaves_everything_as_it_was,
						stage_setup_network, stage_teardown),
		cmocka_unit_test_setup_teardown(a_group_of_two_goes_as_a_whole_or_not_at_all, stage_setup_both,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_cannot_be_stopped_keeps_its_device, stage_setup,
						stage_teardown),
		cmocka_unit_test_setup_teardown(a_device_that_a_process_has_open_is_left_and_the_process_named,
						stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_dies_with_its_new_device_gets_its_old_life_back, stage_setup,
						stage_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
