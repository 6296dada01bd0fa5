/* SPDX-License-Identifier: Apache-2.0 */
/* The real writer, on files and on a pipe that hangs as a kernel attribute can. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "change/lock.h"
#include "host/ops.h"
#include "tree.h"

static const struct pt_bdf hba = { 0, 1, 0, 0 };

struct fixture {
	struct tree *t;
	char *reserved;
	char *rules;
	char *run;
	struct pt_host_paths paths;
	struct pt_host_writer *writer;
	struct pt_host_ops ops;
	struct pt_error err;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->t = tree_new();
	f->reserved = pt_strf("%s/etc/passthru/reserved.d", f->t->path);
	f->rules = pt_strf("%s/etc/udev/rules.d", f->t->path);
	f->run = pt_strf("%s/run/passthru", f->t->path);
	f->paths = (struct pt_host_paths){ f->reserved, f->rules, f->run };
	pt_host_writer_open(&f->t->root, &f->paths, &f->writer, &f->ops);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_host_writer_close(f->writer);
	tree_free(f->t);
	free(f->reserved);
	free(f->rules);
	free(f->run);
	free(f);
	return 0;
}

static long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* an attribute whose reader does not read: a write of one byte hangs; returns the reader's descriptor */
static int make_hanging(const struct fixture *f, const char *path)
{
	static const char block[4096];
	char *full = pt_strf("%s/sys/%s", f->t->path, path);
	int reader;
	int writer;

	assert_int_equal(mkfifo(full, 0600), 0);
	reader = open(full, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(full, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0 && writer >= 0);
	while (write(writer, block, sizeof(block)) > 0)
		;
	while (write(writer, block, 1) > 0)
		;
	(void)close(writer);
	free(full);
	return reader;
}

static void a_value_is_written_and_read_back(void **state)
{
	struct fixture *f = *state;
	char *line = NULL;

	tree_file(f->t, "sys/a/b", "");
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "a/b", "vfio-pci", 1000, &f->err), 0);
	assert_int_equal(f->ops.read(f->ops.ctx, "a/b", &line), 0);
	assert_string_equal(line, "vfio-pci");
	free(line);
	assert_int_equal(f->ops.exists(f->ops.ctx, "a/b"), 1);
	assert_int_equal(f->ops.exists(f->ops.ctx, "a/c"), 0);
}

static void an_attribute_that_is_not_there_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->ops.write(f->ops.ctx, hba, "a/c", "1", 1000, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.msg, "sys/a/c: No such file"));
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "../etc/x", "1", 1000, &f->err), -EXDEV);
}

static void a_link_that_leads_out_of_sysfs_is_not_followed(void **state)
{
	struct fixture *f = *state;
	char *full = pt_strf("%s/sys/full", f->t->path);

	assert_int_equal(symlink("/dev/full", full), 0);
	free(full);
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "full", "1", 1000, &f->err), -EXDEV);
}

static void a_write_that_hangs_is_given_up_and_marks_its_device_alone(void **state)
{
	const struct pt_bdf other = { 0, 2, 0, 0 };
	struct fixture *f = *state;
	struct pt_host_writer *other_writer = NULL;
	struct pt_host_ops other_ops;
	char drain[65536];
	long long start;
	int reader;
	int r;

	tree_file(f->t, "sys/a", "");
	reader = make_hanging(f, "hangs");
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "hangs", "0000:01:00.0", 50, &f->err), -ETIMEDOUT);
	assert_non_null(strstr(f->err.msg, "did not return within 50 ms: pid "));
	/* nothing more to this one, and the hint names who hangs; others go on */
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "a", "1", 1000, &f->err), -EBUSY);
	assert_non_null(strstr(f->err.msg, "an earlier write to 0000:01:00.0 still hangs in the kernel (pid "));
	assert_null(strchr(f->err.msg, '?'));
	assert_int_equal(f->ops.write(f->ops.ctx, other, "a", "1", 1000, &f->err), 0);
	/* another program waits as long as a write may take */
	pt_host_writer_open(&f->t->root, &f->paths, &other_writer, &other_ops);
	start = now_ms();
	assert_int_equal(other_ops.quiet(other_ops.ctx, hba, 200, &f->err), -EBUSY);
	assert_true(now_ms() - start >= 200);
	/* what it waited for happens: the write ends by itself, and the device is free again */
	while (read(reader, drain, sizeof(drain)) > 0)
		;
	assert_int_equal(other_ops.quiet(other_ops.ctx, hba, 5000, &f->err), 0);
	pt_host_writer_close(other_writer);
	assert_int_equal(waitpid(-1, NULL, 0) > 0, 1);
	r = f->ops.write(f->ops.ctx, hba, "a", "1", 1000, &f->err);
	assert_int_equal(r, 0);
	(void)close(reader);
}

static void a_hanging_write_holds_neither_lock_nor_our_output(void **state)
{
	struct fixture *f = *state;
	struct pt_lock_wait wait = { .ms = 0 };
	struct pt_lock *lock = NULL;
	struct pt_lock *second = NULL;
	char byte;
	int reader = make_hanging(f, "hangs");
	int out[2];

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pt_lock_open(f->run, &lock, &f->err), 0);
	assert_int_equal(pt_lock_take(lock, "a test", &wait, &f->err), 0);
	assert_int_equal(f->ops.write(f->ops.ctx, hba, "hangs", "0000:01:00.0", 50, &f->err), -ETIMEDOUT);
	/* as when we die: our descriptors close, the child lives on */
	(void)close(out[1]);
	pt_lock_close(lock);
	assert_int_equal(pt_lock_open(f->run, &second, &f->err), 0);
	assert_int_equal(pt_lock_take(second, "another", &wait, &f->err), 0);
	assert_int_equal(read(out[0], &byte, 1), 0);
	pt_lock_close(second);
	(void)close(out[0]);
	(void)close(reader); /* the pipe breaks, and with it the hanging child */
	assert_true(waitpid(-1, NULL, 0) > 0);
}

static void our_files_are_made_with_their_folders_and_removed(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;

	assert_int_equal(f->ops.file_read(f->ops.ctx, PT_HOST_RESERVED, "x.conf", &text, &f->err), -ENOENT);
	assert_int_equal(access(f->reserved, F_OK), -1);
	assert_int_equal(f->ops.file_write(f->ops.ctx, PT_HOST_RESERVED, "x.conf", "a=1\n", &f->err), 0);
	assert_int_equal(f->ops.file_read(f->ops.ctx, PT_HOST_RESERVED, "x.conf", &text, &f->err), 0);
	assert_string_equal(text, "a=1\n");
	free(text);
	assert_int_equal(f->ops.file_write(f->ops.ctx, PT_HOST_RESERVED, "x.conf", NULL, &f->err), 0);
	assert_int_equal(f->ops.file_write(f->ops.ctx, PT_HOST_RESERVED, "x.conf", NULL, &f->err), -ENOENT);
}

static void a_module_that_does_not_exist_is_named(void **state)
{
	struct fixture *f = *state;

	assert_true(f->ops.load_module(f->ops.ctx, "no-such-module-of-passthru", &f->err) < 0);
	assert_non_null(strstr(f->err.msg, "no-such-module-of-passthru"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_is_written_and_read_back),
		TEST(an_attribute_that_is_not_there_is_named),
		TEST(a_link_that_leads_out_of_sysfs_is_not_followed),
		TEST(a_write_that_hangs_is_given_up_and_marks_its_device_alone),
		TEST(a_hanging_write_holds_neither_lock_nor_our_output),
		TEST(our_files_are_made_with_their_folders_and_removed),
		TEST(a_module_that_does_not_exist_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
