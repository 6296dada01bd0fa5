/* SPDX-License-Identifier: Apache-2.0 */
/* Plans to reserve and to release, and what stands against them; every refusal that may be forced has its flag. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/boot-step.h"
#include "decide/reserve.h"
#include "model/use.h"
#include "world.h"

static int decide(struct world *w, bool release)
{
	struct pt_reserve_request request = { .devices = w->asked.v, .n_devices = w->asked.n };

	pt_array_push(&w->forced, NULL);
	request.forced = w->forced.v;
	w->forced.n--;
	pt_plan_done(&w->plan);
	w->err = (struct pt_error){ 0 };
	if (release)
		return pt_decide_release(&w->host, &w->others, &request, &w->plan, &w->err);
	return pt_decide_reserve(&w->host, &w->others, w->claims.v, w->claims.n, &request, &w->plan, &w->err);
}

static void reserve(struct world *w, const char *steps)
{
	char *made;

	if (decide(w, false) < 0)
		fail_msg("refused: %s", w->err.msg);
	made = world_steps(w);
	assert_string_equal(made, steps);
	free(made);
}

static void release(struct world *w, const char *steps)
{
	char *made;

	if (decide(w, true) < 0)
		fail_msg("refused: %s", w->err.msg);
	made = world_steps(w);
	assert_string_equal(made, steps);
	free(made);
}

static void refused(struct world *w, bool giving_back, const char *name)
{
	assert_int_equal(decide(w, giving_back), -EPERM);
	assert_non_null(pt_plan_refusal(&w->plan));
	assert_string_equal(pt_plan_refusal(&w->plan)->name, name);
	assert_non_null(pt_plan_refusal(&w->plan)->fix);
}

static struct pt_keep *is_reserved(struct world *w, const char *bdf)
{
	const struct pt_device *d = world_device(w, bdf);
	struct pt_keep *k = pt_array_add(&w->host.reserved);

	k->id = (struct pt_identity){ .last_seen = d->bdf,
				      .vendor = d->vendor,
				      .device = d->device,
				      .subvendor = d->subvendor,
				      .subdevice = d->subdevice,
				      .vf_index = -1 };
	k->driver = pt_strdup("vfio-pci");
	return k;
}

static void bound(struct world *w, const char *bdf)
{
	struct pt_device *d = world_device(w, bdf);

	pt_strset(&d->driver, "vfio-pci");
	pt_strset(&d->driver_override, "vfio-pci");
}

static void a_controller_is_reserved_and_bound(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:01:00.0");
	reserve(w, "reserve driver");
	assert_string_equal(w->plan.verb, "reserve");
	assert_string_equal(w->plan.summary, "reserve 0000:01:00.0 (Broadcom / LSI MegaRAID SAS 2108)");
	assert_null(world_step(w, PT_STEP_RESERVE, 0)->vm);
}

static void what_is_reserved_and_bound_already_needs_nothing(void **state)
{
	struct world *w = *state;

	(void)is_reserved(w, "0000:01:00.0");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	reserve(w, "");
	assert_non_null(world_finding(w, "reserved"));
}

static void what_is_only_remembered_becomes_reserved(void **state)
{
	struct world *w = *state;

	pt_strset(&is_reserved(w, "0000:01:00.0")->driver, "libvirt");
	world_ask(w, "0000:01:00.0");
	reserve(w, "unreserve reserve driver");
}

static void what_the_host_uses_is_refused_by_name(void **state)
{
	struct world *w = *state;

	(void)world_use(w, "0000:01:00.0", PT_USE_MOUNT);
	world_ask(w, "0000:01:00.0");
	refused(w, false, "mounted");
	world_force(w, "mounted");
	reserve(w, "reserve driver");
}

static void half_a_group_is_refused(void **state)
{
	struct world *w = *state;

	world_ask(w, "0000:05:01.0");
	refused(w, false, "group");
	assert_non_null(strstr(pt_plan_refusal(&w->plan)->fix, "`passthru reserve 0000:05:01.0 0000:05:02.0`"));
	world_ask(w, "0000:05:02.0");
	reserve(w, "reserve reserve driver driver");
}

static void an_idle_member_is_reserved_along_and_goes_back_with_the_rest(void **state)
{
	struct world *w = *state;

	pt_strset(&world_device(w, "0000:05:02.0")->driver, NULL);
	world_ask(w, "0000:05:01.0");
	reserve(w, "reserve driver reserve driver");
	assert_non_null(world_finding(w, "group-idle"));
	/* what is reserved already is left as it is */
	bound(w, "0000:05:02.0");
	is_reserved(w, "0000:05:02.0")->change = 7;
	reserve(w, "reserve driver");
	bound(w, "0000:05:01.0");
	is_reserved(w, "0000:05:01.0")->change = 7;
	release(w, "unreserve driver unreserve driver");
	assert_non_null(world_finding(w, "group-idle"));
	/* by another command, or for somebody: that one is asked for by name */
	w->host.reserved.v[0].change = 6;
	release(w, "unreserve driver");
	w->host.reserved.v[0].change = 7;
	w->host.reserved.v[0].vm_uuid = pt_strdup("6f2a7a1e-0000-0000-0000-000000000001");
	release(w, "unreserve driver");
}

static void an_override_for_another_driver_is_respected(void **state)
{
	struct world *w = *state;
	struct pt_host_override o = { world_bdf("0000:01:00.0"), pt_strdup("driverctl (/etc/driverctl.d/x)") };

	pt_array_push(&w->host.overrides, o);
	pt_strset(&world_device(w, "0000:01:00.0")->driver_override, "nouveau");
	world_ask(w, "0000:01:00.0");
	refused(w, false, "override");
	assert_non_null(strstr(w->err.msg, "driverctl"));
	world_force(w, "override");
	reserve(w, "reserve driver");
}

static void disks_that_a_vm_uses_are_refused(void **state)
{
	struct world *w = *state;

	pt_array_push(&w->claims, ((struct pt_vm_claim){ "db", 0, "/dev/sda", true }));
	world_ask(w, "0000:01:00.0");
	refused(w, false, "other-vm-disk");
	world_force(w, "other-vm-disk");
	refused(w, false, "other-vm-disk");
}

static void what_vms_have_in_other_ways_than_disks_is_refused(void **state)
{
	struct world *w = *state;
	struct pt_vm_claim argument = { .vm = "db", .block = 0, .path = "/dev/sda", .kind = PT_CLAIM_ARGUMENT };
	struct pt_vm_claim scsi = { .vm = "tape", .path = "scsi_host0", .running = true, .kind = PT_CLAIM_SCSI };

	pt_array_push(&w->claims, argument);
	world_ask(w, "0000:01:00.0");
	refused(w, false, "other-vm-disk");
	w->claims.n = 0;
	assert_int_equal(pt_bdf_parse("0000:01:00.0", &scsi.controller), 0);
	pt_array_push(&w->claims, scsi);
	refused(w, false, "other-vm-disk");
	assert_non_null(strstr(w->err.msg, "tape"));
}

static void a_device_of_a_vm_may_be_reserved(void **state)
{
	struct world *w = *state;

	(void)world_add_hostdev(world_add_vm(w, "cvm2", PT_DOMAIN_SHUTOFF), "0000:01:00.0", true);
	world_ask(w, "0000:01:00.0");
	reserve(w, "reserve driver");
	assert_non_null(world_finding(w, "managed"));
}

static void a_bridge_is_a_mistake(void **state)
{
	struct world *w = *state;

	world_add_device(w, "0000:07:00.0", 0x060400, "pcieport", 40);
	world_ask(w, "0000:07:00.0");
	assert_int_equal(decide(w, false), -EINVAL);
	assert_int_equal(w->err.kind, PT_ERROR_USAGE);
}

static void a_reserved_device_goes_back(void **state)
{
	struct world *w = *state;

	(void)is_reserved(w, "0000:01:00.0");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	release(w, "unreserve driver");
	assert_true(world_step(w, PT_STEP_DRIVER, 0)->reprobe);
}

/* in an initramfs, too: whichever command made the plan */
static void a_plan_that_changes_what_happens_at_boot_is_known(void **state)
{
	struct world *w = *state;
	const struct pt_keeps none = { 0 };
	struct pt_step inverse;
	struct pt_step *s;

	world_ask(w, "0000:01:00.0");
	reserve(w, "reserve driver");
	assert_ptr_equal(pt_boot_step(&w->plan, &w->host.reserved), &w->plan.steps.v[0]);
	/* its undo, while it is reserved or where the record cannot be read */
	s = &w->plan.steps.v[0];
	pt_step_invert(s, &inverse);
	pt_step_done(s);
	*s = inverse;
	assert_ptr_equal(pt_boot_step(&w->plan, &none), s);
	/* and what was only remembered is no business of the boot's */
	pt_strset(&is_reserved(w, "0000:01:00.0")->driver, "libvirt");
	assert_null(pt_boot_step(&w->plan, &w->host.reserved));
	pt_strset(&s->driver_before, "libvirt");
	assert_null(pt_boot_step(&w->plan, &none));
	/* an undo that writes a reservation back */
	s->kind = PT_STEP_RESERVE;
	s->reservation = pt_strdup("address=0000:01:00.0\nvendor_id=1000\ndevice_id=0079\nsubsystem_vendor_id=1000\n"
				   "subsystem_device_id=9261\ndriver=vfio-pci\nvm=\nvm_uuid=\nchange=1\n");
	assert_ptr_equal(pt_boot_step(&w->plan, &none), s);
	s->flag = true;
	assert_null(pt_boot_step(&w->plan, &none));
}

static void what_is_not_reserved_is_not_released(void **state)
{
	struct world *w = *state;

	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	assert_int_equal(decide(w, true), -ENOENT);
	assert_int_equal(w->err.kind, PT_ERROR_USAGE);
}

static void a_stranger_at_the_address_is_left_alone(void **state)
{
	struct world *w = *state;

	is_reserved(w, "0000:01:00.0")->id.device = 0x5d;
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	release(w, "unreserve");
	assert_int_equal(world_step(w, PT_STEP_UNRESERVE, 0)->device, 0x5d);
}

/* its VM was undefined without a detach: nobody else would ever give the record up */
static void what_was_remembered_for_a_vm_that_is_gone_is_released(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = is_reserved(w, "0000:01:00.0");

	pt_strset(&k->driver, "libvirt");
	pt_strset(&k->vm, "web");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	release(w, "unreserve");
	assert_non_null(strstr(world_finding(w, "remembered")->fact, "for VM web, and no VM has it any more"));
	(void)world_add_hostdev(world_add_vm(w, "web", PT_DOMAIN_SHUTOFF), "0000:01:00.0", true);
	assert_int_equal(decide(w, true), -ENOENT);
	assert_non_null(strstr(w->err.hint, "passthru detach"));
}

static void a_twin_at_the_address_is_neither_released_nor_reserved(void **state)
{
	struct world *w = *state;
	struct pt_keep *k = is_reserved(w, "0000:01:00.0");
	struct pt_identity *there = pt_array_add(&w->host.present);

	*there = (struct pt_identity){ .last_seen = k->id.last_seen,
				       .vendor = k->id.vendor,
				       .device = k->id.device,
				       .subvendor = k->id.subvendor,
				       .subdevice = k->id.subdevice,
				       .serial = pt_strdup("dsn:another"),
				       .slot_path = pt_strdup("a"),
				       .vf_index = -1 };
	pt_strset(&k->id.serial, "dsn:1");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	release(w, "unreserve");
	refused(w, false, "identity");
	pt_strset(&there->serial, "dsn:1");
	release(w, "unreserve driver");
}

static void what_driverctl_keeps_stays_where_it_is(void **state)
{
	struct world *w = *state;
	struct pt_host_override o = { world_bdf("0000:01:00.0"), pt_strdup("driverctl (/etc/driverctl.d/x)") };

	pt_array_push(&w->host.overrides, o);
	(void)is_reserved(w, "0000:01:00.0");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	release(w, "unreserve");
}

static void what_a_vm_counts_on_is_not_released(void **state)
{
	struct world *w = *state;
	struct pt_domain *vm = world_add_vm(w, "cvm2", PT_DOMAIN_RUNNING);

	(void)world_add_hostdev(vm, "0000:01:00.0", false);
	(void)is_reserved(w, "0000:01:00.0");
	bound(w, "0000:01:00.0");
	world_ask(w, "0000:01:00.0");
	refused(w, true, "other-vm");
	world_force(w, "other-vm");
	refused(w, true, "other-vm");
	w->others.v[w->others.n - 1].state = PT_DOMAIN_SHUTOFF;
	release(w, "unreserve driver");
}

/* the output of `passthru help VERB` */
static char *help_of(const char *verb)
{
	pt_autofree char *command = pt_strf("%s help %s", getenv("PT_PASSTHRU"), verb);
	char *text = pt_alloc(65536);
	FILE *p = popen(command, "r");

	assert_non_null(p);
	assert_int_not_equal(fread(text, 1, 65535, p), 0);
	assert_int_equal(pclose(p), 0);
	return text;
}

/* the names given to a refusal that may be forced, as they stand in decide/; those of sriov.c are another command's */
static void every_refusal_that_may_be_forced_has_its_flag(void **state)
{
	pt_autofree char *attach = help_of("attach");
	pt_autofree char *reserving = help_of("reserve");
	pt_autofree char *command =
		pt_strf("find %s/src/decide -name '*.c' ! -name sriov.c -exec cat {} + | tr -d '\\n\\t' | "
			"grep -oE 'PT_FORCE_BY_NAME[^\"]*\"[a-z-]+\"' | "
			"grep -oE '\"[a-z-]+\"' | tr -d '\"' | sort -u",
			getenv("PT_SOURCE"));
	FILE *p = popen(command, "r");
	char name[64];
	unsigned n = 0;

	(void)state;
	assert_non_null(p);
	while (fscanf(p, "%63s", name) == 1) {
		pt_autofree char *flag = pt_strf("--force-%s ", name);

		n++;
		/* release alone, and only there, may leave a VM's group behind */
		if (!strstr(attach, flag) && strcmp(name, "other-vm-group") != 0)
			fail_msg("attach has no %s", flag);
	}
	assert_int_equal(pclose(p), 0);
	assert_in_range(n, 8, 40);
	for (int i = 0; i < PT_USE_KINDS; i++) {
		pt_autofree char *flag = pt_strf("--force-%s ", pt_use_kind_str((enum pt_use_kind)i));

		/* an address is a warning */
		if (i == PT_USE_ADDRESS)
			continue;
		if (!strstr(attach, flag) || !strstr(reserving, flag))
			fail_msg("attach or reserve has no %s", flag);
	}
}

static int passthru(const char *arguments)
{
	pt_autofree char *command = pt_strf("%s %s >/dev/null 2>&1 </dev/null", getenv("PT_PASSTHRU"), arguments);

	return WEXITSTATUS(system(command));
}

static void bad_requests_are_usage_errors(void **state)
{
	(void)state;
	assert_int_equal(passthru("reserve"), 2);
	assert_int_equal(passthru("release"), 2);
	assert_int_equal(passthru("boot now"), 2);
	assert_int_equal(passthru("reserve nonsense --yes"), 2);
	assert_int_equal(passthru("release 0000:ff:1f.7 --yes"), 2);
	assert_int_equal(passthru("reserve 01:00.0 --force"), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_controller_is_reserved_and_bound),
		TEST(what_is_reserved_and_bound_already_needs_nothing),
		TEST(what_is_only_remembered_becomes_reserved),
		TEST(what_the_host_uses_is_refused_by_name),
		TEST(half_a_group_is_refused),
		TEST(an_override_for_another_driver_is_respected),
		TEST(disks_that_a_vm_uses_are_refused),
		TEST(what_vms_have_in_other_ways_than_disks_is_refused),
		TEST(a_device_of_a_vm_may_be_reserved),
		TEST(an_idle_member_is_reserved_along_and_goes_back_with_the_rest),
		TEST(a_bridge_is_a_mistake),
		TEST(a_reserved_device_goes_back),
		TEST(a_plan_that_changes_what_happens_at_boot_is_known),
		TEST(what_is_not_reserved_is_not_released),
		TEST(a_stranger_at_the_address_is_left_alone),
		TEST(what_was_remembered_for_a_vm_that_is_gone_is_released),
		TEST(a_twin_at_the_address_is_neither_released_nor_reserved),
		TEST(what_driverctl_keeps_stays_where_it_is),
		TEST(what_a_vm_counts_on_is_not_released),
		cmocka_unit_test(every_refusal_that_may_be_forced_has_its_flag),
		cmocka_unit_test(bad_requests_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
