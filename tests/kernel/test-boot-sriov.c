/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a card is made at boot: its functions, and what their networks need of its interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "cli/boot-sriov.h"
#include "cli/cli.h"
#include "fakekernel.h"
#include "fakesys.h"
#include "host/sriov-kept.h"

#define PF   "0000:41:00.0"
#define KEPT "address=" PF "\nid=8086:10c9 subsystem=1028:1f49\nvfs=7\nautoprobe=off\n"
#define VFS  "vf=1 mac=52:54:00:00:00:01 vlan=42 qos=0\nvf=3 mtu=4000 vlan=7 qos=0\nvf=5 mtu=9000 vlan=8 qos=0\n"

/* the same card, as sysfs shows it and as it is written to */
struct fixture {
	struct fakesys *sys;
	struct fault *fault;
	struct fakekernel *kernel;
	struct fakekernel_device *nic;
	struct pt_host_ops ops;
	bool missing;
	json_t *told;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));
	struct fakesys_pci pf = {
		.bdf = PF,
		.vendor = 0x8086,
		.device = 0x10c9,
		.subvendor = 0x1028,
		.subdevice = 0x1f49,
		.class_code = 0x020000,
		.driver = "igb",
		.group = 7,
	};

	f->sys = fakesys_new();
	fakesys_add_pci_full(f->sys, &pf);
	fakesys_sriov(f->sys, PF, 7);
	f->fault = fault_shared(sizeof(*f->fault));
	f->kernel = fakekernel_new(f->fault);
	f->nic = fakekernel_add(f->kernel, PF, 0x8086, 0x10c9, "igb", 7);
	fakekernel_sriov(f->nic, 7);
	f->nic->link_down = true;
	fakekernel_ops(f->kernel, &f->ops);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	json_decref(f->told);
	fakekernel_free(f->kernel);
	fault_unshare(f->fault, sizeof(*f->fault));
	fakesys_free(f->sys);
	free(f);
	return 0;
}

/* what is said of the card */
static const char *boot(struct fixture *f, const char *kept, int expected)
{
	struct pt_cli cli = { .root = f->sys->root, .json = true, .out = stdout, .diag = stderr };
	struct pt_error err = { 0 };
	int r;

	fakesys_file(f->sys, "etc/passthru/sriov.d/" PF ".conf", "%s", kept);
	json_decref(f->told);
	f->told = json_array();
	r = pt_boot_sriov(&cli, &f->ops, f->missing, f->told, &err);
	if (r != expected)
		fail_msg("%d instead of %d: %s", r, expected, err.msg);
	return json_string_value(json_object_get(json_array_get(f->told, 0), "text"));
}

static void the_card_has_the_mtu_of_its_largest_network_before_guests_start(void **state)
{
	struct fixture *f = *state;
	const char *said = boot(f, KEPT VFS, 0);

	assert_int_equal(f->nic->vfs_now, 7);
	assert_int_equal(f->nic->mtu, 9000);
	assert_false(f->nic->link_down);
	assert_int_equal(f->nic->vf[5].vlan, 8);
	assert_non_null(strstr(said, "its interface has an MTU of 9000 now (1500 before)"));
	/* and a second time it is as it is */
	assert_null(strstr(boot(f, KEPT VFS, 0), "MTU"));
}

static void a_larger_mtu_of_somebody_else_stays(void **state)
{
	struct fixture *f = *state;

	f->nic->mtu = 9216;
	assert_null(strstr(boot(f, KEPT VFS, 0), "MTU"));
	assert_int_equal(f->nic->mtu, 9216);
}

static void without_a_network_that_needs_one_it_is_left_alone(void **state)
{
	struct fixture *f = *state;

	assert_null(strstr(boot(f, KEPT "vf=1 vlan=42 qos=0\n", 0), "MTU"));
	assert_int_equal(f->nic->mtu, 1500);
	assert_false(f->nic->link_down);
}

/* the functions stay: what else they can do is no worse for it */
static void an_mtu_that_the_driver_refuses_is_said_and_fails(void **state)
{
	struct fixture *f = *state;
	const char *said = boot(f, KEPT "vf=3 mtu=9500 vlan=7 qos=0\n", 1);

	assert_int_equal(f->nic->mtu, 1500);
	assert_int_equal(f->nic->vfs_now, 7);
	assert_false(f->nic->link_down);
	assert_non_null(strstr(said, "does not have the MTU of 9500 that is kept: enp65s0 refuses an MTU of 9500"));
}

static const char *missed(struct fixture *f)
{
	for (unsigned i = 0; i < f->kernel->n_files; i++)
		if (f->kernel->files[i].place == PT_HOST_RUN && strcmp(f->kernel->files[i].name, PT_SRIOV_SEEN) == 0)
			return f->kernel->files[i].text;
	return NULL;
}

static void what_the_boot_missed_is_noted(void **state)
{
	struct fixture *f = *state;

	(void)boot(f, KEPT "vf=3 mtu=9500 vlan=7 qos=0\n", 1);
	assert_string_equal(missed(f), PF);
	(void)boot(f, KEPT VFS, 0);
	assert_string_equal(missed(f), "");
}

static void what_was_taken_away_since_the_boot_is_not_missing(void **state)
{
	struct fixture *f = *state;

	f->missing = true;
	fakesys_file(f->sys, "run/passthru/" PT_SRIOV_SEEN, "%s", "");
	assert_null(boot(f, KEPT VFS, 0));
	assert_int_equal(f->nic->vfs_now, 0);
	/* what it could not be given then is */
	fakesys_file(f->sys, "run/passthru/" PT_SRIOV_SEEN, "%s", PF);
	assert_non_null(boot(f, KEPT VFS, 0));
	assert_int_equal(f->nic->vfs_now, 7);
}

static void of_a_card_that_nobody_has_seen_to_they_are_made(void **state)
{
	struct fixture *f = *state;

	f->missing = true;
	assert_non_null(boot(f, KEPT VFS, 0));
	assert_int_equal(f->nic->vfs_now, 7);
	assert_string_equal(missed(f), "");
}

/* a guest may have it */
static void a_card_that_vfio_has_is_given_none(void **state)
{
	struct fixture *f = *state;

	f->missing = true;
	fakesys_driver(f->sys, PF, "vfio-pci");
	assert_null(boot(f, KEPT VFS, 0));
	assert_int_equal(f->nic->vfs_now, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_card_has_the_mtu_of_its_largest_network_before_guests_start),
		TEST(a_larger_mtu_of_somebody_else_stays),
		TEST(without_a_network_that_needs_one_it_is_left_alone),
		TEST(an_mtu_that_the_driver_refuses_is_said_and_fails),
		TEST(what_the_boot_missed_is_noted),
		TEST(what_was_taken_away_since_the_boot_is_not_missing),
		TEST(of_a_card_that_nobody_has_seen_to_they_are_made),
		TEST(a_card_that_vfio_has_is_given_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
