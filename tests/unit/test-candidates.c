/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that the configuration names. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/placeable.h"

static int setup(void **state)
{
	char *dir = pt_strdup("/tmp/passthru-candidates-XXXXXX");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "etc/passthru/passthru.conf", "etc/passthru", "etc", "" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		pt_autofree char *path = pt_strf("%s/%s", (char *)*state, names[i]);

		(void)remove(path);
	}
	free(*state);
	return 0;
}

static int read_it(const char *dir, const char *text, struct pt_strv *words, struct pt_error *err)
{
	struct pt_cli cli = { .root = PT_ROOT_NONE };
	pt_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pt_autofree char *path = pt_strf("%s/etc/passthru/passthru.conf", dir);
	FILE *f;

	assert_true(fd >= 0);
	(void)mkdirat(fd, "etc", 0700);
	(void)mkdirat(fd, "etc/passthru", 0700);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	cli.root.root_fd = fd;
	/* no owner is asked for */
	cli.root.captured = true;
	return pt_placeable_candidates(&cli, words, err);
}

static void hosts_are_named_one_a_line_and_one_a_key(void **state)
{
	PT_AUTO(pt_strv) words = { 0 };
	pt_autofree char *list = NULL;

	assert_int_equal(read_it(*state,
				 "[pci]\nalias = {}\n[migrate]\nhost = /var/lib/passthru/facts\n"
				 "host = qemu+ssh://root@b/system\n  qemu+ssh://root@c/system\n",
				 &words, NULL),
			 0);
	list = pt_strv_join(&words, " ");
	assert_string_equal(list, "/var/lib/passthru/facts qemu+ssh://root@b/system qemu+ssh://root@c/system");
}

static void a_path_that_depends_on_the_place_and_another_key_are_refused(void **state)
{
	PT_AUTO(pt_strv) words = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(read_it(*state, "[migrate]\nhost = facts\n", &words, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "passthru.conf:2: [migrate] host = facts"));
	assert_int_equal(read_it(*state, "[migrate]\nhosts = /facts\n", &words, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "has no 'hosts'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_are_named_one_a_line_and_one_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_that_depends_on_the_place_and_another_key_are_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
