/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fakesys.h"
#include "host/alias.h"
#include "host/pci.h"

struct test {
	struct fakesys *sys;
	struct pt_devices devices;
	struct pt_error err;
};

static int setup(void **state)
{
	struct test *t = pt_alloc(sizeof(*t));

	t->sys = fakesys_new();
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	pt_devices_done(&t->devices);
	fakesys_free(t->sys);
	free(t);
	return 0;
}

static void add(struct test *t, const char *bdf, uint16_t vendor, uint16_t device, uint16_t subdevice)
{
	fakesys_add_pci_full(t->sys, &(struct fakesys_pci){ .bdf = bdf,
							    .vendor = vendor,
							    .device = device,
							    .subvendor = 0x1028,
							    .subdevice = subdevice,
							    .class_code = 0x010400,
							    .group = -1 });
}

static void a_capture_is_read_with_the_names_it_brings(void **state)
{
	struct test *t = *state;

	add(t, "0000:01:00.0", 0x1000, 0x5d, 0x1f49);
	add(t, "0000:02:00.0", 0x1000, 0x5d, 0x1f4a);
	add(t, "0000:03:00.0", 0x1000, 0x5d, 0x1f49);
	add(t, "0000:04:00.0", 0x1000, 0x5e, 0x1f49);
	fakesys_file(t->sys, "names",
		     "no line at all\n1:2:3\t\t\t\n\n"
		     "1000:005d:1028:1f49:010400\tBroadcom / LSI\tMegaRAID \033[1m3108\tRAID bus controller\n"
		     "1000:005d:1028:1f49:010400\ttwice\ttwice\ttwice\n"
		     "1000:005d:1028:1f4a:010400\tBroadcom / LSI\t\t\n");
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), 0);
	assert_int_equal(pt_names_fill(&t->sys->root, &t->devices, &t->err), 0);
	assert_string_equal(t->devices.v[0].vendor_name, "Broadcom / LSI");
	assert_string_equal(t->devices.v[0].device_name, "MegaRAID ?[1m3108");
	assert_string_equal(t->devices.v[2].class_name, "RAID bus controller");
	assert_string_equal(t->devices.v[1].vendor_name, "Broadcom / LSI");
	assert_null(t->devices.v[1].device_name);
	assert_null(t->devices.v[3].vendor_name);
}

static void without_names_of_its_own_this_machines_hwdb_is_asked(void **state)
{
	struct test *t = *state;

	add(t, "0000:01:00.0", 0x8086, 0x1533, 0);
	add(t, "0000:02:00.0", 0x8086, 0x1533, 0);
	assert_int_equal(pt_pci_list(&t->sys->root, &t->devices, &t->err), 0);
	assert_int_equal(pt_names_fill(&t->sys->root, &t->devices, &t->err), 0);
	if (!t->devices.v[0].vendor_name)
		skip(); /* a machine without hwdb: names stay NULL, which is right too */
	assert_string_equal(t->devices.v[0].vendor_name, "Intel Corporation");
	assert_string_equal(t->devices.v[1].vendor_name, "Intel Corporation");
	assert_non_null(strstr(t->devices.v[0].device_name, "I210"));
	assert_string_equal(t->devices.v[0].class_name, "RAID bus controller");
}

static void patterns_match_as_modprobe_reads_them(void **state)
{
	char bad[4096];

	(void)state;
	assert_int_equal(pt_alias_match("pci:v00008086d*sv*", "pci:v00008086d00001533sv00000000"), 1);
	assert_int_equal(pt_alias_match("pci:v00008086d*bc02*i*", "pci:v00008086d00001533bc01i00"), 0);
	assert_int_equal(pt_alias_match("*a*b", "xaybzab"), 1);
	assert_int_equal(pt_alias_match("a?c", "abc"), 1);
	assert_int_equal(pt_alias_match("a?c", "ac"), 0);
	assert_int_equal(pt_alias_match("", ""), 1);
	/* a pattern made to take for ever in a matcher that tries everything */
	for (size_t i = 0; i + 1 < sizeof(bad); i += 2)
		memcpy(bad + i, "*a", 2);
	bad[sizeof(bad) - 2] = 'b';
	bad[sizeof(bad) - 1] = '\0';
	assert_int_equal(
		pt_alias_match(bad, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0);
}

static void modules_that_serve_a_device_are_named_once(void **state)
{
	struct test *t = *state;
	PT_AUTO(pt_aliases) aliases = { 0 };
	PT_AUTO(pt_strv) modules = { 0 };

	fakesys_file(t->sys, "proc/sys/kernel/osrelease", "6.1\n");
	fakesys_file(t->sys, "lib/modules/6.1/modules.alias",
		     "alias pci:v00001000d0000005Dsv*sd*bc*sc*i* megaraid_sas\nalias pci\nalias\n"
		     "alias pci:v00001000d*sv*sd*bc*sc*i* megaraid_sas\nalias pci:v*d*sv*sd*bc01sc04i* other\n");
	assert_int_equal(pt_aliases_read(&t->sys->root, &aliases, &t->err), 0);
	pt_aliases_modules(&aliases, "pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00", &modules);
	assert_int_equal(modules.n, 2);
	assert_string_equal(modules.v[0], "megaraid_sas");
	assert_string_equal(modules.v[1], "other");
}

static void a_kernel_release_is_not_used_as_a_path(void **state)
{
	struct test *t = *state;
	PT_AUTO(pt_aliases) aliases = { 0 };

	fakesys_file(t->sys, "proc/sys/kernel/osrelease", "../../../etc\n");
	assert_int_equal(pt_aliases_read(&t->sys->root, &aliases, &t->err), -EBADMSG);
	assert_non_null(strstr(t->err.msg, "no kernel release"));
}

static void what_a_terminal_would_obey_is_made_harmless(void **state)
{
	char control[] = "a\033[2Jb\x7f\n";
	char c1[] = "a\xc2\x9b"
		    "2J";
	char good[] = "Müller \xe2\x82\xac \xf0\x9f\x98\x80";
	char overlong[] = "\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80";
	char cut[] = "abc\xe2\x82";
	char blanks[] = "  \tSAMSUNG MZ7 \n";

	(void)state;
	assert_string_equal(pt_text_clean(control), "a?[2Jb??");
	assert_string_equal(pt_text_clean(c1), "a??2J");
	assert_string_equal(pt_text_clean(good), "Müller \xe2\x82\xac \xf0\x9f\x98\x80");
	assert_string_equal(pt_text_clean(overlong), "????????????");
	assert_string_equal(pt_text_clean(cut), "abc??");
	assert_string_equal(pt_text_trim(blanks), "SAMSUNG MZ7");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_capture_is_read_with_the_names_it_brings),
		TEST(without_names_of_its_own_this_machines_hwdb_is_asked),
		cmocka_unit_test(patterns_match_as_modprobe_reads_them),
		TEST(modules_that_serve_a_device_are_named_once),
		TEST(a_kernel_release_is_not_used_as_a_path),
		cmocka_unit_test(what_a_terminal_would_obey_is_made_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
