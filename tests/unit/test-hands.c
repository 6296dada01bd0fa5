/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent makes of how passthru ended: a script is in its place. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/hands.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/watch.h"
#include "decide/judge.h"
#include "fakesys.h"
#include "host/sriov-kept.h"

struct at_hand {
	char dir[64];
	char *program;
	struct pt_own_config config;
	struct pt_own_hands *own;
	struct pt_agent_hands hands;
	struct pt_error err;
};

static int setup(void **state)
{
	struct at_hand *h = pt_alloc(sizeof(*h));

	(void)strcpy(h->dir, "/tmp/hands.XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	h->program = pt_strf("%s/passthru", h->dir);
	h->config = (struct pt_own_config){ .passthru = h->program, .lister = h->program, .vms_ms = 1000 };
	h->own = pt_own_hands_new(&h->config, &h->hands);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct at_hand *h = *state;

	pt_own_hands_free(h->own);
	fakesys_rmtree(h->dir);
	free(h->program);
	free(h);
	return 0;
}

/* the script notes how it was called, says @out, and ends with @status */
static void put_script(struct at_hand *h, const char *out, int status)
{
	FILE *f = fopen(h->program, "we");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\necho \"$@\" > %s/called\necho '%s'\nexit %d\n", h->dir, out, status);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(h->program, 0700), 0);
}

static int attach(struct at_hand *h, struct pt_agent_done *done)
{
	const struct pt_bdf bdf = { .bus = 2 };
	const struct pt_agent_wish wish = { .vm = "some-uuid", .devices = &bdf, .n = 1 };

	h->err = (struct pt_error){ 0 };
	return h->hands.attach(h->hands.ctx, &wish, done, &h->err);
}

static int ends(struct at_hand *h, const char *out, int status)
{
	struct pt_agent_done done = { 0 };
	int r;

	put_script(h, out, status);
	r = attach(h, &done);
	pt_agent_done_done(&done);
	return r;
}

static void a_no_that_passes_is_told_from_one_that_stays(void **state)
{
	struct at_hand *h = *state;

	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"mounted\"}}", 3), -EPERM);
	assert_string_equal(h->err.msg, "m");
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-open\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-meanwhile\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"vm-off\"}}", 3), -EAGAIN);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\"}}", 1), -EIO);
}

static void what_was_cut_off_is_never_a_no(void **state)
{
	struct at_hand *h = *state;

	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"change-unsettled\"}}", 3), -EINTR);
	assert_int_equal(ends(h, "{\"error\": {\"message\": \"m\", \"refusal\": \"write-hangs\"}}", 3), -EINTR);
	assert_int_equal(ends(h, "", 4), -EINTR);
	assert_int_equal(ends(h, "", 137), -EINTR);
}

static void a_program_that_is_not_there_is_no_no(void **state)
{
	struct at_hand *h = *state;
	struct pt_agent_done done = { 0 };
	int r = attach(h, &done);

	assert_true(r < 0 && r != -EPERM && r != -EINTR);
	assert_non_null(strstr(h->err.msg, h->program));
}

static void no_guest_is_ever_shut_down_by_it(void **state)
{
	struct at_hand *h = *state;
	pt_autofree char *name = pt_strf("%s/called", h->dir);
	char line[512] = "";
	FILE *f;

	assert_int_equal(ends(h, "{\"change\": 7, \"made\": true}", 0), 0);
	f = fopen(name, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	assert_non_null(strstr(line, "attach "));
	assert_non_null(strstr(line, " --no-stop some-uuid 0000:02:00.0"));
}

static int list(struct at_hand *h, struct pt_domains *vms)
{
	h->err = (struct pt_error){ 0 };
	return h->hands.vms(h->hands.ctx, vms, &h->err);
}

static void vms_are_listed_by_a_program_of_their_own(void **state)
{
	struct at_hand *h = *state;
	PT_AUTO(pt_domains) vms = { 0 };

	put_script(h,
		   "{\"vms\": [{\"name\": \"a b\", \"uuid\": \"u1\", \"state\": \"running\", \"devices\": "
		   "[\"0000:02:00.0\"]}, {\"name\": \"c\", \"uuid\": \"u2\", \"state\": \"off\", \"devices\": []}, "
		   "{\"name\": \"d\", \"uuid\": \"u3\", \"state\": \"pmsuspended\", \"devices\": []}]}",
		   0);
	assert_int_equal(list(h, &vms), 0);
	assert_int_equal(vms.n, 3);
	assert_string_equal(vms.v[0].name, "a b");
	assert_int_equal(vms.v[0].state, PT_DOMAIN_RUNNING);
	assert_true(pt_judge_holds(&vms.v[0], (struct pt_bdf){ .bus = 2 }));
	assert_false(pt_judge_holds(&vms.v[0], (struct pt_bdf){ .bus = 3 }));
	assert_int_equal(vms.v[1].state, PT_DOMAIN_SHUTOFF);
	/* what is not known to be off is not taken for it */
	assert_int_equal(vms.v[2].state, PT_DOMAIN_OTHER);
}

static void what_is_no_list_of_vms_is_no_empty_one(void **state)
{
	static const char *const wrong[] = {
		"",
		"{}",
		"[]",
		"{\"vms\": 1}",
		"{\"vms\": [{}]}",
		"{\"vms\": [{\"name\": \"a\"}]}",
		"{\"vms\": [{\"name\": \"a\", \"uuid\": \"u\", \"state\": \"off\", \"devices\": [\"x\"]}]}",
		"{\"vms\": [{\"name\": \"a\", \"uuid\": \"u\", \"state\": \"off\", \"devices\": [1]}]}"
	};
	struct at_hand *h = *state;
	PT_AUTO(pt_domains) vms = { 0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_script(h, wrong[i], 0);
		assert_int_equal(list(h, &vms), -EBADMSG);
	}
	put_script(h, "{\"vms\": []}", 1);
	assert_int_equal(list(h, &vms), -ENOTCONN);
	assert_int_equal(vms.n, 0);
}

static unsigned calls;

static void count(void *ctx)
{
	char byte;

	/* without news it is called, too, now and then */
	calls += read(*(int *)ctx, &byte, 1) == 1;
}

/* libvirtd stands still (SIGSTOP, a disk that hangs): it takes the connection, and that is all */
static void a_libvirt_that_never_answers_holds_up_nothing(void **state)
{
	struct at_hand *h = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int silent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pt_autofree char *uri = NULL;
	PT_AUTO(pt_domains) vms = { 0 };
	long long before;
	int fds[2];

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/silent", h->dir);
	assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(silent, 16), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	uri = pt_strf("qemu:///system?socket=%s", at.sun_path);
	h->config.lister = getenv("PT_PASSTHRUD");
	h->config.uri = uri;
	h->config.vms_ms = 1500;
	h->hands.meanwhile(h->hands.ctx, &(struct pt_meanwhile){ fds[0], &fds[0], count });
	for (int i = 0; i < 2; i++) {
		calls = 0;
		before = pt_watch_now_ms();
		assert_int_equal(write(fds[1], "x", 1), 1);
		assert_int_equal(list(h, &vms), -ETIMEDOUT);
		assert_true(pt_watch_now_ms() - before >= 1400);
		assert_true(pt_watch_now_ms() - before < 8000);
		assert_non_null(strstr(h->err.msg, "libvirt does not answer"));
		/* what came up was heard while it was waited for */
		assert_int_equal(calls, 1);
	}
	/* its child has gone with it */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	(void)close(silent);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* as a child in the kernel's hands: it does not go when it is killed, and is not waited for */
static void a_child_that_does_not_end_is_left_behind(void **state)
{
	struct at_hand *h = *state;
	PT_AUTO(pt_domains) vms = { 0 };
	long long before = pt_watch_now_ms();
	FILE *f = fopen(h->program, "we");

	assert_non_null(f);
	/* another process keeps the pipes */
	(void)fprintf(f, "#!/bin/sh\nsleep 4 &\nsleep 4\n");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(h->program, 0700), 0);
	h->config.vms_ms = 100;
	assert_int_equal(list(h, &vms), -ETIMEDOUT);
	assert_true(pt_watch_now_ms() - before < 3500);
	/* it is gone by the next time */
	put_script(h, "{\"vms\": []}", 0);
	h->config.vms_ms = 5000;
	assert_int_equal(list(h, &vms), 0);
}

static bool was_called(struct at_hand *h, const char *how)
{
	pt_autofree char *name = pt_strf("%s/called", h->dir);
	char line[256] = "";
	FILE *f = fopen(name, "re");

	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		(void)fclose(f);
	(void)unlink(name);
	return strcmp(line, how) == 0;
}

static void a_network_is_named_to_the_program(void **state)
{
	struct at_hand *h = *state;
	const struct pt_bdf bdf = { .bus = 2 };
	const struct pt_agent_wish wish = { .vm = "some-uuid", .network = "blue", .devices = &bdf, .n = 1 };
	struct pt_agent_done done = { 0 };

	put_script(h, "{\"change\": 7}", 0);
	assert_int_equal(h->hands.attach(h->hands.ctx, &wish, &done, &h->err), 0);
	assert_true(was_called(h, "attach --json --yes --managed no --prove-timeout 90 --no-stop --network blue "
				  "some-uuid 0000:02:00.0"));
	assert_int_equal(done.change, 7);
	pt_agent_done_done(&done);
}

static void put_kept(struct at_hand *h, const char *text)
{
	pt_autofree char *dir = pt_strf("%s/etc/passthru/sriov.d", h->dir);
	pt_autofree char *name = pt_strf("%s/0000:41:00.0.conf", dir);
	FILE *f;

	assert_int_equal(pt_file_mkdir_p(dir, 0700), 0);
	f = fopen(name, "we");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#define KEPT "address=0000:41:00.0\nid=8086:10c9 subsystem=8086:a03c\nvfs=2\nautoprobe=off\n"
#define MADE                                                                                                           \
	"{\"reserved\": [], \"sriov\": [{\"kept\": \"0000:41:00.0\", \"state\": \"made\", \"text\": \"2 virtual "      \
	"functions made%s\"}]}"
#define LEFT "{\"kept\": \"0000:42:00.0\", \"state\": \"left-alone\", \"text\": \"not made: no driver holds the card\"}"

static int prepare(struct at_hand *h, struct pt_agent_lacks *missed)
{
	pt_agent_lacks_done(missed);
	return h->hands.prepare(h->hands.ctx, missed, &h->err);
}

/* which are missing is for the program to say that the boot's unit is, too; where nothing is kept it is not asked */
static void vfs_that_are_kept_and_missing_are_made(void **state)
{
	struct at_hand *h = *state;
	struct pt_root root = PT_ROOT_NONE;
	struct pt_agent_lacks missed = { 0 };
	pt_autofree char *made = pt_strf(MADE, "");
	pt_autofree char *half = pt_strf(MADE, "; its interface does not have the MTU of 9000 that is kept");

	root.root_fd = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	h->config.root = &root;
	put_script(h, "{}", 0);
	assert_int_equal(prepare(h, &missed), 0);
	assert_true(was_called(h, ""));
	put_kept(h, KEPT);
	put_script(h, made, 0);
	assert_int_equal(prepare(h, &missed), 1);
	assert_true(was_called(h, "boot --json --missing-vfs"));
	assert_int_equal(missed.n, 0);
	put_script(h, "{\"reserved\": [], \"sriov\": []}", 0);
	assert_int_equal(prepare(h, &missed), 0);
	assert_int_equal(missed.n, 0);
	put_script(h, half, 3);
	assert_int_equal(prepare(h, &missed), 1);
	assert_int_equal(missed.n, 1);
	assert_non_null(strstr(missed.v[0].why, "the MTU of 9000"));
	pt_agent_lacks_done(&missed);
	(void)close(root.root_fd);
}

static void why_vfs_could_not_be_made_is_told(void **state)
{
	struct at_hand *h = *state;
	struct pt_root root = PT_ROOT_NONE;
	struct pt_agent_lacks missed = { 0 };

	root.root_fd = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	h->config.root = &root;
	put_kept(h, KEPT);
	put_script(h, "{\"reserved\": [], \"sriov\": [" LEFT "]}", 3);
	assert_int_equal(prepare(h, &missed), 0);
	assert_int_equal(missed.n, 1);
	assert_int_equal(missed.v[0].pf.bus, 0x42);
	assert_string_equal(missed.v[0].why, "not made: no driver holds the card");
	/* it did not get as far */
	put_script(h, "{\"error\": {\"message\": \"another change is under way\"}}", 1);
	assert_int_equal(prepare(h, &missed), -EIO);
	assert_string_equal(h->err.msg, "another change is under way");
	assert_int_equal(missed.n, 0);
	/* what is no report tells nothing, and is none */
	put_script(h, "{\"sriov\": [1, {\"kept\": \"x\", \"state\": 3}, {\"kept\": null}]}", 3);
	assert_true(prepare(h, &missed) < 0);
	assert_int_equal(missed.n, 0);
	pt_agent_lacks_done(&missed);
	(void)close(root.root_fd);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_no_that_passes_is_told_from_one_that_stays),
		T(what_was_cut_off_is_never_a_no),
		T(a_program_that_is_not_there_is_no_no),
		T(no_guest_is_ever_shut_down_by_it),
		T(vms_are_listed_by_a_program_of_their_own),
		T(what_is_no_list_of_vms_is_no_empty_one),
		T(a_libvirt_that_never_answers_holds_up_nothing),
		T(a_child_that_does_not_end_is_left_behind),
		T(a_network_is_named_to_the_program),
		T(vfs_that_are_kept_and_missing_are_made),
		T(why_vfs_could_not_be_made_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
