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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/candidates.h"
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

static void configure(int fd, const char *dir, const char *text)
{
	pt_autofree char *path = pt_strf("%s/etc/passthru/passthru.conf", dir);
	FILE *f;

	(void)mkdirat(fd, "etc", 0700);
	(void)mkdirat(fd, "etc/passthru", 0700);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static int read_it(const char *dir, const char *text, struct pt_strv *words, struct pt_error *err)
{
	struct pt_cli cli = { .root = PT_ROOT_NONE };
	pt_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	configure(fd, dir, text);
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

#define TARGET "qemu+tcp://127.0.0.1:1/system"

/* facts that were gathered there and lie here under its name are no answer of the host that is moved to */
static void what_is_moved_to_is_what_is_looked_at(void **state)
{
	struct pt_cli cli = { .root = PT_ROOT_NONE };
	pt_autoclose int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pt_autoclose int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PT_AUTO(pt_migrate_hosts) target = { 0 };
	PT_AUTO(pt_migrate_hosts) word = { 0 };
	pt_autofree char *uri = NULL;
	pt_autoclose int facts = -EBADF;

	assert_true(fd >= 0 && before >= 0);
	configure(fd, *state, "[migrate]\nhost = " TARGET "\n");
	facts = openat(fd, "127.0.0.1", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(facts >= 0);
	cli.root.root_fd = fd;
	cli.root.captured = true;
	assert_int_equal(fchdir(fd), 0);
	assert_int_equal(pt_candidates_uri(&cli, "127.0.0.1", &uri, NULL), 1);
	assert_int_equal(pt_candidates_add(&cli, "127.0.0.1", &word, NULL), 0);
	assert_int_equal(pt_candidates_add_target(&cli, uri, &target, NULL), 0);
	assert_int_equal(fchdir(before), 0);
	assert_string_equal(uri, TARGET);
	/* named twice it is one host */
	assert_int_equal(fchdir(fd), 0);
	assert_int_equal(pt_candidates_add(&cli, "127.0.0.1", &word, NULL), 0);
	assert_int_equal(pt_candidates_add(&cli, TARGET, &word, NULL), 0);
	assert_int_equal(pt_candidates_add(&cli, TARGET, &word, NULL), 0);
	assert_int_equal(fchdir(before), 0);
	assert_int_equal(word.n, 2);
	assert_true(word.v[1].unasked);
	pt_candidates_ask(&cli, &word);
	assert_false(word.v[1].unasked);
	assert_non_null(strstr(word.v[1].why_not, "cannot reach libvirt at"));
	/* for --check the file comes first */
	assert_string_equal(word.v[0].where, "127.0.0.1");
	assert_int_equal(target.n, 1);
	assert_string_equal(target.v[0].where, TARGET);
	assert_non_null(strstr(target.v[0].why_not, "cannot reach libvirt at"));
	/* one is moved to, and nothing beside it is looked at */
	assert_int_equal(pt_candidates_add_target(&cli, uri, &target, NULL), -EINVAL);
	assert_int_equal(unlinkat(fd, "127.0.0.1", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_are_named_one_a_line_and_one_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_that_depends_on_the_place_and_another_key_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_moved_to_is_what_is_looked_at, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
