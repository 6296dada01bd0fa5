/* SPDX-License-Identifier: Apache-2.0 */
/* `passthru list` from outside: its words, and what a wrong one gets.  Whole outputs are compared in test-hosts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "fakesys.h"
#include "program.h"

static int setup(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_bridge(sys, "0000:00:01.0", 1, 1);
	fakesys_add_pci(sys, "0000:00:05.0", 0x8086, 0x2f28, 0x088000, NULL, 3);
	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x5d, 0x010400, "megaraid_sas", 14);
	for (unsigned i = 0; i < 5; i++) {
		char name[] = { 's', 'd', (char)('a' + i), '\0' };

		fakesys_add_disk(sys, "0000:01:00.0", name, 8, 16 * i, NULL);
	}
	fakesys_add_pci(sys, "0000:41:00.0", 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(sys, "0000:41:00.0", 7);
	fakesys_add_vf(sys, "0000:41:00.0", 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	fakesys_add_net(sys, "0000:41:00.0", "enp65s0", "52:54:00:00:00:01");
	fakesys_file(sys, "names",
		     "1000:005d:0000:0000:010400\tBroadcom / LSI\tMegaRAID SAS-3 3108\tRAID bus controller\n");
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static char *list(void **state, const char *line)
{
	struct fakesys *sys = *state;
	struct program p;

	program_run(&p, line, sys->dir);
	if (p.status != 0)
		fail_msg("%s: %s", line, p.err);
	assert_string_equal(p.err, "");
	free(p.err);
	return p.out;
}

static void assert_lists(void **state, const char *line, const char *addresses)
{
	char *out = list(state, line);
	char found[256] = "";
	char *save = NULL;

	(void)strtok_r(out, "\n", &save);
	for (char *l = strtok_r(NULL, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%.7s", found[0] ? " " : "",
			       l + 5);
	assert_string_equal(found, addresses);
	free(out);
}

static void words_choose_kinds_names_drivers_and_ids_and_add_up(void **state)
{
	assert_lists(state, "passthru list", "01:00.0 41:00.0 41:10.0");
	assert_lists(state, "passthru list all", "00:01.0 00:05.0 01:00.0 41:00.0 41:10.0");
	assert_lists(state, "passthru list storage", "01:00.0");
	assert_lists(state, "passthru list network", "41:00.0 41:10.0");
	assert_lists(state, "passthru list display", "");
	assert_lists(state, "passthru list bridge storage", "00:01.0 01:00.0");
	assert_lists(state, "passthru list sriov", "41:00.0 41:10.0");
	assert_lists(state, "passthru list vfio", "41:10.0");
	assert_lists(state, "passthru list megaraid", "01:00.0");
	assert_lists(state, "passthru list igb", "41:00.0");
	assert_lists(state, "passthru list 8086:10ca sda", "01:00.0 41:10.0");
	assert_lists(state, "passthru list 00:05.0", "00:05.0");
}

static void a_word_that_nothing_matches_is_a_mistake_and_not_an_empty_table(void **state)
{
	struct fakesys *sys = *state;
	struct program p;

	program_run(&p, "passthru list storag", sys->dir);
	assert_int_equal(p.status, 2);
	assert_string_equal(p.out, "");
	assert_non_null(strstr(p.err, "'storag' is no kind of device"));
	assert_non_null(strstr(p.err, "kinds: storage, network"));
	program_done(&p);
}

static void sr_iov_status_and_users_are_told_in_words(void **state)
{
	char *out = list(state, "passthru list");

	assert_non_null(strstr(out, "Enabled 1 of 7"));
	assert_non_null(strstr(out, "VF 0 of 0000:41:00.0"));
	assert_non_null(strstr(out, "Not supported"));
	assert_non_null(strstr(out, "sda, sdb, sdc and 2 more"));
	assert_non_null(strstr(out, "enp65s0"));
	free(out);
}

static void json_says_null_for_what_is_unknown(void **state)
{
	char *out = list(state, "passthru list all --json");
	json_t *all = json_loads(out, 0, NULL);
	json_t *list = json_object_get(all, "devices");
	json_t *hba = json_array_get(list, 2);

	assert_int_equal(json_array_size(list), 5);
	assert_string_equal(json_string_value(json_object_get(hba, "address")), "0000:01:00.0");
	assert_string_equal(json_string_value(json_object_get(hba, "device")), "MegaRAID SAS-3 3108");
	assert_int_equal(json_array_size(json_object_get(hba, "disks")), 5);
	assert_true(json_is_null(json_object_get(hba, "numa_node")));
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "driver")));
	assert_int_equal(json_integer_value(json_object_get(hba, "iommu_group")), 14);
	json_decref(all);
	free(out);
}

/* two functions, each in the other's directory: no root to hang the tree on */
static void a_forged_circle_ends_and_everything_is_shown(void **state)
{
	struct fakesys *sys = *state;
	char *out;

	for (int i = 0; i < 2; i++) {
		pt_autofree char *dir = pt_strf("sys/devices/0000:05:0%d.0/0000:05:0%d.0", i, 1 - i);
		pt_autofree char *uevent = pt_strf("%s/uevent", dir);
		pt_autofree char *link = pt_strf("sys/bus/pci/devices/0000:05:0%d.0", 1 - i);
		pt_autofree char *target = pt_strf("../../../%s", dir + strlen("sys/"));

		fakesys_file(sys, uevent, "PCI_ID=8086:1533\n");
		fakesys_link(sys, link, target);
	}
	out = list(state, "passthru tree");
	assert_non_null(strstr(out, "\n0000:05:00.0"));
	assert_non_null(strstr(out, "\n0000:05:01.0"));
	free(out);
	out = list(state, "passthru tree 05:00.0 --json");
	free(out);
}

static void a_device_that_is_not_there_is_a_usage_error_of_show_and_tree(void **state)
{
	static const char *const lines[] = { "passthru show 09:00.0", "passthru tree 09:00.0" };
	struct fakesys *sys = *state;

	for (size_t i = 0; i < 2; i++) {
		struct program p;

		program_run(&p, lines[i], sys->dir);
		assert_int_equal(p.status, 2);
		assert_string_equal(p.out, "");
		assert_non_null(strstr(p.err, "no PCI function 0000:09:00.0"));
		program_done(&p);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_choose_kinds_names_drivers_and_ids_and_add_up),
		TEST(a_word_that_nothing_matches_is_a_mistake_and_not_an_empty_table),
		TEST(sr_iov_status_and_users_are_told_in_words),
		TEST(json_says_null_for_what_is_unknown),
		TEST(a_forged_circle_ends_and_everything_is_shown),
		TEST(a_device_that_is_not_there_is_a_usage_error_of_show_and_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
