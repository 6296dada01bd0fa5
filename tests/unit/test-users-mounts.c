/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/block-names.h"
#include "host/users-look.h"

static int teardown(void **state)
{
	struct pt_mount *m = *state;

	if (m) {
		pt_mount_done(m);
		free(m);
	}
	return 0;
}

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct pt_mount));
	return 0;
}

static void a_line_with_optional_fields_is_read(void **state)
{
	struct pt_mount *m = *state;

	assert_true(
		pt_mountinfo_parse("36 35 98:11 /root /mnt rw,noatime shared:3 master:1 - ext3 /dev/root rw\nnext", m));
	assert_int_equal(m->major, 98);
	assert_int_equal(m->minor, 11);
	assert_string_equal(m->point, "/mnt");
	assert_string_equal(m->type, "ext3");
	assert_string_equal(m->source, "/dev/root");
	assert_string_equal(m->options, "rw");
}

static void a_line_without_optional_fields_is_read(void **state)
{
	struct pt_mount *m = *state;

	assert_true(pt_mountinfo_parse("36 35 0:5 / /dev rw - devtmpfs udev rw", m));
	assert_string_equal(m->type, "devtmpfs");
}

static void an_empty_source_is_no_other_field(void **state)
{
	struct pt_mount *m = *state;

	assert_true(pt_mountinfo_parse("36 35 0:5 / /t rw - tmpfs  rw,size=1k", m));
	assert_string_equal(m->source, "");
	assert_string_equal(m->options, "rw,size=1k");
}

static void a_mount_point_called_minus_does_not_end_the_optional_fields(void **state)
{
	struct pt_mount *m = *state;

	assert_true(pt_mountinfo_parse("36 35 0:5 / - rw - xfs /dev/sda rw", m));
	assert_string_equal(m->type, "xfs");
	assert_string_equal(m->point, "-");
}

static void a_line_of_another_form_is_left_out(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"36 35",
		"36 35 98 / / rw - ext3 /dev/root rw",
		"36 35 98:0x / / rw - ext3 /dev/root rw",
		"36 35 98:0 / / rw",
		"36 35 98:0 / / rw shared:1\n - ext3 /dev/root rw",
		"36 35 98:0 / / rw -",
	};
	struct pt_mount m;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (pt_mountinfo_parse(lines[i], &m))
			fail_msg("this was read as a mount: %s", lines[i]);
}

static void only_whole_octal_escapes_are_undone(void **state)
{
	static const char *const pairs[][2] = {
		{ "a\\040b", "a b" }, { "\\134040", "\\040" }, { "a\\04", "a\\04" },	     { "\\", "\\" },
		{ "\\900", "\\900" }, { "\\000x", "\\000x" },  { "\\303\\244", "\303\244" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char *text = pt_mount_unescape(pairs[i][0], strlen(pairs[i][0]));
		bool same = pt_streq(text, pairs[i][1]);

		free(text);
		if (!same)
			fail_msg("%s was not read as %s", pairs[i][0], pairs[i][1]);
	}
}

static void the_deepest_and_latest_mount_holds_a_file(void **state)
{
	struct pt_mount v[] = {
		{ .minor = 1, .point = (char[]){ "/" } },    { .minor = 2, .point = (char[]){ "/var" } },
		{ .minor = 3, .point = (char[]){ "/va" } },  { .minor = 4, .point = (char[]){ "/var/lib" }, .pid = 7 },
		{ .minor = 5, .point = (char[]){ "/var" } },
	};
	struct pt_mounts mounts = { .v = v, .n = 5 };

	(void)state;
	assert_int_equal(pt_mount_of_file(&mounts, "/var/lib/swap")->minor, 5);
	assert_int_equal(pt_mount_of_file(&mounts, "/variant")->minor, 1);
	assert_int_equal(pt_mount_of_file(&mounts, "/va/x")->minor, 3);
	assert_null(pt_mount_of_file(&mounts, "relative"));
}

static void a_udev_record_gives_its_properties_and_links(void **state)
{
	struct pt_udev udev = { 0 };

	(void)state;
	pt_udev_parse("S:disk/by-id/x\nL:10\nE:ID_FS_TYPE=zfs_member\nE:ID_FS=1\nS:/abs\nI:1\nE", &udev);
	assert_int_equal(udev.links.n, 1);
	assert_string_equal(udev.links.v[0], "disk/by-id/x");
	assert_string_equal(pt_udev_get(&udev, "ID_FS_TYPE"), "zfs_member");
	assert_string_equal(pt_udev_get(&udev, "ID_FS"), "1");
	assert_null(pt_udev_get(&udev, "ID_F"));
	pt_udev_done(&udev);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_line_with_optional_fields_is_read),
		T(a_line_without_optional_fields_is_read),
		T(an_empty_source_is_no_other_field),
		T(a_mount_point_called_minus_does_not_end_the_optional_fields),
		T(a_line_of_another_form_is_left_out),
		T(only_whole_octal_escapes_are_undone),
		T(the_deepest_and_latest_mount_holds_a_file),
		T(a_udev_record_gives_its_properties_and_links),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
