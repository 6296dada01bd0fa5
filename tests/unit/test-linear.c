/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody ever gets what somebody else has, nothing acknowledged is lost, and no "no" is wrong: histories of clients
 * that claim and release at once, while members of etcd are killed and stopped under them, and a checker that is shown
 * to find a store that does not compare.
 *
 * Clients are killed as well, and begin again with what they were at; half of them are of a project with a limit.
 *
 * PT_LINEAR="CLIENTS HOSTS SECONDS [CALLS]" is a wider run (make soak), with members cut off in network namespaces
 * where that may be done; with CALLS it goes on until so many were made.  PT_LINEAR_SLOW=1 is for a slow machine, as an
 * emulated one (tests/lab/clock-steps): one member, ten times the time for its answers, and for it to be well.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"
#include "etcd.h"
#include "fakesys.h"
#include "fleet/quota.h"
#include "history.h"
#include "store/backend.h"

#define DEVICES 4

/* what clients heard beside answers, counted by all of them in one page */
struct heard {
	unsigned unknown;     /* nobody knows whether it was written */
	unsigned unreachable; /* nothing was */
};

/* after this a store that is well has answered */
#define HEALED_MS 60000

struct course {
	struct pt_store_config config;
	unsigned clients;
	unsigned hosts;
	unsigned seconds;
	unsigned calls; /* 0: by time */
	bool blind;	/* the planted bug */
	struct heard *heard;
};

static struct course planned(unsigned seconds)
{
	const char *wide = getenv("PT_LINEAR");
	struct course c = { .clients = 6, .hosts = 4, .seconds = seconds };

	if (wide && sscanf(wide, "%u %u %u %u", &c.clients, &c.hosts, &c.seconds, &c.calls) < 3)
		fail_msg("PT_LINEAR=\"CLIENTS HOSTS SECONDS [CALLS]\", not \"%s\"", wide);
	return c;
}

/* of the project that every other client claims for */
static unsigned limit_of(const struct course *c)
{
	return c->clients;
}

static long long now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* the bug: writes without comparing what was seen */
static const struct pt_store_ops *real;

static int blind_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
			struct pt_error *err)
{
	const struct pt_txn all = { .writes = txn->writes, .n_writes = txn->n_writes };

	return real->commit(store, &all, revision, now, err);
}

struct client {
	struct heard *heard;
	struct pt_store *store;
	struct pt_fleet fleet;
	struct pt_pci_config pci;
	FILE *history;
	unsigned seed;
	char held[2][PT_CLAIM_ID_LENGTH + 1];
	unsigned n_held;
};

/* with a message that the parent shows */
static _Noreturn void give_up(const char *doing, const struct pt_error *err)
{
	(void)fprintf(stderr, "%s: %s\n", doing, err->msg);
	_exit(1);
}

/* an outcome that nobody knows is asked for again, with the same id, as a user is told to */
static bool again(const struct client *c, int r, long long until)
{
	if (r == -ETIMEDOUT)
		__atomic_add_fetch(&c->heard->unknown, 1, __ATOMIC_RELAXED);
	if (r == -EHOSTUNREACH)
		__atomic_add_fetch(&c->heard->unreachable, 1, __ATOMIC_RELAXED);
	return (r == -ETIMEDOUT || r == -EHOSTUNREACH || r == -EBUSY) && pt_watch_now_ms() < until;
}

static void note(const struct client *c, const struct history_op *op)
{
	if (fwrite(op, sizeof(*op), 1, c->history) != 1 || fflush(c->history) != 0)
		_exit(3);
}

/* @op: as it was begun, now or before this client was killed */
static void make_claim(struct client *c, struct history_op op)
{
	long long until = pt_watch_now_ms() + HEALED_MS;
	struct pt_error err = { 0 };
	PT_AUTO(pt_claim) made = { 0 };
	/* a claim that was cut off may have been written */
	bool unknown = op.done;
	int r;

	do {
		PT_AUTO(pt_request) request = { .alias = pt_strf("gpu:%u", op.wanted) };
		PT_AUTO(pt_fleet_answers) answers = { 0 };
		const struct pt_claim_ask ask = {
			.id = op.id, .holder = "vm", .project = op.project ? "p" : NULL, .request = &request
		};

		r = pt_fleet_claim(&c->fleet, &ask, &made, &answers, &err);
		op.limited = r == 0 && answers.quota;
		unknown = unknown || r == -ETIMEDOUT;
		/* "nothing was changed": this id is not asked for again, and must not be there in the end */
		if (r == -EHOSTUNREACH && !unknown) {
			op.wanted = 0;
			r = 0;
		}
	} while (again(c, r, until));
	op.end = now_ns();
	if (r < 0)
		give_up("claim", &err);
	op.done = r == 1;
	if (op.done) {
		op.host = (unsigned)atoi(made.host + strlen("host-"));
		for (size_t i = 0; i < made.devices.n; i++)
			op.devices |= 1U << (made.devices.v[i].bdf.bus - 1);
		memcpy(c->held[c->n_held++], op.id, sizeof(op.id));
	}
	note(c, &op);
}

/* it was acknowledged, so it is there: seen before a release is sent, since one that is unknown may be why it is not */
static bool is_there(struct client *c, const char *id, long long until)
{
	struct pt_error err = { 0 };
	int r;

	do {
		PT_AUTO(pt_claim) claim = { 0 };

		r = pt_fleet_get(c->store, id, &claim, NULL, &err);
	} while (again(c, r, until));
	if (r < 0)
		give_up("look", &err);
	return r == 1;
}

static void release_one(struct client *c, struct history_op op)
{
	long long until = pt_watch_now_ms() + HEALED_MS;
	struct pt_error err = { 0 };
	/* a release that was cut off may have been written */
	bool unknown = op.done;
	int r;

	if (!unknown && !is_there(c, op.id, until)) {
		op.end = now_ns();
		note(c, &op);
		return;
	}
	do {
		PT_AUTO(pt_claim) gone = { 0 };

		r = pt_fleet_release(c->store, op.id, &gone, &err);
		unknown = unknown || r == -ETIMEDOUT;
	} while (again(c, r, until));
	op.end = now_ns();
	if (r < 0)
		give_up("release", &err);
	op.done = r == 1 || unknown;
	note(c, &op);
}

/* what is about to be asked is noted first, without an end: whoever is killed at it goes on with it */
static void begin_claim(struct client *c, bool project)
{
	struct history_op op = { .kind = HISTORY_CLAIM,
				 .wanted = 1 + (unsigned)rand_r(&c->seed) % 3,
				 .project = project,
				 .start = now_ns() };
	struct pt_error err = { 0 };

	if (pt_claim_id_make(op.id, &err) < 0)
		give_up("id", &err);
	note(c, &op);
	make_claim(c, op);
}

static void begin_release(struct client *c)
{
	struct history_op op = { .kind = HISTORY_RELEASE, .start = now_ns() };

	memcpy(op.id, c->held[0], sizeof(op.id));
	memcpy(c->held[0], c->held[1], sizeof(op.id));
	c->n_held--;
	note(c, &op);
	release_one(c, op);
}

/* its earlier life: how many calls were made, what it holds, and what it was at (*ret_last, without an end) */
static unsigned remember(struct client *c, const char *file, struct history_op *ret_last)
{
	pt_autofclose FILE *f = fopen(file, "re");
	unsigned calls = 0;
	struct history_op op;

	while (f && fread(&op, sizeof(op), 1, f) == 1) {
		*ret_last = op;
		calls += op.end != 0;
		if (op.kind == HISTORY_CLAIM && op.end && op.done)
			memcpy(c->held[c->n_held++], op.id, sizeof(op.id));
		/* begun, too: it is the one that is gone on with */
		if (op.kind == HISTORY_RELEASE && !op.end) {
			if (strcmp(c->held[0], op.id) == 0)
				memcpy(c->held[0], c->held[1], sizeof(op.id));
			c->n_held--;
		}
	}
	return calls;
}

static void go_on(struct client *c, struct history_op last)
{
	if (!last.id[0] || last.end)
		return;
	last.done = true;
	if (last.kind == HISTORY_CLAIM) {
		make_claim(c, last);
		return;
	}
	release_one(c, last);
}

static void open_store(struct client *c, const struct course *course, struct pt_store_ops *ops, long long until)
{
	struct pt_error err = { 0 };

	if (pt_store_open(&course->config, &c->store, &err) < 0)
		give_up("open", &err);
	if (course->blind) {
		real = c->store->ops;
		*ops = *real;
		ops->commit = blind_commit;
		c->store->ops = ops;
	}
	while (pt_fleet_load(c->store, &c->pci, &c->fleet, &err) < 0)
		if (pt_watch_now_ms() > until + HEALED_MS)
			give_up("load", &err);
}

static _Noreturn void client(const struct course *course, const char *dir, unsigned number, long long until)
{
	pt_autofree char *file = pt_strf("%s/client-%u", dir, number);
	struct client c = { .heard = course->heard, .seed = number + 1 + (unsigned)getpid() };
	struct history_op last = { .end = 1 };
	struct pt_store_ops ops;
	unsigned calls = remember(&c, file, &last);

	c.history = fopen(file, "ae");
	if (!c.history)
		_exit(3);
	claiming_config(&c.pci);
	open_store(&c, course, &ops, until);
	if (!last.end)
		calls++;
	go_on(&c, last);
	while (course->calls ? calls < course->calls / course->clients : pt_watch_now_ms() < until) {
		calls++;
		if (c.n_held < 2 && (c.n_held == 0 || rand_r(&c.seed) % 2))
			begin_claim(&c, number % 2);
		else
			begin_release(&c);
	}
	_exit(fclose(c.history) ? 3 : 0);
}

/* processes that make calls; one that is killed begins again */
struct crowd {
	const struct course *course;
	const char *dir;
	long long until;
	pid_t *pids;
	unsigned killed;
};

static void begin_client(struct crowd *c, unsigned i)
{
	c->pids[i] = fork();
	assert_true(c->pids[i] >= 0);
	if (c->pids[i] == 0)
		client(c->course, c->dir, i, c->until);
}

/* how many still run; one that has failed fails the test */
static unsigned count_running(struct crowd *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->course->clients; i++) {
		int status = 0;
		pid_t pid = c->pids[i] ? waitpid(c->pids[i], &status, WNOHANG) : -1;

		if (pid == c->pids[i]) {
			assert_int_equal(status, 0);
			c->pids[i] = 0;
		}
		n += c->pids[i] != 0;
	}
	return n;
}

static void kill_one(struct crowd *c, unsigned i)
{
	int status = 0;

	if (!c->pids[i])
		return;
	(void)kill(c->pids[i], SIGKILL);
	assert_int_equal(waitpid(c->pids[i], &status, 0), c->pids[i]);
	/* it may have come to its end just before */
	if (WIFEXITED(status)) {
		assert_int_equal(status, 0);
		c->pids[i] = 0;
		return;
	}
	c->killed++;
	begin_client(c, i);
}

enum trouble { KILL, PAUSE, PAUSE_TWO, CUT, CUT_TWO, TROUBLES };

static void make_trouble(struct etcd *etcd, enum trouble what, unsigned member, unsigned other, useconds_t how_long)
{
	if (what == KILL)
		etcd_kill(etcd, member);
	else if (what == CUT || what == CUT_TWO)
		etcd_cut(etcd, member);
	else
		etcd_pause(etcd, member);
	/* without a majority */
	if (what == PAUSE_TWO)
		etcd_pause(etcd, other);
	if (what == CUT_TWO)
		etcd_cut(etcd, other);
	(void)usleep(how_long);
	if (what == KILL)
		etcd_run(etcd, member);
	else if (what == CUT || what == CUT_TWO)
		etcd_join(etcd, member);
	else
		etcd_resume(etcd, member);
	if (what == PAUSE_TWO)
		etcd_resume(etcd, other);
	if (what == CUT_TWO)
		etcd_join(etcd, other);
}

/* one thing after the other happens to the members, and to clients; in the end all are well */
static void torment(struct etcd *etcd, struct crowd *crowd)
{
	static const char *const names[] = { "killed", "stopped", "two stopped", "cut off", "two cut off" };
	unsigned troubles = *etcd->net ? TROUBLES : etcd->n == 1 ? PAUSE_TWO : CUT;
	unsigned count[TROUBLES] = { 0 };
	unsigned seed = 7;

	while (crowd->course->calls ? count_running(crowd) > 0 : pt_watch_now_ms() < crowd->until) {
		unsigned member = (unsigned)rand_r(&seed) % etcd->n;
		unsigned what = (unsigned)rand_r(&seed) % troubles;

		make_trouble(etcd, what, member, (member + 1) % etcd->n, 200000 + (useconds_t)rand_r(&seed) % 1200000);
		count[what]++;
		kill_one(crowd, (unsigned)rand_r(&seed) % crowd->course->clients);
		(void)usleep(getenv("PT_LINEAR_SLOW") ? 5000000 : 300000);
	}
	for (unsigned i = 0; i < troubles; i++)
		print_message("             members %s: %u\n", names[i], count[i]);
	print_message("             clients killed: %u\n", crowd->killed);
}

static void read_history(const char *dir, unsigned clients, struct history_op **ret_ops, size_t *ret_n)
{
	PT_ARRAY(struct history_op) all = { 0 };

	for (unsigned i = 0; i < clients; i++) {
		pt_autofree char *file = pt_strf("%s/client-%u", dir, i);
		pt_autofclose FILE *f = fopen(file, "re");
		struct history_op op;

		assert_non_null(f);
		while (fread(&op, sizeof(op), 1, f) == 1)
			if (op.end)
				pt_array_push(&all, op);
	}
	*ret_ops = all.v;
	*ret_n = all.n;
}

/* what the store has in the end is what was acknowledged, no more and no less */
static void check_end(const struct course *course, const struct history_op *ops, size_t n)
{
	struct pt_claims_list l = { 0 };
	struct pt_store *store = NULL;
	struct pt_pci_config pci;
	struct pt_error err = { 0 };
	size_t held = 0;

	claiming_config(&pci);
	if (pt_store_open(&course->config, &store, &err) < 0 || pt_fleet_claims(store, &l, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++)
		held += ops[i].done ? ops[i].kind == HISTORY_CLAIM ? 1 : (size_t)-1 : 0;
	assert_int_equal(l.n, held);
	for (size_t i = 0; i < n; i++) {
		bool there = false;

		/* sorted by id: a claim that was released is followed by its release */
		if (ops[i].kind != HISTORY_CLAIM || !ops[i].done ||
		    (i + 1 < n && strcmp(ops[i + 1].id, ops[i].id) == 0))
			continue;
		for (size_t k = 0; k < l.n; k++)
			there = there || strcmp(l.v[k].id, ops[i].id) == 0;
		if (!there)
			fail_msg("%s was acknowledged and is not there", ops[i].id);
	}
	claiming_check(store, &pci);
	pt_claims_list_done(&l);
	pt_pci_config_done(&pci);
	pt_store_close(store);
}

static void prepare_store(const struct course *course)
{
	struct pt_store *store = NULL;
	struct pt_error err = { 0 };

	if (pt_store_open(&course->config, &store, &err) < 0)
		fail_msg("%s", err.msg);
	claiming_publish(store, course->hosts, DEVICES);
	if (pt_quota_set(store, "p", "gpu", limit_of(course), &err) < 0)
		fail_msg("%s", err.msg);
	pt_store_close(store);
}

static struct heard *share_heard(void)
{
	void *page = mmap(NULL, sizeof(struct heard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	return page;
}

/* the checker's word; NULL: all is well; the caller frees */
static char *run(struct course *course, const char *dir, struct etcd *etcd)
{
	long long began = pt_watch_now_ms();
	struct crowd crowd = { .course = course, .dir = dir, .until = began + course->seconds * 1000LL };
	struct history_op *ops = NULL;
	char *wrong;
	size_t n = 0;

	course->heard = share_heard();
	prepare_store(course);
	crowd.pids = pt_alloc(course->clients * sizeof(*crowd.pids));
	for (unsigned i = 0; i < course->clients; i++)
		begin_client(&crowd, i);
	if (etcd)
		torment(etcd, &crowd);
	while (count_running(&crowd))
		(void)usleep(20000);
	free(crowd.pids);
	read_history(dir, course->clients, &ops, &n);
	print_message("             %zu calls of %u clients on %u hosts in %lld s\n", n, course->clients, course->hosts,
		      (pt_watch_now_ms() - began) / 1000);
	print_message("             heard: %u times that nobody knows, %u times that nobody answers\n",
		      course->heard->unknown, course->heard->unreachable);
	(void)munmap(course->heard, sizeof(*course->heard));
	wrong = history_check(ops, n, course->hosts, DEVICES);
	if (!wrong)
		wrong = history_check_limit(ops, n, limit_of(course));
	assert_true(n > course->clients);
	if (!wrong && !course->blind)
		check_end(course, ops, n);
	free(ops);
	return wrong;
}

static int make_dir(void **state)
{
	char *dir = pt_strdup("/tmp/linear.XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	fakesys_rmtree(*state);
	free(*state);
	return 0;
}

static void sqlite_does_one_thing_at_a_time(void **state)
{
	struct course c = planned(2);
	pt_autofree char *wrong = NULL;

	c.config.directory = pt_strf("%s/state", (char *)*state);
	wrong = run(&c, *state, NULL);
	pt_store_config_done(&c.config);
	if (wrong)
		fail_msg("%s", wrong);
}

static void etcd_does_so_while_its_members_die_and_stop(void **state)
{
	struct course c = planned(8);
	pt_autofree char *wrong = NULL;
	bool slow = getenv("PT_LINEAR_SLOW") != NULL;
	struct etcd *etcd;

	if (!etcd_installed())
		skip();
	/* apart only in the wide form: it wants root, and makes links */
	etcd = getenv("PT_LINEAR") && !slow ? etcd_start_apart(3) : NULL;
	if (!etcd)
		etcd = etcd_start(slow ? 1 : 3, 0, false);
	etcd_config(etcd, &c.config);
	c.config.timeout_ms = slow ? 4000 : 400;
	wrong = run(&c, *state, etcd);
	etcd_stop(etcd);
	pt_store_config_done(&c.config);
	if (wrong)
		fail_msg("%s", wrong);
}

static void a_store_that_does_not_compare_is_found_out(void **state)
{
	struct course c = planned(2);
	pt_autofree char *wrong = NULL;

	c.blind = true;
	c.config.directory = pt_strf("%s/state", (char *)*state);
	wrong = run(&c, *state, NULL);
	pt_store_config_done(&c.config);
	assert_non_null(wrong);
	print_message("             found: %s\n", wrong);
}

#define A "c-aaaaaaaaaaaaaaaaaaaa"
#define B "c-bbbbbbbbbbbbbbbbbbbb"

/* each history is wrong by little, and right with that little changed */
static void the_checker_knows_wrong_from_right(void **state)
{
	const struct {
		const char *part; /* of what it says; NULL: right */
		struct history_op ops[4];
	} cases[] = {
		{ NULL,
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_RELEASE, 3, 6, true, false, false, 0, 0, 0, A },
		    { HISTORY_CLAIM, 4, 5, true, false, false, 1, 0, 1, B } } },
		{ "two owners",
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_RELEASE, 6, 7, true, false, false, 0, 0, 0, A },
		    { HISTORY_CLAIM, 4, 5, true, false, false, 1, 0, 1, B } } },
		{ "two owners",
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_CLAIM, 1, 3, true, false, false, 2, 0, 3, B } } },
		{ NULL,
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_CLAIM, 1, 3, true, false, false, 1, 1, 1, B } } },
		{ "is lost",
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_RELEASE, 3, 4, false, false, false, 0, 0, 0, A } } },
		{ "claimed twice",
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 1, A },
		    { HISTORY_CLAIM, 3, 4, true, false, false, 1, 1, 1, A } } },
		{ "never claimed", { { HISTORY_RELEASE, 3, 4, true, false, false, 0, 0, 0, A } } },
		{ "free all the time", { { HISTORY_CLAIM, 1, 2, false, false, false, 2, 0, 0, A } } },
		{ "free all the time",
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 3, 0, 7, A },
		    { HISTORY_CLAIM, 3, 4, false, false, false, 4, 0, 0, B } } },
		{ "2 devices, where 1", { { HISTORY_CLAIM, 1, 2, true, false, false, 1, 0, 3, A } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct history_op ops[4];
		pt_autofree char *wrong = NULL;
		size_t n = 0;

		memcpy(ops, cases[i].ops, sizeof(ops));
		while (n < 4 && *ops[n].id)
			n++;
		wrong = history_check(ops, n, 2, DEVICES);
		if (!cases[i].part != !wrong || (wrong && !strstr(wrong, cases[i].part)))
			fail_msg("case %zu: %s", i, wrong ? wrong : "taken for right");
	}
}

static void the_checker_counts_a_projects_devices(void **state)
{
	const struct {
		const char *part; /* of what it says; NULL: right */
		struct history_op ops[4];
	} cases[] = {
		{ NULL,
		  { { HISTORY_CLAIM, 1, 2, true, true, false, 2, 0, 3, A },
		    { HISTORY_RELEASE, 3, 6, true, true, false, 0, 0, 0, A },
		    { HISTORY_CLAIM, 4, 5, true, true, false, 2, 1, 3, B } } },
		{ "has 4 devices",
		  { { HISTORY_CLAIM, 1, 2, true, true, false, 2, 0, 3, A },
		    { HISTORY_RELEASE, 6, 7, true, true, false, 0, 0, 0, A },
		    { HISTORY_CLAIM, 4, 5, true, true, false, 2, 1, 3, B } } },
		{ NULL,
		  { { HISTORY_CLAIM, 1, 2, true, true, false, 2, 0, 3, A },
		    { HISTORY_CLAIM, 3, 4, false, true, true, 2, 0, 0, B } } },
		{ "1 were used at most",
		  { { HISTORY_CLAIM, 1, 2, true, true, false, 1, 0, 1, A },
		    { HISTORY_CLAIM, 3, 4, false, true, true, 2, 0, 0, B } } },
		{ NULL,
		  { { HISTORY_CLAIM, 1, 2, true, false, false, 2, 0, 3, A },
		    { HISTORY_CLAIM, 3, 4, true, true, false, 3, 1, 7, B } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct history_op ops[4];
		pt_autofree char *wrong = NULL;
		size_t n = 0;

		memcpy(ops, cases[i].ops, sizeof(ops));
		while (n < 4 && *ops[n].id)
			n++;
		wrong = history_check_limit(ops, n, 3);
		if (!cases[i].part != !wrong || (wrong && !strstr(wrong, cases[i].part)))
			fail_msg("case %zu: %s", i, wrong ? wrong : "taken for right");
	}
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(the_checker_knows_wrong_from_right),
		cmocka_unit_test(the_checker_counts_a_projects_devices),
		cmocka_unit_test_setup_teardown(a_store_that_does_not_compare_is_found_out, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(sqlite_does_one_thing_at_a_time, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(etcd_does_so_while_its_members_die_and_stop, make_dir, remove_dir),
	};
	int failed = cmocka_run_group_tests(all, NULL, NULL);

	return failed || etcd_installed() ? failed : 77;
}
