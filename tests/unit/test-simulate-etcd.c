/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated fleet in a real etcd, with devices that come and go, while an API follows it and claims are made: memory
 * stays flat, the watches keep up, and in the end every count is right.
 *
 * PT_SIMULATED="HOSTS EVENTS SECONDS" is a wider run (make soak): so many events a second, for so long.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/simulate.h"
#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "claiming.h"
#include "fleet/leftover.h"
#include "shape/claim.h"
#include "storestage.h"

#define SEED 1
/* of both the daemon and the store's own compaction it is asked this often how it is */
#define SAMPLE_MS 5000
/* what is written is to be known by who follows it within this, on a machine that has other work, too */
#define BEHIND_MS 10000
/* what has happened while it read the whole fleet it has caught up with when it is no more behind than this */
#define WITH_IT_MS   1000
#define CAUGHT_UP_MS 180000
#define SAMPLES	     1000

enum who { SIMULATION, API, ETCD, DATABASE, WHO };

static const char *const names[] = { "passthrud --simulate", "the API", "etcd", "etcd's file" };

struct course {
	struct apiserver *s;
	unsigned hosts;
	unsigned events;
	unsigned seconds;
	char *conf;
	char *log;
	pid_t simulation;
	pid_t api;
	int stop_api; /* closed, it ends */
	long kib[WHO][SAMPLES];
	size_t samples;
	long long behind_ms[SAMPLES];
	long long load_ms;
	long long caught_up_ms;
	unsigned claimed;
};

static void plan(struct course *c)
{
	const char *wide = getenv("PT_SIMULATED");

	*c = (struct course){ .hosts = 200, .events = 500, .seconds = 4 };
	if (wide && sscanf(wide, "%u %u %u", &c->hosts, &c->events, &c->seconds) != 3)
		fail_msg("PT_SIMULATED=\"HOSTS EVENTS SECONDS\", not \"%s\"", wide);
}

/* resident, in KiB */
static long rss_of(pid_t pid)
{
	pt_autofree char *path = pt_strf("/proc/%d/status", (int)pid);
	pt_autofclose FILE *f = fopen(path, "re");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	return kib;
}

static long size_of_database(void)
{
	pt_autofree char *path = pt_strf("%s/m0/member/snap/db", storestage_etcd->dir);
	struct stat st = { 0 };

	return stat(path, &st) == 0 ? (long)(st.st_size / 1024) : 0;
}

static void begin_simulation(struct course *c)
{
	const struct pt_store_config *config = &c->s->store_config;
	pt_autofree char *hosts = pt_strf("--simulate=%u", c->hosts);
	pt_autofree char *events = pt_strf("--events=%u", c->events);
	pt_autofree char *conf = NULL;
	FILE *f;
	int fd;

	c->conf = pt_strf("%s/simulated.conf", c->s->dir);
	c->log = pt_strf("%s/simulated.log", c->s->dir);
	conf = pt_strf("--config=%s", c->conf);
	f = fopen(c->conf, "we");
	assert_non_null(f);
	(void)fprintf(f, "[store]\nbackend = etcd\nendpoints = %s\nprefix = %s\n", config->endpoints.v[0],
		      config->prefix);
	(void)fclose(f);
	c->simulation = fork();
	assert_true(c->simulation >= 0);
	if (c->simulation)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(c->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	(void)execl(getenv("PT_PASSTHRUD"), "passthrud", hosts, events, conf, "--seed=1", (char *)NULL);
	_exit(127);
}

/* in a process of its own, so that its memory is its own */
static void begin_api(struct course *c)
{
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	c->api = fork();
	assert_true(c->api >= 0);
	if (c->api) {
		(void)close(fds[0]);
		c->stop_api = fds[1];
		return;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close(fds[1]);
	apiserver_start(c->s);
	(void)!read(fds[0], &byte, 1);
	pt_api_stop(c->s->api);
	_exit(0);
}

static json_t *ask(struct course *c, const char *request)
{
	struct answer a;
	json_t *json;

	api_ask(c->s, request, "", NULL, &a);
	json = a.status == 200 ? json_incref(a.json) : NULL;
	answer_done(&a);
	return json;
}

static long long known_revision(struct course *c)
{
	json_t *o = ask(c, "GET /healthz");
	long long revision = (long long)json_integer_value(json_object_get(o, "revision"));

	json_decref(o);
	return revision;
}

static long long store_revision(struct course *c)
{
	PT_AUTO(pt_records) none = { 0 };
	struct pt_error err = { 0 };

	if (pt_store_list(c->s->store, "claims/c-none", &none, &err) < 0)
		fail_msg("%s", err.msg);
	return none.revision;
}

/* what the API itself says of its watch, when that is late */
static void tell_trouble(struct course *c, long long ms)
{
	json_t *o = ask(c, "GET /healthz");
	const char *trouble = json_string_value(json_object_get(o, "trouble"));

	print_message("             behind by %lld ms after %zu samples%s%s\n", ms, c->samples, trouble ? ": " : "",
		      trouble ? trouble : "");
	json_decref(o);
}

/* until the API knows all that the store has by now; how long that took, from before the store was asked */
static long long catch_up(struct course *c)
{
	long long began = pt_watch_now_ms();
	long long revision = store_revision(c);
	bool told = false;

	while (known_revision(c) < revision) {
		if (!told && pt_watch_now_ms() > began + BEHIND_MS / 4) {
			tell_trouble(c, pt_watch_now_ms() - began);
			told = true;
		}
		if (pt_watch_now_ms() > began + 6 * BEHIND_MS)
			fail_msg("the API knows revision %lld after %d s, not %lld", known_revision(c),
				 6 * BEHIND_MS / 1000, revision);
		(void)usleep(2000);
	}
	return pt_watch_now_ms() - began;
}

/* its socket comes when it listens, and its word when it has read everything */
static void await_api(struct course *c)
{
	long long began = pt_watch_now_ms();

	while (access(c->s->socket, F_OK) < 0 || known_revision(c) == 0) {
		if (pt_watch_now_ms() > began + 120000)
			fail_msg("the API does not come");
		(void)usleep(20000);
	}
	c->load_ms = pt_watch_now_ms() - began;
	while (catch_up(c) > WITH_IT_MS)
		if (pt_watch_now_ms() > began + CAUGHT_UP_MS)
			fail_msg("the API does not catch up");
	c->caught_up_ms = pt_watch_now_ms() - began;
}

static void await_hosts(struct course *c)
{
	long long until = pt_watch_now_ms() + 120000;

	for (;;) {
		PT_AUTO(pt_records) alive = { 0 };
		struct pt_error err = { 0 };

		if (pt_store_list(c->s->store, "alive/", &alive, &err) < 0)
			fail_msg("%s", err.msg);
		if (alive.n == c->hosts)
			return;
		if (pt_watch_now_ms() > until)
			fail_msg("%zu of %u hosts are published", alive.n, c->hosts);
		(void)usleep(200000);
	}
}

static void claim_one(struct course *c)
{
	struct answer a;

	api_ask(c->s, "POST /v1/claims", "Content-Type: application/json\r\n", "{\"asked\": \"gpu\", \"for\": \"vm\"}",
		&a);
	if (a.status != 201)
		fail_msg("claim: %d %s", a.status, a.body ? a.body : "");
	c->claimed++;
	answer_done(&a);
}

/* the hosts' word for every claim, while devices still come and go */
static void await_bound(struct course *c)
{
	long long began = pt_watch_now_ms();
	unsigned bound = 0;

	while (bound < c->claimed) {
		PT_AUTO(pt_words) words = { 0 };
		struct pt_error err = { 0 };

		if (pt_fleet_words(c->s->store, &words, &err) < 0)
			fail_msg("%s", err.msg);
		bound = 0;
		for (size_t i = 0; i < words.n; i++)
			bound += words.v[i].ack.state == PT_ACK_BOUND;
		if (pt_watch_now_ms() > began + 3 * BEHIND_MS)
			fail_msg("of %u claims %u are bound", c->claimed, bound);
	}
	print_message("             %u claims are bound, the last %lld ms after it was made\n", bound,
		      pt_watch_now_ms() - began);
}

static void sample(struct course *c)
{
	long long behind = catch_up(c);

	if (behind > BEHIND_MS / 4)
		tell_trouble(c, behind);
	claim_one(c);
	if (c->samples == SAMPLES)
		return;
	c->behind_ms[c->samples] = behind;
	c->kib[SIMULATION][c->samples] = rss_of(c->simulation);
	c->kib[API][c->samples] = rss_of(c->api);
	c->kib[ETCD][c->samples] = rss_of(storestage_etcd->pid[0]);
	c->kib[DATABASE][c->samples] = size_of_database();
	c->samples++;
}

static long most(const struct course *c, enum who who, size_t from, size_t to)
{
	long kib = 0;

	for (size_t i = from; i < to; i++)
		kib = c->kib[who][i] > kib ? c->kib[who][i] : kib;
	return kib;
}

/* the last quarter beside the second: by then each has all that it keeps.  etcd's is Go's to collect, and told alone */
static void check_memory(const struct course *c)
{
	size_t quarter = c->samples / 4;

	for (unsigned who = 0; who < WHO; who++) {
		long before = most(c, who, quarter, 2 * quarter);
		long after = most(c, who, 3 * quarter, c->samples);

		print_message("             %s: %.1f MB at the most in the second quarter, %.1f in the last\n",
			      names[who], (double)before / 1024, (double)after / 1024);
		if (c->seconds >= 60 && who != ETCD && after > before + before / 10 + 4096)
			fail_msg("%s grows: %ld KiB, and then %ld", names[who], before, after);
	}
}

static int by_size(const void *a, const void *b)
{
	long long x = *(const long long *)a - *(const long long *)b;

	return x < 0 ? -1 : x > 0;
}

static void check_watch(struct course *c)
{
	long long worst;

	qsort(c->behind_ms, c->samples, sizeof(*c->behind_ms), by_size);
	worst = c->behind_ms[c->samples - 1];
	print_message("             the API had the fleet after %lld ms, had caught up after %lld, and then was behind "
		      "by %lld ms "
		      "at the median, %lld at the most\n",
		      c->load_ms, c->caught_up_ms, c->behind_ms[c->samples / 2], worst);
	assert_true(worst < BEHIND_MS);
}

/* what the simulation itself counted last */
static void tell_events(const struct course *c)
{
	pt_autofclose FILE *f = fopen(c->log, "re");
	char line[512];
	char last[512] = "";

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "are simulated"))
			(void)snprintf(last, sizeof(last), "%.*s", (int)strcspn(line, "\n"), line);
	print_message("             %s\n", last);
}

/* a record says what its seed says, but for cards that may come and go; how many it has */
static size_t check_record(const struct pt_record *record)
{
	PT_AUTO(pt_host_record) now = { 0 };
	PT_AUTO(pt_inv_host) whole = { 0 };
	struct pt_error err = { 0 };
	unsigned index = (unsigned)atoi(strrchr(record->key, '-') + 1);
	uint64_t moves = pt_simulated_moves(SEED, index);

	if (pt_host_record_read(record->value, record->key, &now, &err) < 0)
		fail_msg("%s", err.msg);
	pt_simulated_host(SEED, index, 0, &whole);
	for (size_t i = 0; i < whole.n; i++) {
		bool there = pt_inv_host_find(&now.host, whole.v[i].bdf) >= 0;
		int number = pt_simulated_number(SEED, index, whole.v[i].bdf);

		if (!there && !(moves >> number & 1))
			fail_msg("%s: %s has gone, which never does", record->key, pt_bdf_str(whole.v[i].bdf).s);
	}
	for (size_t i = 0; i < now.host.n; i++)
		if (pt_inv_host_find(&whole, now.host.v[i].bdf) < 0)
			fail_msg("%s: %s is none of its own", record->key, pt_bdf_str(now.host.v[i].bdf).s);
	return now.host.n;
}

static long long number_of(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* with the simulation stopped: the store, by the seed; the API's view, by the store, host for host */
static void check_counts(struct course *c)
{
	PT_AUTO(pt_records) facts = { 0 };
	PT_AUTO(pt_claims_list) claims = { 0 };
	struct pt_error err = { 0 };
	long long claimed = 0;
	size_t devices = 0;
	size_t whole = 0;
	json_t *o;
	json_t *hosts;

	/* what it had sent has landed by now: in the list, and before the revision that is waited for */
	(void)sleep(1);
	if (pt_store_list(c->s->store, "facts/", &facts, &err) < 0)
		fail_msg("%s", err.msg);
	(void)catch_up(c);
	o = ask(c, "GET /v1/fleet/hosts");
	hosts = json_object_get(o, "hosts");
	assert_int_equal(facts.n, c->hosts);
	assert_int_equal(json_array_size(hosts), c->hosts);
	for (size_t i = 0; i < facts.n; i++) {
		const json_t *host = json_array_get(hosts, i);
		size_t n = check_record(&facts.v[i]);

		assert_string_equal(json_string_value(json_object_get(host, "name")),
				    facts.v[i].key + strlen("facts/"));
		assert_string_equal(json_string_value(json_object_get(host, "agent")), "alive");
		if (number_of(host, "devices") != (long long)n)
			fail_msg("%s has %zu devices, and %lld in the API's view (revision %lld, and %lld is known)",
				 facts.v[i].key, n, number_of(host, "devices"), facts.v[i].revision, known_revision(c));
		claimed += number_of(host, "claimed");
		devices += n;
		whole += pt_simulated_count(SEED, (unsigned)i);
	}
	json_decref(o);
	if (pt_fleet_claims(c->s->store, &claims, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(claims.n, c->claimed);
	assert_int_equal(claimed, c->claimed);
	claiming_check(c->s->store, &c->s->pci);
	print_message("             %zu of %zu devices are there, %u claimed: in the store and in the API's view\n",
		      devices, whole, c->claimed);
}

static void end_all(struct course *c)
{
	int status = 0;

	(void)close(c->stop_api);
	assert_int_equal(waitpid(c->api, &status, 0), c->api);
	assert_int_equal(status, 0);
	(void)kill(c->simulation, SIGCONT);
	(void)kill(c->simulation, SIGTERM);
	assert_int_equal(waitpid(c->simulation, &status, 0), c->simulation);
	assert_int_equal(status, 0);
}

static void a_simulated_fleet_is_followed_and_counted(void **state)
{
	struct course c;
	long long until;

	(void)state;
	plan(&c);
	c.s = apiserver_new_etcd(0, 0);
	c.s->config.rate = 100000;
	begin_simulation(&c);
	await_hosts(&c);
	begin_api(&c);
	await_api(&c);
	until = pt_watch_now_ms() + c.seconds * 1000LL;
	do {
		sample(&c);
		(void)usleep(c.seconds < 60 ? 200000 : SAMPLE_MS * 1000);
	} while (pt_watch_now_ms() < until);
	claim_one(&c);
	await_bound(&c);
	assert_int_equal(kill(c.simulation, SIGSTOP), 0);
	print_message("             %u hosts, %u events a second asked for, %u s\n", c.hosts, c.events, c.seconds);
	tell_events(&c);
	check_counts(&c);
	check_memory(&c);
	check_watch(&c);
	end_all(&c);
	apiserver_free(c.s);
	free(c.conf);
	free(c.log);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(a_simulated_fleet_is_followed_and_counted),
	};

	if (!etcd_installed())
		return 77;
	/* of what was, a minute is kept */
	(void)setenv("ETCD_AUTO_COMPACTION_MODE", "periodic", 1);
	(void)setenv("ETCD_AUTO_COMPACTION_RETENTION", "1m", 1);
	/* and of its log 5,000 transactions, which are 32 hosts' each here, instead of 100,000: it has them in memory
	 */
	(void)setenv("ETCD_SNAPSHOT_COUNT", "5000", 1);
	return cmocka_run_group_tests(all, storestage_start_etcd, storestage_stop_etcd);
}
