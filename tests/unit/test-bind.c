/* SPDX-License-Identifier: Apache-2.0 */
/* One function, one driver, on a fake kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fakekernel.h"
#include "host/bind.h"
#include "host/reserve.h"

struct fixture {
	struct fault *fault;
	struct fakekernel *kernel;
	struct fakekernel_device *hba;
	struct pt_host_ops ops;
	struct pt_error err;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->fault = fault_shared(sizeof(*f->fault));
	f->kernel = fakekernel_new(f->fault);
	f->hba = fakekernel_add(f->kernel, "0000:01:00.0", 0x1000, 0x0079, "megaraid_sas", 14);
	fakekernel_ops(f->kernel, &f->ops);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fakekernel_free(f->kernel);
	fault_unshare(f->fault, sizeof(*f->fault));
	free(f);
	return 0;
}

static struct pt_bind want(const char *driver, const char *override)
{
	return (struct pt_bind){
		.bdf = { 0, 1, 0, 0 },
		.driver = driver,
		.override = override,
		.vendor = 0x1000,
		.device = 0x0079,
		.subvendor = 0x1028,
		.subdevice = 0x1f49,
	};
}

static int bind(struct fixture *f, struct pt_bind b)
{
	f->err = (struct pt_error){ 0 };
	return pt_bind_driver(&f->ops, &b, &f->err);
}

static void a_function_goes_to_vfio_and_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), 1);
	assert_string_equal(f->hba->driver, "vfio-pci");
	assert_string_equal(f->hba->override, "vfio-pci");
	assert_int_equal(bind(f, want("megaraid_sas", NULL)), 1);
	assert_string_equal(f->hba->driver, "megaraid_sas");
	assert_string_equal(f->hba->override, "");
}

static void what_is_so_already_is_not_written(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bind(f, want("megaraid_sas", NULL)), 0);
	assert_int_equal(f->kernel->writes, 0);
}

static void a_driver_with_another_override_left_behind_gets_it_back(void **state)
{
	struct fixture *f = *state;

	(void)strcpy(f->hba->override, "igb");
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), 1);
	assert_int_equal(bind(f, want("megaraid_sas", "igb")), 1);
	assert_string_equal(f->hba->driver, "megaraid_sas");
	assert_string_equal(f->hba->override, "igb");
}

static void a_driverless_function_stays_driverless(void **state)
{
	struct fixture *f = *state;

	f->hba->driver[0] = '\0';
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), 1);
	assert_int_equal(bind(f, want(NULL, NULL)), 1);
	assert_string_equal(f->hba->driver, "");
	assert_string_equal(f->hba->override, "");
}

static void the_kernel_may_choose(void **state)
{
	struct fixture *f = *state;
	struct pt_bind b = want(NULL, NULL);

	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), 1);
	b.reprobe = true;
	assert_int_equal(bind(f, b), 1);
	assert_string_equal(f->hba->driver, "megaraid_sas");
}

/* the override came too late, or the driver is built in: the host has it, and perhaps uses it */
static void what_the_hosts_driver_has_is_not_probed_again(void **state)
{
	struct fixture *f = *state;
	struct pt_bind b = want(NULL, NULL);

	(void)strcpy(f->hba->override, "vfio-pci");
	f->hba->hangs = true;
	b.reprobe = true;
	assert_int_equal(bind(f, b), 1);
	assert_string_equal(f->hba->driver, "megaraid_sas");
	assert_string_equal(f->hba->override, "");
	assert_int_equal(f->kernel->writes, 1);
}

static void a_stranger_is_never_touched(void **state)
{
	struct fixture *f = *state;

	f->hba->ids[3] = 0x1f47;
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), -ESTALE);
	assert_string_equal(f->err.msg, "another device is at 0000:01:00.0 now: 1000:0079 (subsystem 1028:1f47), not "
					"1000:0079 (1028:1f49)");
	assert_int_equal(f->kernel->writes, 0);
	f->hba->gone = true;
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), -ENODEV);
}

static void a_driver_that_does_not_exist_is_named_before_anything_is_written(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bind(f, want("nvidia", "nvidia")), -ENOENT);
	assert_non_null(strstr(f->err.msg, "there is no driver nvidia for 0000:01:00.0"));
	assert_int_equal(f->kernel->writes, 0);
	assert_string_equal(f->hba->driver, "megaraid_sas");
	assert_int_equal(bind(f, want("../../x", NULL)), -EINVAL);
	assert_int_equal(bind(f, want("vfio-pci", "a\nb")), -EINVAL);
}

static void a_write_that_succeeds_without_effect_is_no_success(void **state)
{
	struct fixture *f = *state;

	f->hba->probe_fails = true;
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), -EIO);
	assert_string_equal(f->err.msg,
			    "0000:01:00.0 is with no driver, not with vfio-pci, although every write succeeded");
}

static void nothing_more_is_written_while_an_unbind_hangs(void **state)
{
	struct fixture *f = *state;
	unsigned writes;

	f->hba->hangs = true;
	assert_int_equal(bind(f, want("vfio-pci", "vfio-pci")), -ETIMEDOUT);
	writes = f->kernel->writes;
	assert_int_equal(bind(f, want("megaraid_sas", NULL)), -EBUSY);
	assert_int_equal(f->kernel->writes, writes);
}

static struct pt_reservation reservation(void)
{
	return (struct pt_reservation){
		.bdf = { 0, 1, 0, 0 },
		.vendor = 0x1000,
		.device = 0x79,
		.subvendor = 0x1028,
		.subdevice = 0x1f49,
		.driver = "vfio-pci",
		.vm = "cvm\nvendor_id=ffff",
		.change = 4,
	};
}

static void a_reservation_is_made_and_given_up(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();
	char *text = NULL;

	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), 0);
	assert_int_equal(f->kernel->n_files, 3);
	assert_int_equal(pt_reserve_read(&f->ops, r.bdf, &text, &f->err), 0);
	assert_non_null(strstr(text, "\nvm=cvm_vendor_id=ffff\n"));
	assert_non_null(strstr(text, "\nchange=4\n"));
	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), -EEXIST);
	assert_int_equal(pt_reserve_remove(&f->ops, &r, &f->err), 1);
	/* what this boot has seen it has seen */
	assert_int_equal(f->kernel->n_files, 1);
	assert_int_equal(f->kernel->files[0].place, PT_HOST_RUN);
	assert_int_equal(pt_reserve_remove(&f->ops, &r, &f->err), 0);
	/* back, byte for byte */
	assert_int_equal(pt_reserve_write(&f->ops, &r, text, &f->err), 0);
	assert_int_equal(f->kernel->n_files, 3);
	free(text);
}

static void a_reservation_of_another_device_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();

	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), 0);
	r.device = 0x5d;
	assert_int_equal(pt_reserve_remove(&f->ops, &r, &f->err), -ESTALE);
	assert_int_equal(f->kernel->n_files, 3);
}

static void what_is_only_remembered_has_no_rule(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();
	char *text = NULL;

	r.driver = "libvirt";
	r.identity = "slot_path=0000:00:02.0/00.0\nserial=dsn:1\n";
	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), 0);
	assert_int_equal(pt_reserve_read(&f->ops, r.bdf, &text, &f->err), 0);
	assert_non_null(strstr(text, "\nserial=dsn:1\n"));
	for (unsigned i = 0; i < f->kernel->n_files; i++)
		assert_int_not_equal(f->kernel->files[i].place, PT_HOST_RULES);
	assert_int_equal(pt_reserve_remove(&f->ops, &r, &f->err), 1);
	assert_int_equal(f->kernel->n_files, 1);
	free(text);
}

static void the_rule_asks_for_every_card_of_the_kind(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();
	char *rule = NULL;

	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), 0);
	assert_int_equal(f->ops.file_read(f->kernel, PT_HOST_RULES, "05-passthru-0000:01:00.0.rules", &rule, NULL), 0);
	assert_non_null(strstr(rule, "ATTR{vendor}==\"0x1000\", ATTR{device}==\"0x0079\""));
	assert_non_null(strstr(rule, "passthru-early driver %k\""));
	assert_non_null(strstr(rule, "ATTR{driver_override}=\"%c\""));
	/* the address is only where it was last seen */
	assert_null(strstr(rule, "KERNEL=="));
	free(rule);
}

static void what_undo_writes_back_was_not_seen_by_this_boot(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();
	char *text = NULL;

	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), 0);
	assert_int_equal(pt_reserve_read(&f->ops, r.bdf, &text, &f->err), 0);
	f->kernel->n_files = 0;
	assert_int_equal(pt_reserve_write(&f->ops, &r, text, &f->err), 0);
	for (unsigned i = 0; i < f->kernel->n_files; i++)
		assert_int_not_equal(f->kernel->files[i].place, PT_HOST_RUN);
	free(text);
}

static void files_of_others_are_left_alone(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();
	const char rule[] = "05-passthru-0000:01:00.0.rules";

	assert_int_equal(f->ops.file_write(f->kernel, PT_HOST_RULES, rule, "# mine\n", NULL), 0);
	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), -EEXIST);
	assert_int_equal(pt_reserve_remove(&f->ops, &r, &f->err), -EEXIST);
	assert_int_equal(f->kernel->n_files, 1);
	assert_string_equal(f->kernel->files[0].text, "# mine\n");
}

static void a_driver_that_could_break_out_of_the_rule_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pt_reservation r = reservation();

	r.driver = "x\", RUN+=\"/bin/sh";
	assert_int_equal(pt_reserve_write(&f->ops, &r, NULL, &f->err), -EINVAL);
	assert_int_equal(f->kernel->n_files, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_function_goes_to_vfio_and_back),
		TEST(what_is_so_already_is_not_written),
		TEST(a_driver_with_another_override_left_behind_gets_it_back),
		TEST(a_driverless_function_stays_driverless),
		TEST(the_kernel_may_choose),
		TEST(what_the_hosts_driver_has_is_not_probed_again),
		TEST(a_stranger_is_never_touched),
		TEST(a_driver_that_does_not_exist_is_named_before_anything_is_written),
		TEST(a_write_that_succeeds_without_effect_is_no_success),
		TEST(nothing_more_is_written_while_an_unbind_hangs),
		TEST(a_reservation_is_made_and_given_up),
		TEST(a_reservation_of_another_device_is_left_alone),
		TEST(what_is_only_remembered_has_no_rule),
		TEST(the_rule_asks_for_every_card_of_the_kind),
		TEST(what_undo_writes_back_was_not_seen_by_this_boot),
		TEST(files_of_others_are_left_alone),
		TEST(a_driver_that_could_break_out_of_the_rule_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
