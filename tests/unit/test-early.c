/* SPDX-License-Identifier: Apache-2.0 */
/* What udev is told at boot: whose driver a function shall have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "early/early.h"
#include "early/hold.h"
#include "fakesys.h"
#include "host/reserved.h"

#define HBA "0000:01:00.0"

static int setup(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_add_pci(sys, HBA, 0x1000, 0x0079, 0x010400, NULL, 14);
	fakesys_file(sys, "etc/passthru/reserved.d/" HBA ".conf",
		     "address=" HBA "\nvendor_id=1000\ndevice_id=0079\nsubsystem_vendor_id=0000\n"
		     "subsystem_device_id=0000\nslot_path=" HBA "\ndriver=vfio-pci\nvm=\nvm_uuid=\nchange=1\n");
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static struct pt_bdf at(const char *text)
{
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse(text, &bdf), 0);
	return bdf;
}

/* the answer for @bdf; @why: a part of the reason, NULL: none is given */
static void told(struct fakesys *sys, const char *bdf, const char *driver, const char *why)
{
	PT_AUTO(pt_early) e = { 0 };
	PT_AUTO(pt_strv) reasons = { 0 };
	struct pt_error err = { 0 };
	const char *got;

	if (pt_early_look(&sys->root, &e, &err) < 0)
		fail_msg("%s", err.msg);
	got = pt_early_driver(&sys->root, &e, at(bdf), &reasons);
	assert_string_equal(got ? got : "nothing", driver);
	assert_int_equal(reasons.n, why ? 1 : 0);
	if (why && !strstr(reasons.v[0], why))
		fail_msg("%s", reasons.v[0]);
}

static void a_reserved_device_is_vfios(void **state)
{
	told(*state, HBA, "vfio-pci", NULL);
}

static void what_is_not_reserved_is_nobodys(void **state)
{
	fakesys_add_pci(*state, "0000:02:00.0", 0x8086, 0x1533, 0x020000, NULL, 15);
	told(*state, "0000:02:00.0", "nothing", NULL);
}

static void what_driverctl_keeps_elsewhere_is_left_to_it(void **state)
{
	fakesys_file(*state, "etc/driverctl.d/" HBA, "megaraid_sas\n");
	told(*state, HBA, "nothing", "driverctl keeps " HBA " for megaraid_sas (/etc/driverctl.d/" HBA ")");
}

static void the_name_with_the_bus_is_driverctls_too(void **state)
{
	fakesys_file(*state, "etc/driverctl.d/pci-" HBA, "none\n");
	told(*state, HBA, "nothing", "for none (/etc/driverctl.d/pci-" HBA ")");
}

static void driverctl_that_keeps_it_for_vfio_says_the_same_as_we(void **state)
{
	fakesys_file(*state, "etc/driverctl.d/pci-" HBA, "vfio-pci\n");
	told(*state, HBA, "vfio-pci", NULL);
}

static void an_administrators_override_is_respected(void **state)
{
	fakesys_attr(*state, HBA, "driver_override", "pci-stub");
	told(*state, HBA, "nothing", "driver_override of " HBA " names pci-stub");
}

static void overrides_of_ours_are_no_word_against_us(void **state)
{
	fakesys_attr(*state, HBA, "driver_override", "vfio-pci");
	told(*state, HBA, "vfio-pci", NULL);
	fakesys_attr(*state, HBA, "driver_override", PT_DRIVER_UNDECIDED);
	told(*state, HBA, "vfio-pci", NULL);
}

/* what is written before udev: how many overrides, or what is said when one cannot be */
static int held(struct fakesys *sys)
{
	PT_AUTO(pt_early) e = { 0 };
	PT_AUTO(pt_strv) reasons = { 0 };
	struct pt_error err = { 0 };

	if (pt_early_look(&sys->root, &e, &err) < 0)
		fail_msg("%s", err.msg);
	return pt_early_hold(&sys->root, &e, &reasons);
}

static void has_override(struct fakesys *sys, const char *bdf, const char *want)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/driver_override", bdf);
	pt_autofree char *line = NULL;

	assert_int_equal(pt_file_read_line(sys->root.sys_fd, path, &line), 0);
	assert_string_equal(line, want);
}

/* a driver that udev loads for another device looks at this one as well, before udev has come to it */
static void what_is_certain_is_held_before_any_driver_is_loaded(void **state)
{
	struct fakesys *sys = *state;

	fakesys_add_pci(sys, "0000:02:00.0", 0x1000, 0x005b, 0x010400, NULL, 15);
	assert_int_equal(held(sys), 1);
	has_override(sys, HBA, "vfio-pci");
	has_override(sys, "0000:02:00.0", "(null)");
	/* udev's own question has the same answer then, and asking again changes nothing */
	told(sys, HBA, "vfio-pci", NULL);
	assert_int_equal(held(sys), 1);
}

static void what_is_not_certain_is_not_held(void **state)
{
	struct fakesys *sys = *state;

	fakesys_add_pci(sys, "0000:02:00.0", 0x1000, 0x0079, 0x010400, NULL, 15);
	assert_int_equal(held(sys), 0);
	has_override(sys, HBA, "(null)");
	has_override(sys, "0000:02:00.0", "(null)");
}

static void what_is_all_guests_is_held_from_everybody(void **state)
{
	struct fakesys *sys = *state;

	fakesys_add_pci(sys, "0000:02:00.0", 0x1000, 0x0079, 0x010400, NULL, 15);
	fakesys_file(sys, "etc/passthru/reserved.d/0000:02:00.0.conf",
		     "address=0000:02:00.0\nvendor_id=1000\ndevice_id=0079\nsubsystem_vendor_id=0000\n"
		     "subsystem_device_id=0000\nslot_path=0000:02:00.0\ndriver=vfio-pci\nvm=\nvm_uuid=\nchange=2\n");
	assert_int_equal(held(sys), 2);
	has_override(sys, HBA, PT_DRIVER_UNDECIDED);
	has_override(sys, "0000:02:00.0", PT_DRIVER_UNDECIDED);
}

static void what_a_driver_has_already_is_left_to_the_boot_unit(void **state)
{
	fakesys_driver(*state, HBA, "megaraid_sas");
	assert_int_equal(held(*state), 0);
	has_override(*state, HBA, "(null)");
}

static void what_is_anothers_is_not_held(void **state)
{
	fakesys_file(*state, "etc/driverctl.d/pci-" HBA, "megaraid_sas\n");
	assert_int_equal(held(*state), 0);
	has_override(*state, HBA, "(null)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reserved_device_is_vfios),
		TEST(what_is_not_reserved_is_nobodys),
		TEST(what_driverctl_keeps_elsewhere_is_left_to_it),
		TEST(the_name_with_the_bus_is_driverctls_too),
		TEST(driverctl_that_keeps_it_for_vfio_says_the_same_as_we),
		TEST(an_administrators_override_is_respected),
		TEST(what_is_certain_is_held_before_any_driver_is_loaded),
		TEST(what_is_not_certain_is_not_held),
		TEST(what_is_all_guests_is_held_from_everybody),
		TEST(what_a_driver_has_already_is_left_to_the_boot_unit),
		TEST(what_is_anothers_is_not_held),
		TEST(overrides_of_ours_are_no_word_against_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
