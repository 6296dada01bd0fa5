/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what was written is there after any death, and no other file is taken for it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/root.h"
#include "fakesys.h"
#include "journal/journal.h"

static const char uuid[] = "c7a5fdbd-edaf-9455-926a-d65c16db1809";
static const struct pt_owner nobody = { .pid = 1, .start = 1, .boot = "another-boot" };

struct fixture {
	char dir[64];
	char state[96];
	char file[128];
	struct pt_plan plan;
	struct pt_error err;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));
	struct pt_step *s;

	(void)strcpy(f->dir, "/tmp/journal.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	(void)snprintf(f->file, sizeof(f->file), "%s/journal.db", f->state);
	f->plan.verb = pt_strdup("attach");
	f->plan.summary = pt_strdup("attach 0000:01:00.0 to cvm");
	s = pt_plan_step(&f->plan, PT_STEP_VM_STOP);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
	s = pt_plan_step(&f->plan, PT_STEP_DRIVER);
	s->bdf = (struct pt_bdf){ 0, 1, 0, 0 };
	s->vendor = 0x1000;
	s->driver_after = pt_strdup("vfio-pci");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_plan_done(&f->plan);
	fakesys_rmtree(f->dir);
	free(f);
	return 0;
}

static struct pt_journal *opened(struct fixture *f)
{
	struct pt_journal *j = NULL;

	if (pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	return j;
}

static long long begun(struct fixture *f, struct pt_journal *j)
{
	long long id = 0;

	if (pt_journal_begin(j, &f->plan, &nobody, &id, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	return id;
}

static void sql(const struct fixture *f, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void what_was_written_is_there_when_it_is_opened_again(void **state)
{
	struct fixture *f = *state;
	struct pt_journal *j = opened(f);
	struct pt_change_record record;
	long long id = begun(f, j);

	assert_int_equal(pt_journal_step_start(j, id, 0, &f->plan.steps.v[0], &f->err), 0);
	assert_int_equal(pt_journal_step_done(j, id, 0, "seen", &f->err), 0);
	assert_int_equal(pt_journal_step(j, id, 1, PT_STEP_STUCK, "it hangs", &f->err), 0);
	assert_int_equal(pt_journal_finish(j, id, PT_CHANGE_STUCK, "because", &f->err), 0);
	pt_journal_close(j);

	j = opened(f);
	assert_int_equal(pt_journal_get(j, id, &record, &f->err), 0);
	assert_string_equal(record.head.summary, "attach 0000:01:00.0 to cvm");
	assert_int_equal(record.head.state, PT_CHANGE_STUCK);
	assert_string_equal(record.head.message, "because");
	assert_string_equal(record.head.owner.boot, "another-boot");
	assert_int_equal(record.steps.n, 2);
	assert_int_equal(record.steps.v[0].state, PT_STEP_DONE);
	assert_string_equal(record.steps.v[0].seen, "seen");
	assert_string_equal(record.steps.v[1].error, "it hangs");
	assert_string_equal(record.steps.v[1].step.driver_after, "vfio-pci");
	pt_change_record_done(&record);
	pt_journal_close(j);
}

static void directory_and_file_are_closed_to_others(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	pt_journal_close(opened(f));
	assert_int_equal(stat(f->state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* the directory was opened to readers: closed again; to writers: not trusted any more */
	assert_int_equal(chmod(f->state, 0755), 0);
	pt_journal_close(opened(f));
	assert_int_equal(stat(f->state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void refused(struct fixture *f, int code, const char *why)
{
	struct pt_journal *j = NULL;

	assert_int_equal(pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &f->err), code);
	assert_null(j);
	if (!strstr(f->err.msg, why))
		fail_msg("'%s' says nothing of '%s'", f->err.msg, why);
}

static void what_others_could_have_written_is_not_trusted(void **state)
{
	struct fixture *f = *state;

	pt_journal_close(opened(f));
	assert_int_equal(chmod(f->file, 0666), 0);
	refused(f, -EPERM, "open to others");
	assert_int_equal(chmod(f->file, 0600), 0);
	assert_int_equal(chmod(f->state, 0777), 0);
	refused(f, -EPERM, "can be written by others");
	assert_int_equal(chmod(f->state, 0700), 0);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(symlink("/etc/passwd", f->file), 0);
	refused(f, -EPERM, "no regular file");
}

static void a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;

	pt_journal_close(opened(f));
	sql(f, "PRAGMA user_version = 7");
	refused(f, -EPROTONOSUPPORT, "newer passthru");
}

static char *content(const struct fixture *f, size_t *ret_size)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *text = NULL;

	assert_int_equal(pt_file_read(fd, f->file + 1, PT_FILE_MAX, &text, ret_size), 0);
	(void)close(fd);
	return text;
}

static void put(const struct fixture *f, const char *data, size_t size)
{
	int fd = open(f->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	(void)close(fd);
}

static void a_file_of_something_else_is_reported_and_left_as_it_is(void **state)
{
	static const char text[] = "dear diary, today I was mistaken for a database of several pages, all of them text";
	struct fixture *f = *state;
	size_t size = 0;
	char *after;

	pt_journal_close(opened(f));
	put(f, text, sizeof(text));
	refused(f, -EBADMSG, "damaged");
	after = content(f, &size);
	assert_int_equal(size, sizeof(text));
	assert_memory_equal(after, text, size);
	free(after);
	put(f, "", 0);
	refused(f, -EBADMSG, "it is empty");
	/* a good SQLite file, but not ours */
	assert_int_equal(unlink(f->file), 0);
	sql(f, "CREATE TABLE bookmarks(url)");
	assert_int_equal(chmod(f->file, 0600), 0);
	refused(f, -EBADMSG, "no journal of passthru");
}

static void a_page_of_garbage_is_found_after_an_unclean_end(void **state)
{
	struct fixture *f = *state;
	struct pt_journal *j = opened(f);
	char *wal = pt_strf("%s-wal", f->file);
	size_t size = 0;
	char *data;

	for (int i = 0; i < 200; i++)
		(void)begun(f, j);
	pt_journal_close(j);
	data = content(f, &size);
	assert_true(size > 32768);
	memset(data + 12288, 0xa5, 8192);
	put(f, data, size);
	free(data);
	/* a log that its writer did not take away */
	data = pt_strf("%s", "cut off");
	{
		int fd = open(wal, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_int_equal(write(fd, data, strlen(data)), strlen(data));
		(void)close(fd);
	}
	free(data);
	free(wal);
	refused(f, -EBADMSG, "damaged");
}

static void a_death_between_two_entries_loses_neither(void **state)
{
	struct fixture *f = *state;
	struct pt_change_record record;
	struct pt_journal *j;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		j = opened(f);
		(void)begun(f, j);
		(void)pt_journal_step_start(j, 1, 0, &f->plan.steps.v[0], NULL);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	j = opened(f);
	assert_int_equal(pt_journal_get(j, 1, &record, &f->err), 0);
	assert_int_equal(record.head.state, PT_CHANGE_OPEN);
	assert_int_equal(record.steps.v[0].state, PT_STEP_STARTED);
	assert_int_equal(record.steps.v[1].state, PT_STEP_PLANNED);
	pt_change_record_done(&record);
	pt_journal_close(j);
}

static void an_entry_that_is_half_understood_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pt_change_record record;
	struct pt_change_list list;
	struct pt_journal *j = opened(f);

	(void)begun(f, j);
	(void)begun(f, j);
	(void)begun(f, j);
	pt_journal_close(j);
	sql(f, "UPDATE step SET plan = '{\"kind\":\"format-disk\"}' WHERE change = 1 AND number = 1;"
	       "DELETE FROM step WHERE change = 2 AND number = 0;"
	       "UPDATE step SET state = 'perhaps' WHERE change = 3");
	j = opened(f);
	for (long long id = 1; id <= 3; id++) {
		assert_int_equal(pt_journal_get(j, id, &record, &f->err), -EBADMSG);
		assert_non_null(strstr(f->err.msg, "cannot be understood"));
	}
	assert_int_equal(pt_journal_get(j, 4, &record, &f->err), -ENOENT);
	assert_int_equal(f->err.kind, PT_ERROR_USAGE);
	pt_journal_close(j);
	sql(f, "UPDATE change SET state = 'maybe' WHERE id = 2");
	j = opened(f);
	assert_int_equal(pt_journal_list(j, false, &list, &f->err), -EBADMSG);
	pt_journal_close(j);
}

static void an_undo_marks_what_it_undid_and_its_own_undo_takes_that_back(void **state)
{
	struct fixture *f = *state;
	struct pt_journal *j = opened(f);
	struct pt_change_list list = { 0 };
	long long id = begun(f, j);

	assert_int_equal(pt_journal_finish(j, id, PT_CHANGE_DONE, NULL, &f->err), 0);
	f->plan.undoes = id;
	f->plan.undoes = begun(f, j);
	assert_int_equal(pt_journal_finish(j, 2, PT_CHANGE_DONE, NULL, &f->err), 0);
	(void)begun(f, j);
	assert_int_equal(pt_journal_list(j, false, &list, &f->err), 0);
	assert_int_equal(list.v[0].state, PT_CHANGE_UNDONE);
	assert_int_equal(list.v[1].state, PT_CHANGE_DONE);
	pt_change_list_done(&list);
	assert_int_equal(pt_journal_finish(j, 3, PT_CHANGE_DONE, NULL, &f->err), 0);
	assert_int_equal(pt_journal_list(j, false, &list, &f->err), 0);
	assert_int_equal(list.v[0].state, PT_CHANGE_DONE);
	assert_int_equal(list.v[1].state, PT_CHANGE_UNDONE);
	assert_int_equal(list.v[2].state, PT_CHANGE_DONE);
	pt_change_list_done(&list);
	pt_journal_close(j);
}

static void reading_makes_no_journal_and_a_frozen_one_is_not_touched(void **state)
{
	struct fixture *f = *state;
	struct pt_journal *j = NULL;
	struct pt_strv names = { 0 };
	struct pt_change_list list = { 0 };
	int fd;

	assert_int_equal(pt_journal_open(f->state, PT_JOURNAL_READ, &j, &f->err), -ENOENT);
	assert_int_equal(access(f->state, F_OK), -1);
	j = opened(f);
	(void)begun(f, j);
	pt_journal_close(j);
	assert_int_equal(pt_journal_open(f->state, PT_JOURNAL_FROZEN, &j, &f->err), 0);
	assert_int_equal(pt_journal_list(j, true, &list, &f->err), 0);
	assert_int_equal(list.n, 1);
	pt_change_list_done(&list);
	fd = open(f->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(pt_file_list(fd, ".", &names), 0);
	assert_int_equal(names.n, 1);
	pt_strv_done(&names);
	(void)close(fd);
	pt_journal_close(j);
}

static void the_original_is_kept_whatever_the_vm_is_called(void **state)
{
	struct fixture *f = *state;
	struct pt_journal *j = opened(f);
	char *expected = pt_strf("%s/backup/3-.._.._etc_cron.d_x.xml", f->state);
	struct stat st;
	char *path = NULL;

	assert_int_equal(pt_journal_backup(j, 3, "../../etc/cron.d/x", "", "<domain/>", &path, &f->err), 0);
	assert_string_equal(path, expected);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(path);
	free(expected);
	/* a second one does not replace the first */
	assert_int_equal(pt_journal_backup(j, 3, "../../etc/cron.d/x", "", "<other/>", &path, &f->err), 0);
	assert_non_null(strstr(path, ".1.xml"));
	free(path);
	pt_journal_close(j);
}

static bool small_disk(const struct fixture *f, unsigned kib)
{
	pt_autofree char *small = pt_strf("size=%uk,mode=700", kib);

	return mkdir(f->state, 0700) == 0 && unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("small", f->state, "tmpfs", 0, small) == 0;
}

/* 0 well; 77: no file system of its own can be had here; each other number is the line that was not so */
static int on_a_small_disk(const struct fixture *f, unsigned kib)
{
	struct pt_error err = { 0 };
	struct pt_journal *j = NULL;
	struct pt_strv names = { 0 };
	int r;

	if (!small_disk(f, kib))
		return 77;
	r = pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &err);
	pt_journal_close(j);
	if (r < 0 && (r != -ENOSPC || !strstr(err.hint, "make room")))
		return __LINE__ % 256;
	if (mount("small", f->state, "tmpfs", MS_REMOUNT, "size=4m,mode=700") < 0)
		return 77;
	j = NULL;
	if (pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &err) < 0)
		return __LINE__ % 256;
	pt_journal_close(j);
	r = open(f->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pt_file_list(r, ".", &names) < 0 || names.n != 1)
		return __LINE__ % 256;
	pt_strv_done(&names);
	return 0;
}

/* how many changes one sees who only reads; a negative errno */
static int changes_seen(const struct fixture *f, struct pt_error *err)
{
	struct pt_change_list list = { 0 };
	struct pt_journal *j = NULL;
	int r = pt_journal_open(f->state, PT_JOURNAL_READ, &j, err);

	if (r == 0)
		r = pt_journal_list(j, true, &list, err);
	if (r == 0)
		r = (int)list.n;
	pt_change_list_done(&list);
	pt_journal_close(j);
	return r;
}

static bool fill(const struct fixture *f)
{
	pt_autofree char *path = pt_strf("%s/fill", f->state);
	static const char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n;

	do
		n = write(fd, block, sizeof(block));
	while (n > 0);
	return fd >= 0 && n < 0 && errno == ENOSPC && close(fd) == 0;
}

static int read_on_a_full_disk(struct fixture *f)
{
	struct pt_error err = { 0 };
	struct pt_journal *j;

	if (!small_disk(f, 256))
		return 77;
	j = opened(f);
	(void)begun(f, j);
	pt_journal_close(j);
	if (!fill(f))
		return __LINE__ % 256;
	if (changes_seen(f, &err) != 1)
		return __LINE__ % 256;
	if (pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &err) != -ENOSPC || !strstr(err.hint, "make room"))
		return __LINE__ % 256;
	if (mount("small", f->state, "tmpfs", MS_REMOUNT | MS_RDONLY, "") < 0)
		return 77;
	if (changes_seen(f, &err) != 1)
		return __LINE__ % 256;
	if (pt_journal_open(f->state, PT_JOURNAL_WRITE, &j, &err) != -EROFS || !strstr(err.hint, "read-only"))
		return __LINE__ % 256;
	return 0;
}

static void what_is_whole_can_be_read_on_a_full_and_on_a_read_only_disk(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0)
		_exit(read_on_a_full_disk(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	if (status != 0)
		fail_msg("line %d", WEXITSTATUS(status));
}

static void a_journal_that_is_begun_on_a_full_disk_is_whole_when_there_is_room(void **state)
{
	struct fixture *f = *state;

	for (unsigned kib = 8; kib <= 136; kib += 4) {
		pid_t child = fork();
		int status = -1;

		assert_true(child >= 0);
		if (child == 0)
			_exit(on_a_small_disk(f, kib));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(rmdir(f->state), 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		if (status != 0)
			fail_msg("%u KiB: line %d", kib, WEXITSTATUS(status));
	}
}

static void an_owner_is_told_from_a_later_process_with_its_number(void **state)
{
	struct pt_root root;
	struct pt_owner self;
	struct pt_owner other;
	siginfo_t ended;
	int out[2];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pt_root_open(NULL, &root, NULL), 0);
	assert_int_equal(pt_owner_self(root.proc_fd, &self, NULL), 0);
	assert_true(pt_owner_alive(root.proc_fd, &self));
	other = self;
	other.start++;
	assert_false(pt_owner_alive(root.proc_fd, &other));
	other = self;
	other.boot[0] = other.boot[0] == 'x' ? 'y' : 'x';
	assert_false(pt_owner_alive(root.proc_fd, &other));
	pid = fork();
	if (pid == 0) {
		int ok = pt_owner_self(root.proc_fd, &self, NULL);

		(void)!write(out[1], &self, sizeof(self));
		_exit(ok);
	}
	assert_int_equal(read(out[0], &other, sizeof(other)), sizeof(other));
	assert_int_equal(other.pid, pid);
	/* dead, but not waited for: it works on nothing any more */
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_false(pt_owner_alive(root.proc_fd, &other));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(pt_owner_alive(root.proc_fd, &other));
	(void)close(out[0]);
	(void)close(out[1]);
	pt_root_done(&root);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_there_when_it_is_opened_again),
		TEST(directory_and_file_are_closed_to_others),
		TEST(what_others_could_have_written_is_not_trusted),
		TEST(a_newer_schema_is_refused),
		TEST(a_file_of_something_else_is_reported_and_left_as_it_is),
		TEST(a_page_of_garbage_is_found_after_an_unclean_end),
		TEST(a_death_between_two_entries_loses_neither),
		TEST(an_entry_that_is_half_understood_is_refused),
		TEST(an_undo_marks_what_it_undid_and_its_own_undo_takes_that_back),
		TEST(reading_makes_no_journal_and_a_frozen_one_is_not_touched),
		TEST(the_original_is_kept_whatever_the_vm_is_called),
		TEST(what_is_whole_can_be_read_on_a_full_and_on_a_read_only_disk),
		TEST(a_journal_that_is_begun_on_a_full_disk_is_whole_when_there_is_room),
		TEST(an_owner_is_told_from_a_later_process_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
