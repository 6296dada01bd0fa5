/* SPDX-License-Identifier: Apache-2.0 */
/* passthrud as a program: its command line, its lock, its end.  It looks only: a test has no right to a host. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "fakesys.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "shape/claim.h"

#define PATIENCE_S 10

struct daemon {
	char dir[64];
	char *config;
	char *option;
	char *run_dir;
	char *notify;
	int notify_fd;
	int err_fd;
	pid_t pid;
	struct pt_store_config store_config;
	struct pt_error err;
};

static int setup(void **state)
{
	struct daemon *d = pt_alloc(sizeof(*d));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	FILE *f;

	(void)strcpy(d->dir, "/tmp/daemon.XXXXXX");
	if (!mkdtemp(d->dir))
		return -1;
	d->config = pt_strf("%s/conf", d->dir);
	d->option = pt_strf("--config=%s", d->config);
	d->run_dir = pt_strf("--run-dir=%s/run", d->dir);
	d->notify = pt_strf("%s/notify", d->dir);
	d->store_config.directory = pt_strf("%s/state", d->dir);
	(void)strcpy(at.sun_path, d->notify);
	d->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	d->err_fd = open(d->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->err_fd < 0 || bind(d->notify_fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	f = fopen(d->config, "we");
	if (!f)
		return -1;
	(void)fprintf(f,
		      "[store]\nbackend = sqlite\ndirectory = %s/state\n"
		      "[pci]\ndevice_spec = { \"vendor_id\": \"10de\" }\n",
		      d->dir);
	(void)fclose(f);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct daemon *d = *state;

	if (d->pid > 0) {
		(void)kill(d->pid, SIGKILL);
		(void)waitpid(d->pid, NULL, 0);
	}
	(void)close(d->notify_fd);
	(void)close(d->err_fd);
	fakesys_rmtree(d->dir);
	free(d->config);
	free(d->option);
	free(d->run_dir);
	free(d->notify);
	pt_store_config_done(&d->store_config);
	free(d);
	return 0;
}

static pid_t start(struct daemon *d, char *const *more)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	pt_autofree char *socket_name = pt_strf("NOTIFY_SOCKET=%s", d->notify);
	pt_autofree char *asan =
		getenv("ASAN_OPTIONS") ? pt_strf("ASAN_OPTIONS=%s", getenv("ASAN_OPTIONS")) : pt_strdup("LANG=C");
	pt_autofree char *program = pt_strdup(getenv("PT_PASSTHRUD"));
	static char watchdog[] = "WATCHDOG_USEC=400000";
	char *env[] = { path, socket_name, asan, watchdog, NULL };
	char *argv[16] = { program };
	posix_spawn_file_actions_t actions;
	size_t n = 1;
	pid_t pid = -1;

	while (*more)
		argv[n++] = *more++;
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, d->err_fd, 2), 0);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, env), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static int end_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* what was written on standard error so far holds @text */
static bool said(struct daemon *d, const char *text)
{
	char all[8192] = "";

	if (pread(d->err_fd, all, sizeof(all) - 1, 0) < 0)
		fail_msg("%s", strerror(errno));
	return strstr(all, text) != NULL;
}

static void pause_a_little(void)
{
	const struct timespec t = { .tv_nsec = 20000000 };

	(void)nanosleep(&t, NULL);
}

/* systemd is told something that holds @text */
static void await_word(struct daemon *d, const char *text)
{
	for (unsigned i = 0; i < PATIENCE_S * 50; i++) {
		char word[4096];
		ssize_t n = recv(d->notify_fd, word, sizeof(word) - 1, 0);

		if (n < 0) {
			pause_a_little();
			continue;
		}
		word[n] = '\0';
		if (strstr(word, text))
			return;
	}
	fail_msg("systemd was never told %s", text);
}

static struct pt_store *open_store(struct daemon *d)
{
	struct pt_store *store = NULL;

	if (pt_store_open(&d->store_config, &store, &d->err) < 0)
		fail_msg("%s", d->err.msg);
	return store;
}

/* its first round has ended */
static void await_facts(struct daemon *d)
{
	struct pt_store *store = open_store(d);
	int there = 0;

	for (unsigned i = 0; i < PATIENCE_S * 50 && !there; i++) {
		PT_AUTO(pt_record) facts = { 0 };

		there = pt_store_get(store, "facts/h1", &facts, &d->err);
		if (!there)
			pause_a_little();
	}
	pt_store_close(store);
	assert_int_equal(there, 1);
}

static void run_it(struct daemon *d)
{
	static char name[] = "--name=h1";
	static char look[] = "--look-only";
	static char often[] = "--look=1";
	char *const argv[] = { d->option, d->run_dir, name, look, often, NULL };

	d->pid = start(d, argv);
	await_word(d, "READY=1");
	await_facts(d);
}

static void end_it(struct daemon *d)
{
	assert_int_equal(kill(d->pid, SIGTERM), 0);
	assert_int_equal(end_of(d->pid), 0);
	d->pid = 0;
	await_word(d, "STOPPING=1");
}

static void it_publishes_and_is_alive_until_it_is_told_to_end(void **state)
{
	struct daemon *d = *state;
	struct pt_store *store;
	PT_AUTO(pt_alive) alive = { 0 };
	PT_AUTO(pt_record) facts = { 0 };
	PT_AUTO(pt_host_record) host = { 0 };
	int there = 0;

	run_it(d);
	store = open_store(d);
	assert_int_equal(pt_store_get(store, "facts/h1", &facts, &d->err), 1);
	if (pt_host_record_read(facts.value, "facts/h1", &host, &d->err) < 0)
		fail_msg("%s", d->err.msg);
	assert_string_equal(host.host.name, "h1");
	assert_true(host.agent);
	for (unsigned i = 0; i < PATIENCE_S * 50 && !there; i++) {
		pause_a_little();
		there = pt_fleet_alive(store, "h1", &alive, &d->err);
	}
	assert_int_equal(there, 1);
	assert_non_null(alive.boot);
	end_it(d);
	/* its lease ended with it */
	assert_int_equal(pt_fleet_alive(store, "h1", NULL, &d->err), 0);
	pt_store_close(store);
}

static void a_record_that_was_taken_out_is_written_again(void **state)
{
	struct daemon *d = *state;
	const struct pt_write gone = { "facts/h1", NULL, 0 };
	const struct pt_txn txn = { NULL, 0, &gone, 1 };
	struct pt_store *store;
	int there = 0;

	run_it(d);
	store = open_store(d);
	for (unsigned i = 0; i < PATIENCE_S * 50 && !there; i++) {
		pause_a_little();
		there = pt_fleet_alive(store, "h1", NULL, &d->err);
	}
	assert_int_equal(there, 1);
	there = 0;
	/* it would write it again: so it is not taken out while it runs, but what is lost is */
	assert_int_equal(pt_fleet_withdraw(store, "h1", 0, &d->err), -EBUSY);
	assert_int_equal(pt_store_commit(store, &txn, NULL, NULL, &d->err), 1);
	for (unsigned i = 0; i < PATIENCE_S * 50 && !there; i++) {
		PT_AUTO(pt_record) facts = { 0 };

		pause_a_little();
		there = pt_store_get(store, "facts/h1", &facts, &d->err);
	}
	assert_int_equal(there, 1);
	pt_store_close(store);
	end_it(d);
}

static void the_watchdog_hears_of_it(void **state)
{
	struct daemon *d = *state;

	run_it(d);
	await_word(d, "WATCHDOG=1");
	/* again and again */
	await_word(d, "WATCHDOG=1");
	assert_int_equal(kill(d->pid, SIGSTOP), 0);
	pause_a_little();
	/* one that stands still says nothing */
	for (char word[256]; recv(d->notify_fd, word, sizeof(word), 0) >= 0;)
		;
	(void)usleep(600000);
	{
		char word[256];

		assert_true(recv(d->notify_fd, word, sizeof(word), 0) < 0);
	}
	assert_int_equal(kill(d->pid, SIGCONT), 0);
	await_word(d, "WATCHDOG=1");
	end_it(d);
}

static void a_second_one_is_refused(void **state)
{
	static char look[] = "--look-only";
	struct daemon *d = *state;
	char *const argv[] = { d->option, d->run_dir, look, NULL };

	run_it(d);
	assert_int_equal(end_of(start(d, argv)), 1);
	assert_true(said(d, "another passthrud runs"));
	end_it(d);
	/* and the lock went with it, however it ended */
	run_it(d);
	assert_int_equal(kill(d->pid, SIGKILL), 0);
	(void)end_of(d->pid);
	run_it(d);
	end_it(d);
}

static void what_makes_no_sense_is_a_usage_error(void **state)
{
	static const char *const wrong[] = { "--frobnicate",  "--look=0",	   "--look=x",	 "--lease=1",
					     "--run-dir=run", "--config=/nowhere", "--name=a/b", "operand",
					     "--events=5",    "--simulate=0",	   "--look=" };
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		static char look[] = "--look-only";
		pt_autofree char *word = pt_strdup(wrong[i]);
		bool own = pt_startswith(wrong[i], "--config");
		char *const argv[] = { look, d->run_dir, word, own ? NULL : d->option, NULL };
		int status = end_of(start(d, argv));

		if (status != (own ? 1 : 2))
			fail_msg("%s: exit status %d", wrong[i], status);
	}
}

static void a_device_spec_that_does_not_work_is_told_at_once(void **state)
{
	static char look[] = "--look-only";
	struct daemon *d = *state;
	char *const argv[] = { d->option, d->run_dir, look, NULL };
	FILE *f = fopen(d->config, "we");

	assert_non_null(f);
	(void)fprintf(f, "[pci]\ndevice_spec = { \"address\": \"zz\" }\n");
	(void)fclose(f);
	assert_int_not_equal(end_of(start(d, argv)), 0);
	assert_true(said(d, "zz"));
}

static void a_damaged_store_ends_it(void **state)
{
	static char look[] = "--look-only";
	struct daemon *d = *state;
	char *const argv[] = { d->option, d->run_dir, look, NULL };
	pt_autofree char *path = pt_strf("%s/state/store.db", d->dir);
	FILE *f;

	assert_int_equal(mkdir(d->store_config.directory, 0700), 0);
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fprintf(f, "this is no database, and was never one, whatever its name may say of it\n");
	(void)fclose(f);
	assert_int_equal(end_of(start(d, argv)), 1);
	assert_true(said(d, "store.db"));
}

/* as a store whose member is stopped, or a libvirt that hangs: systemd does not wait for the first round */
static void it_is_ready_before_its_first_round_has_ended(void **state)
{
	static char name[] = "--name=h1";
	static char look[] = "--look-only";
	struct daemon *d = *state;
	char *const argv[] = { d->option, d->run_dir, name, look, NULL };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);
	int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long long before = pt_watch_now_ms();
	pt_autofree char *password = pt_strf("%s/password", d->dir);
	FILE *f = fopen(password, "we");

	assert_non_null(f);
	(void)fprintf(f, "secret\n");
	(void)fclose(f);
	assert_int_equal(chmod(password, 0600), 0);
	f = fopen(d->config, "we");
	assert_non_null(f);
	/* it takes connections and says nothing */
	assert_int_equal(bind(silent, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(silent, 16), 0);
	assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &n), 0);
	(void)fprintf(f,
		      "[store]\nbackend = etcd\nendpoints = http://127.0.0.1:%u\ntimeout_ms = 30000\n"
		      "user = h2\npassword_file = %s\n[pci]\ndevice_spec = { \"vendor_id\": \"10de\" }\n",
		      ntohs(at.sin_port), password);
	(void)fclose(f);
	d->pid = start(d, argv);
	await_word(d, "READY=1");
	assert_true(pt_watch_now_ms() - before < 25000);
	/* another host's user: etcd will refuse it, and not say why */
	assert_true(said(d, "this host is h1 in the fleet, and [store] user is h2"));
	(void)close(silent);
}

/* libvirtd stands still: passthrud does not, and ends when it is told to */
static void it_ends_while_libvirt_hangs(void **state)
{
	static char name[] = "--name=h1";
	static char look[] = "--look-only";
	struct daemon *d = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int silent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pt_autofree char *uri = NULL;
	long long before;
	int asked = -1;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/silent", d->dir);
	assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(silent, 16), 0);
	uri = pt_strf("--connect=qemu:///system?socket=%s", at.sun_path);
	{
		char *const argv[] = { d->option, d->run_dir, name, look, uri, NULL };

		d->pid = start(d, argv);
	}
	await_word(d, "READY=1");
	for (unsigned i = 0; i < PATIENCE_S * 50 && asked < 0; i++) {
		pause_a_little();
		asked = accept4(silent, NULL, NULL, SOCK_CLOEXEC);
	}
	assert_true(asked >= 0);
	/* systemd goes on hearing of it */
	await_word(d, "WATCHDOG=1");
	await_word(d, "WATCHDOG=1");
	before = pt_watch_now_ms();
	end_it(d);
	assert_true(pt_watch_now_ms() - before < 10000);
	(void)close(asked);
	(void)close(silent);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(it_publishes_and_is_alive_until_it_is_told_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_record_that_was_taken_out_is_written_again, setup, teardown),
		cmocka_unit_test_setup_teardown(the_watchdog_hears_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_one_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_ready_before_its_first_round_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_while_libvirt_hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_a_usage_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_spec_that_does_not_work_is_told_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_store_ends_it, setup, teardown),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
