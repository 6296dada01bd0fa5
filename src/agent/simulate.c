/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "shape/claim.h"

/* hosts written in one transaction: each two records, and far from what a store takes at once */
#define BATCH 32
/* events are due in portions */
#define TICK_MS	  50
#define STATUS_MS 5000
/* events between two looks at claims: those are not to wait */
#define PORTION 128

/* all that is kept of a host: what is not as the seed says */
struct one {
	uint64_t away;
	uint64_t held;
};

struct fleet {
	const struct pt_simulate *s;
	struct pt_store *store;
	struct pt_store_watch *watch;
	struct one *hosts;
	struct pt_pci_config config;
	char prefix[32]; /* of the names */
	char *held_prefix;
	uint64_t random;
	long long lease;
	long long keep_at;
	long long tick_at;
	long long status_at;
	double due; /* events, with what is left of one */
	size_t devices;
	unsigned long long events;
	unsigned long long acked;
	unsigned long long released;
	unsigned batch[BATCH];
	size_t n_batch;
};

/* xorshift64 (Marsaglia, 2003) */
static uint64_t next_random(struct fleet *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static unsigned number_of(const struct one *o)
{
	return (unsigned)__builtin_popcountll(o->away);
}

/* facts, and with @alive that it lives, of every host in the batch */
static int flush(struct fleet *f, bool alive, struct pt_error *err)
{
	struct pt_write writes[2 * BATCH] = { 0 };
	pt_autofree char *life = NULL;
	struct pt_txn txn = { .writes = writes };
	struct pt_alive here = { .since = (long long)time(NULL), .version = (char[]){ "simulated" } };
	int r = 0;

	if (alive)
		life = pt_record_text(pt_alive_json(&here));
	for (size_t i = 0; i < f->n_batch; i++) {
		PT_AUTO(pt_inv_host) host = { 0 };
		struct pt_host_record record = { .config.device_spec = f->config.device_spec, .agent = true };

		pt_simulated_host(f->s->seed, f->batch[i], f->hosts[f->batch[i]].away, &host);
		/* borrowed for the text alone */
		record.host = host;
		writes[txn.n_writes++] = (struct pt_write){ pt_strf("facts/%s", record.host.name),
							    pt_record_text(pt_host_record_json(&record)), 0 };
		if (alive)
			writes[txn.n_writes++] =
				(struct pt_write){ pt_strf("alive/%s", record.host.name), life, f->lease };
	}
	/* nobody else writes these: nothing is compared, and an outcome that is not known is written over */
	if (txn.n_writes)
		r = pt_store_commit(f->store, &txn, NULL, NULL, err);
	for (size_t i = 0; i < txn.n_writes; i++) {
		free((char *)(uintptr_t)writes[i].key);
		if (writes[i].value != life)
			free((char *)(uintptr_t)writes[i].value);
	}
	f->n_batch = 0;
	return r < 0 ? r : 0;
}

static int write_host(struct fleet *f, unsigned index, bool alive, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < f->n_batch && r == 0; i++)
		if (f->batch[i] == index)
			r = flush(f, alive, err);
	if (r == 0 && f->n_batch == BATCH)
		r = flush(f, alive, err);
	if (r == 0)
		f->batch[f->n_batch++] = index;
	return r;
}

/* all hosts, with a new lease */
static int publish(struct fleet *f, struct pt_error *err)
{
	int r = pt_store_lease(f->store, f->s->lease_s, &f->lease, err);

	f->keep_at = pt_watch_now_ms() + (long long)f->s->lease_s * 1000 / 3;
	for (unsigned i = 0; i < f->s->hosts && r >= 0; i++) {
		r = write_host(f, i, true, err);
		/* so many take longer than a lease */
		if (r == 0 && pt_watch_now_ms() >= f->keep_at) {
			r = pt_store_keep(f->store, f->lease, err);
			f->keep_at = pt_watch_now_ms() + (long long)f->s->lease_s * 1000 / 3;
		}
		if (r >= 0 && i % 256 == 0 && f->s->over(f->s->ctx, 0))
			return -ECANCELED;
	}
	return r < 0 ? r : flush(f, true, err);
}

static int keep(struct fleet *f, struct pt_error *err)
{
	int r;

	if (pt_watch_now_ms() < f->keep_at)
		return 0;
	r = pt_store_keep(f->store, f->lease, err);
	f->keep_at = pt_watch_now_ms() + (long long)f->s->lease_s * 1000 / 3;
	return r == 0 ? publish(f, err) : r < 0 ? r : 0;
}

/* a card that nobody has is pulled, or comes back */
static int one_event(struct fleet *f, struct pt_error *err)
{
	unsigned index = (unsigned)(next_random(f) % f->s->hosts);
	struct one *o = &f->hosts[index];
	uint64_t moves = pt_simulated_moves(f->s->seed, index) & ~o->held;
	unsigned skip;

	/* what is gone is soon replaced */
	if (o->away && next_random(f) % 8)
		moves = o->away;
	if (!moves)
		return 0;
	skip = (unsigned)(next_random(f) % (unsigned)__builtin_popcountll(moves));
	while (skip--)
		moves &= moves - 1;
	f->devices += number_of(o);
	o->away ^= moves & -moves;
	f->devices -= number_of(o);
	f->events++;
	return write_host(f, index, false, err);
}

static int do_events(struct fleet *f, struct pt_error *err)
{
	long long now = pt_watch_now_ms();
	int r = 0;

	if (!f->s->events || (now < f->tick_at && f->due < 1))
		return 0;
	if (now >= f->tick_at) {
		f->due += (double)f->s->events * (double)(now - f->tick_at + TICK_MS) / 1000;
		f->tick_at = now + TICK_MS;
	}
	/* who falls behind does not catch up in a burst */
	if (f->due > (double)f->s->events)
		f->due = (double)f->s->events;
	for (unsigned i = 0; i < PORTION && f->due >= 1 && r == 0; i++, f->due -= 1)
		r = one_event(f, err);
	return r < 0 ? r : flush(f, false, err);
}

/* "sim-1-00042": 42, or -1 for a host of somebody else's */
static long index_of(const struct fleet *f, const char *name)
{
	size_t n = strlen(f->prefix);
	char *end;
	unsigned long i;

	if (strncmp(name, f->prefix, n) != 0 || name[n] < '0' || name[n] > '9')
		return -1;
	i = strtoul(name + n, &end, 10);
	return *end || i >= f->s->hosts ? -1 : (long)i;
}

static void mark_held(struct fleet *f, unsigned index, const struct pt_holds *holds)
{
	struct one *o = &f->hosts[index];

	o->held = 0;
	for (size_t i = 0; i < holds->n; i++) {
		int number = pt_simulated_number(f->s->seed, index, holds->v[i].bdf);

		if (number >= 0)
			o->held |= (uint64_t)1 << number;
	}
}

/* as an agent would: bound; and given back, when it is marked */
static int acknowledge(struct fleet *f, const char *host, const char *id, struct pt_error *err)
{
	PT_AUTO(pt_claim) claim = { 0 };
	PT_AUTO(pt_ack) ack = { 0 };
	long long claimed = 0;
	long long acked = 0;
	int r = pt_fleet_get(f->store, id, &claim, &claimed, err);

	if (r <= 0 || !pt_streq(claim.host, host))
		return r == -EBADMSG ? 0 : r < 0 ? r : 0;
	r = pt_fleet_ack(f->store, host, id, &ack, &acked, err);
	if (r < 0)
		return r;
	(void)snprintf(ack.id, sizeof(ack.id), "%s", id);
	ack.when = (long long)time(NULL);
	if (!claim.releasing && !acked) {
		ack.state = PT_ACK_BOUND;
		r = pt_fleet_ack_take(f->store, host, &ack, claimed, &acked, err);
		f->acked += r == 1;
	} else if (claim.releasing && acked && ack.state != PT_ACK_RELEASED) {
		ack.state = PT_ACK_RELEASED;
		r = pt_fleet_ack_released(f->store, host, &ack, claimed, acked, err);
		f->released += r == 1;
	}
	/* lost to a release, or not known: the next change of held/HOST tells */
	return r == -ETIMEDOUT || r == -EBUSY || r == -ESTALE ? 0 : r < 0 ? r : 0;
}

static int take_held(struct fleet *f, const struct pt_record *record, struct pt_error *err)
{
	const char *host = record->key + strlen("held/");
	long index = index_of(f, host);
	PT_AUTO(pt_holds) holds = { 0 };
	int r = 0;

	if (index < 0)
		return 0;
	if (record->value && pt_holds_read(record->value, record->key, &holds, NULL) < 0)
		return 0;
	mark_held(f, (unsigned)index, &holds);
	for (size_t i = 0; i < holds.n && r == 0; i++) {
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before = before || strcmp(holds.v[k].id, holds.v[i].id) == 0;
		if (!before)
			r = acknowledge(f, host, holds.v[i].id, err);
	}
	return r;
}

static int hear(struct fleet *f, struct pt_error *err)
{
	PT_AUTO(pt_changes) changes = { 0 };
	int r = 0;

	if (!f->watch)
		r = pt_store_watch(f->store, f->held_prefix, 0, &f->watch, err);
	if (r == 0)
		r = pt_store_watch_next(f->watch, f->due >= 1 ? 1 : TICK_MS, &changes, err);
	for (size_t i = 0; i < changes.records.n && r >= 0; i++)
		r = take_held(f, &changes.records.v[i], err);
	return r < 0 ? r : 0;
}

static void tell(struct fleet *f)
{
	pt_autofree char *text = NULL;

	if (pt_watch_now_ms() < f->status_at)
		return;
	f->status_at = pt_watch_now_ms() + STATUS_MS;
	text = pt_strf("%u hosts with %zu devices are simulated; %llu events, %llu claims bound, %llu given back",
		       f->s->hosts, f->devices, f->events, f->acked, f->released);
	f->s->status(f->s->ctx, text);
}

static int turn(struct fleet *f, struct pt_error *err)
{
	int r = keep(f, err);

	r = r < 0 ? r : hear(f, err);
	r = r < 0 ? r : do_events(f, err);
	if (r == 0)
		tell(f);
	return r;
}

static void count(struct fleet *f)
{
	for (unsigned i = 0; i < f->s->hosts; i++)
		f->devices += pt_simulated_count(f->s->seed, i);
}

int pt_simulate_run(const struct pt_simulate *s, struct pt_error *err)
{
	struct fleet f = { .s = s, .random = s->seed + 1, .tick_at = pt_watch_now_ms() };
	int r = pt_store_open(s->store, &f.store, err);

	if (r < 0)
		return r;
	f.hosts = pt_alloc((size_t)s->hosts * sizeof(*f.hosts));
	(void)snprintf(f.prefix, sizeof(f.prefix), "sim-%u-", s->seed);
	f.held_prefix = pt_strf("held/%s", f.prefix);
	count(&f);
	pt_simulated_spec(&f.config);
	r = publish(&f, err);
	while (r == 0 && !s->over(s->ctx, 0)) {
		r = turn(&f, err);
		/* a store that is away comes back: everything is written anew then */
		if (r == -EHOSTUNREACH || r == -ETIMEDOUT) {
			s->status(s->ctx, err->msg);
			r = s->over(s->ctx, 1000) ? -ECANCELED : 0;
			f.keep_at = 0;
			f.n_batch = 0;
		}
	}
	pt_store_watch_close(f.watch);
	if (f.lease)
		(void)pt_store_end(f.store, f.lease, NULL);
	pt_store_close(f.store);
	pt_pci_config_done(&f.config);
	free(f.hosts);
	free(f.held_prefix);
	return r == -ECANCELED ? 0 : r;
}
