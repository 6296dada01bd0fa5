/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/root.h"
#include "base/text.h"

struct fixture {
	char path[64];
	int fd;
};

static int make(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	strcpy(f->path, "/tmp/pt-test-base-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *command = pt_strf("rm -rf %s", f->path);

	close(f->fd);
	(void)!system(command);
	free(f);
	return 0;
}

static void an_error_names_the_object_and_the_errno(void **state)
{
	struct pt_error err = { 0 };

	assert_int_equal(pt_fail(&err, -ENODEV, "cannot open %s", "0000:01:00.0"), -ENODEV);
	assert_string_equal(err.msg, "cannot open 0000:01:00.0: No such device");
	assert_int_equal(pt_wrap(&err, -EIO, "attach"), -EIO);
	assert_string_equal(err.msg, "attach: cannot open 0000:01:00.0: No such device");
	assert_int_equal(pt_fail(NULL, -EIO, "nobody asked"), -EIO);
}

static void a_message_too_long_ends_in_dots(void **state)
{
	struct pt_error err = { 0 };
	char *big = pt_alloc(5000);

	memset(big, 'x', 4999);
	(void)pt_say(&err, -EIO, "%s", big);
	free(big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_string_equal(err.msg + sizeof(err.msg) - 4, "...");
}

static void a_refusal_carries_its_name(void **state)
{
	struct pt_error err = { 0 };

	assert_int_equal(pt_refuse(&err, "mounted", "sda1 is mounted on /"), -EPERM);
	assert_int_equal(err.kind, PT_ERROR_REFUSED);
	assert_string_equal(err.refusal, "mounted");
	assert_false(err.forceable);
	pt_refused_by(&err, "mounted", true);
	assert_true(err.forceable);
	assert_int_equal(pt_say(&err, -EIO, "something else"), -EIO);
	assert_string_equal(err.refusal, "");
	assert_false(err.forceable);
}

static void an_array_has_a_place_even_for_no_element(void **state)
{
	size_t cap = 0;
	int *v;

	(void)state;
	v = pt_array_grow(NULL, &cap, 0, sizeof(*v));
	assert_non_null(v);
	assert_ptr_equal(pt_array_grow(v, &cap, 0, sizeof(*v)), v);
	free(v);
}

static void a_hexadecimal_digit_has_a_value_and_nothing_else_has(void **state)
{
	static const char digits[] = "0123456789abcdef";
	static const char big[] = "0123456789ABCDEF";

	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(pt_hex_digit(digits[i]), i);
		assert_int_equal(pt_hex_digit(big[i]), i);
	}
	for (const char *p = "/:@G`g- x\xff"; *p; p++)
		assert_int_equal(pt_hex_digit(*p), -1);
	assert_int_equal(pt_hex_digit('\0'), -1);
}

static void a_link_out_of_the_directory_is_not_followed(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *text = NULL;

	assert_int_equal(symlinkat("/etc/passwd", f->fd, "out"), 0);
	assert_int_equal(symlinkat("../../etc/passwd", f->fd, "up"), 0);
	assert_int_equal(pt_file_read(f->fd, "out", PT_FILE_MAX, &text, NULL), -EXDEV);
	assert_int_equal(pt_file_read(f->fd, "up", PT_FILE_MAX, &text, NULL), -EXDEV);
	assert_int_equal(pt_file_read(f->fd, "../../etc/passwd", PT_FILE_MAX, &text, NULL), -EXDEV);
	assert_null(text);
}

static void a_links_own_target_is_read_even_when_it_leads_out(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *name = NULL;

	assert_int_equal(symlinkat("../../../bus/pci/drivers/vfio-pci", f->fd, "driver"), 0);
	assert_int_equal(pt_file_link_name(f->fd, "driver", &name), 0);
	assert_string_equal(name, "vfio-pci");
}

static void a_file_is_replaced_whole_and_with_its_mode(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *text = NULL;
	struct stat st;

	assert_int_equal(pt_file_write_atomic(f->fd, "a", "one", 3, 0600), 0);
	assert_int_equal(pt_file_write_atomic(f->fd, "a", "two\n", 4, 0600), 0);
	assert_int_equal(pt_file_read_line(f->fd, "a", &text), 0);
	assert_string_equal(text, "two");
	assert_int_equal(fstatat(f->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pt_file_write_atomic(f->fd, "../b", "x", 1, 0600), -EINVAL);
}

static void a_file_larger_than_allowed_is_refused(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;

	assert_int_equal(pt_file_write_atomic(f->fd, "big", "0123456789", 10, 0600), 0);
	assert_int_equal(pt_file_read(f->fd, "big", 9, &text, NULL), -EFBIG);
	assert_int_equal(pt_file_read(f->fd, "big", 10, &text, NULL), 0);
	free(text);
}

static void numbers_are_whole_or_refused(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} cases[] = {
		{ "7\n", 0, 7 },	 { "0x1000\n", 0, 4096 }, { "-1\n", 0, -1 },
		{ "7 8\n", -EINVAL, 0 }, { "\n", -EINVAL, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t value = 0;

		assert_int_equal(pt_file_write_atomic(f->fd, "n", cases[i].text, strlen(cases[i].text), 0600), 0);
		assert_int_equal(pt_file_read_i64(f->fd, "n", &value), cases[i].r);
		assert_int_equal(value, cases[i].value);
	}
}

static void lists_are_sorted_and_complete(void **state)
{
	struct fixture *f = *state;
	struct pt_strv names = { 0 };
	pt_autofree char *joined = NULL;

	for (int i = 9; i >= 0; i--) {
		pt_autofree char *name = pt_strf("f%d", i);

		assert_int_equal(pt_file_write_atomic(f->fd, name, "", 0, 0600), 0);
	}
	assert_int_equal(pt_file_list(f->fd, ".", &names), 0);
	joined = pt_strv_join(&names, " ");
	assert_string_equal(joined, "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9");
	pt_strv_done(&names);
	assert_int_equal(pt_file_list(f->fd, "none", &names), -ENOENT);
}

/* as systemd's RestrictSUIDSGID does; for this process, for good */
static bool forbid_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void a_sandbox_that_forbids_openat2_is_told_of(void **state)
{
	pid_t pid = fork();
	int status = -1;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		PT_AUTO(pt_root) root = PT_ROOT_NONE;
		struct pt_error err = { 0 };

		if (!forbid_openat2())
			_exit(77);
		_exit(pt_root_live(&root, &err) == -ENOSYS && strstr(err.hint, "RestrictSUIDSGID") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		(void)fprintf(stderr, "skipped: this machine takes no filter of system calls\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void a_name_in_a_command_is_one_word_to_a_shell(void **state)
{
	char longest[257];
	char *script = NULL;
	struct pt_shell_word word;

	(void)state;
	assert_string_equal(pt_shell("web-1.example_a").s, "web-1.example_a");
	assert_string_equal(pt_shell("my vm").s, "'my vm'");
	assert_string_equal(pt_shell("").s, "''");
	assert_string_equal(pt_shell("it's `x` $HOME").s, "'it'\\''s `x` $HOME'");
	/* a shell takes it for that name: the longest that libvirt takes, too */
	memset(longest, '\'', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	word = pt_shell(longest);
	script = pt_strf("n=%s; [ ${#n} = 256 ] && [ -z \"$(printf %%s \"$n\" | tr -d \\')\" ]", word.s);
	assert_int_equal(system(script), 0);
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sandbox_that_forbids_openat2_is_told_of),
		cmocka_unit_test(an_error_names_the_object_and_the_errno),
		cmocka_unit_test(a_message_too_long_ends_in_dots),
		cmocka_unit_test(a_refusal_carries_its_name),
		cmocka_unit_test(an_array_has_a_place_even_for_no_element),
		cmocka_unit_test(a_name_in_a_command_is_one_word_to_a_shell),
		cmocka_unit_test(a_hexadecimal_digit_has_a_value_and_nothing_else_has),
		cmocka_unit_test_setup_teardown(a_link_out_of_the_directory_is_not_followed, make, drop),
		cmocka_unit_test_setup_teardown(a_links_own_target_is_read_even_when_it_leads_out, make, drop),
		cmocka_unit_test_setup_teardown(a_file_is_replaced_whole_and_with_its_mode, make, drop),
		cmocka_unit_test_setup_teardown(a_file_larger_than_allowed_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(numbers_are_whole_or_refused, make, drop),
		cmocka_unit_test_setup_teardown(lists_are_sorted_and_complete, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
