/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/secrets.h"

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct pt_secrets));
	return 0;
}

static int teardown(void **state)
{
	pt_secrets_done(*state);
	free(*state);
	return 0;
}

static char *apply(void **state, const char *text)
{
	size_t size;

	return pt_secrets_apply(*state, text, strlen(text), true, &size);
}

static void assert_becomes(void **state, const char *text, const char *wanted)
{
	pt_autofree char *got = apply(state, text);

	assert_string_equal(got, wanted);
}

static void a_serial_is_replaced_in_every_form_it_is_written_in(void **state)
{
	pt_secrets_add(*state, PT_SECRET_SERIAL, "S455NY0K100001");
	assert_becomes(state, "ata-SAMSUNG_MZ7LH1T9_S455NY0K100001-part1", "ata-SAMSUNG_MZ7LH1T9_XXXXXXXXXXXXX1-part1");
	assert_becomes(state, "s455ny0k100001", "xxxxxxxxxxxxx1");
	/* as in an NVMe wwid: "S455..." in hexadecimal */
	assert_becomes(state,
		       "nvme.144d-53343535"
		       "4e59304b313030303031-1",
		       "nvme.144d-58585858"
		       "58585858585858585831-1");
	pt_secrets_add(*state, PT_SECRET_SERIAL, "WD WX 12");
	assert_becomes(state, "ID=WD_WX_12", "ID=XXXXXXX2");
}

static void a_mac_is_replaced_in_every_form_and_keeps_its_maker(void **state)
{
	pt_secrets_add(*state, PT_SECRET_MAC, "52:54:00:Ab:cd:01");
	assert_becomes(state, "52:54:00:ab:cd:01 52:54:00:AB:CD:01", "52:54:00:f0:00:01 52:54:00:F0:00:01");
	assert_becomes(state, "enx525400abcd01", "enx525400f00001");
	assert_becomes(state, "52-54-00-ab-cd-01", "52-54-00-f0-00-01");
	/* /proc/net/if_inet6: the second bit of the first byte is turned around */
	assert_becomes(state, "fe80000000000000505400fffeabcd01", "fe80000000000000505400fffef00001");
}

static void a_wwn_is_replaced_and_keeps_its_kind(void **state)
{
	pt_secrets_add(*state, PT_SECRET_WWN, "0x5002538e00001234");
	assert_becomes(state, "wwn-0x5002538e00001234 scsi-35002538E00001234 naa.5002538e00001234",
		       "wwn-0x5000000000000001 scsi-35000000000000001 naa.5000000000000001");
}

static void a_uuid_is_replaced_with_and_without_dashes(void **state)
{
	pt_secrets_sweep(*state, "root=UUID=8C2f0d3e-1111-4222-8333-123456789abc ro");
	assert_becomes(state, "8c2f0d3e-1111-4222-8333-123456789abc", "00000000-0000-4000-8000-000000000001");
	assert_becomes(state, "CRYPT-LUKS2-8c2f0d3e111142228333123456789abc-x",
		       "CRYPT-LUKS2-00000000000040008000000000000001-x");
}

static void the_same_is_always_replaced_by_the_same(void **state)
{
	pt_secrets_add(*state, PT_SECRET_SERIAL, "AAAA-BBBB-1");
	pt_secrets_add(*state, PT_SECRET_SERIAL, "AAAA-BBBB-2");
	pt_secrets_add(*state, PT_SECRET_SERIAL, "AAAA-BBBB-1");
	assert_becomes(state, "AAAA-BBBB-2 AAAA-BBBB-1 AAAA-BBBB-2", "XXXXXXXXXX2 XXXXXXXXXX1 XXXXXXXXXX2");
}

static void a_serial_that_begins_with_another_one_is_not_cut_in_two(void **state)
{
	pt_secrets_add(*state, PT_SECRET_SERIAL, "ABCDEF12");
	pt_secrets_add(*state, PT_SECRET_SERIAL, "ABCDEF1234");
	assert_becomes(state, "ABCDEF1234", "XXXXXXXXX2");
	assert_becomes(state, "ABCDEF12", "XXXXXXX1");
}

static void the_hosts_name_goes_as_a_word_and_only_where_it_is_looked_for(void **state)
{
	pt_autofree char *kept = NULL;
	size_t size;

	pt_secrets_add(*state, PT_SECRET_HOST, "web-1.example.org");
	assert_becomes(state, "web-1.example.org", "hhhhhhhhhhhhhhhh1");
	assert_becomes(state, "/dev/mapper/web--1-root web-1 cobweb-12", "/dev/mapper/hhhh2-root hhhh2 cobweb-12");
	kept = pt_secrets_apply(*state, "web-1", 5, false, &size);
	assert_string_equal(kept, "web-1");
}

static void what_is_common_is_no_secret(void **state)
{
	static const char *const common[] = { "",     "0",    "None", "To Be Filled By O.E.M.", "00000000",
					      "1234", "XXXX", "n/a",  "00:00:00:00:00:00",	"localhost" };

	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++) {
		pt_secrets_add(*state, PT_SECRET_SERIAL, common[i]);
		assert_becomes(state, common[i], common[i]);
	}
	pt_secrets_add(*state, PT_SECRET_SERIAL, NULL);
	/* short ones are replaced where they stand alone only */
	pt_secrets_add(*state, PT_SECRET_SERIAL, "BOOT0");
	assert_becomes(state, "ata-QEMU_BOOT0 REBOOT0 BOOT01", "ata-QEMU_XXXX1 REBOOT0 BOOT01");
}

static void sweeping_finds_forms_and_leaves_addresses_alone(void **state)
{
	static const char text[] = "0000:01:00.0 wwn-0x5002538e00001234 0x0000002000000000 aa:bb:cc:dd:ee:ff "
				   "a1b2c3d4:e5f60718:293a4b5c:6d7e8f90 00:11:22:33:44:55:66:77 0xabcdef";

	pt_secrets_sweep(*state, text);
	assert_becomes(state, text,
		       "0000:01:00.0 wwn-0x5000000000000001 0x0000002000000000 aa:bb:cc:f0:00:01 "
		       "a1b2c3d4:e5f60718:293a4b5c:6d7e8f90 00:11:22:33:44:55:66:77 0xabcdef");
}

static void bytes_that_are_no_text_keep_their_length(void **state)
{
	static const char page[] = "\0\x80\0\x0eS455NY0K100001\0\xff";
	pt_autofree char *got = NULL;
	size_t size;

	pt_secrets_add(*state, PT_SECRET_SERIAL, "S455NY0K100001");
	got = pt_secrets_apply(*state, page, sizeof(page) - 1, true, &size);
	assert_int_equal(size, sizeof(page) - 1);
	assert_memory_equal(got, "\0\x80\0\x0eXXXXXXXXXXXXX1\0\xff", size);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_serial_is_replaced_in_every_form_it_is_written_in),
		TEST(a_mac_is_replaced_in_every_form_and_keeps_its_maker),
		TEST(a_wwn_is_replaced_and_keeps_its_kind),
		TEST(a_uuid_is_replaced_with_and_without_dashes),
		TEST(the_same_is_always_replaced_by_the_same),
		TEST(a_serial_that_begins_with_another_one_is_not_cut_in_two),
		TEST(the_hosts_name_goes_as_a_word_and_only_where_it_is_looked_for),
		TEST(what_is_common_is_no_secret),
		TEST(sweeping_finds_forms_and_leaves_addresses_alone),
		TEST(bytes_that_are_no_text_keep_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
