/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of one host: one SQLite file, every commit on the disk when it returns.  A removed record stays as one
 * without value for a while, so that a watch hears of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/root.h"
#include "base/watch.h"
#include "db/db.h"
#include "store/backend.h"

#define STORE_DIR "/var/lib/passthru"

/* a watch that was away for more transactions than this lists anew */
#define KEPT_REVISIONS 8192
/* how often removed records are swept */
#define SWEEP_EVERY 1024
/* the kernel tells of a write, not of the commit after it: a watch looks soon, then more seldom, and now and then */
#define SOON_MS 20
#define SURE_MS 1000
/* how often where the kernel tells nothing */
#define BLIND_MS 40

/* append only */
static const char *const migrations[] = {
	"CREATE TABLE kept(since INTEGER NOT NULL);"
	"INSERT INTO kept VALUES(0);"
	"CREATE TABLE record("
	" id INTEGER PRIMARY KEY,"
	" key TEXT NOT NULL UNIQUE,"
	" value TEXT,"
	" revision INTEGER NOT NULL,"
	" lease INTEGER);"
	"CREATE INDEX record_revision ON record(revision);"
	"CREATE INDEX record_lease ON record(lease) WHERE lease IS NOT NULL;"
	"CREATE TABLE lease("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" ttl_s INTEGER NOT NULL,"
	" boot TEXT NOT NULL,"
	" until_ms INTEGER NOT NULL);",
};

static const struct pt_db_kind store_kind = {
	.noun = "store",
	.file = "store.db",
	.begun_anew = "the store then begins anew, without its hosts and claims",
	.application_id = 0x50545354, /* "PTST" */
	.migrations = migrations,
	.version = sizeof(migrations) / sizeof(*migrations),
};

enum statement { BEGIN, COMMIT, REVISION, GET, LIST, SAW, PUT, EXPIRED, LEASE_GET, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[REVISION] = "SELECT coalesce(max(revision), 1) FROM record",
	[GET] = "SELECT key, value, revision FROM record WHERE key = ?1",
	[LIST] = "SELECT key, value, revision FROM record WHERE key >= ?1 AND key < ?2 AND value IS NOT NULL"
		 " ORDER BY key",
	[SAW] = "SELECT revision FROM record WHERE key = ?1 AND value IS NOT NULL",
	[PUT] = "INSERT INTO record(key, value, revision, lease) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(key) DO UPDATE"
		" SET value = ?2, revision = ?3, lease = ?4",
	[EXPIRED] = "SELECT count(*) FROM lease WHERE boot <> ?1 OR until_ms <= ?2",
	[LEASE_GET] = "SELECT count(*) FROM lease WHERE id = ?1",
};

/**
 * struct sqlite_store
 * @boot: leases are in the time of one boot: no clock that somebody sets moves them, and none outlives its boot
 * @prepared: made when first used
 */
struct sqlite_store {
	struct pt_store store;
	struct pt_db *db;
	char boot[40];
	sqlite3_stmt *prepared[STATEMENTS];
};

static struct sqlite_store *of(struct pt_store *store)
{
	return (struct sqlite_store *)store;
}

/* a statement that is kept, with its values: i (long long), s (text, NULL is NULL); borrowed until it is reset */
static sqlite3_stmt *use(struct sqlite_store *s, enum statement which, const char *types, ...)
{
	sqlite3_stmt *stmt = s->prepared[which];
	int code = SQLITE_OK;
	va_list ap;

	if (!stmt &&
	    sqlite3_prepare_v3(s->db->sqlite, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		return NULL;
	s->prepared[which] = stmt;
	va_start(ap, types);
	for (int i = 0; types[i] && code == SQLITE_OK; i++) {
		if (types[i] == 'i')
			code = sqlite3_bind_int64(stmt, i + 1, va_arg(ap, long long));
		else
			code = sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
	}
	va_end(ap);
	return code == SQLITE_OK ? stmt : NULL;
}

static int step(const struct sqlite_store *s, sqlite3_stmt *stmt)
{
	return stmt ? sqlite3_step(stmt) : sqlite3_errcode(s->db->sqlite);
}

/* ends the use of a statement; @code: of its last step.  A failure is told before the reset forgets it */
static int unuse(const struct sqlite_store *s, sqlite3_stmt *stmt, int code, const char *doing, struct pt_error *err)
{
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : pt_db_fail(s->db, code, doing, err);

	if (stmt) {
		(void)sqlite3_reset(stmt);
		(void)sqlite3_clear_bindings(stmt);
	}
	return r;
}

static int finish(const struct sqlite_store *s, sqlite3_stmt *stmt, const char *doing, struct pt_error *err)
{
	return unuse(s, stmt, step(s, stmt), doing, err);
}

/* the first column of the only row, 0 when there is none */
static int number(const struct sqlite_store *s, sqlite3_stmt *stmt, const char *doing, long long *ret,
		  struct pt_error *err)
{
	int code = step(s, stmt);

	*ret = code == SQLITE_ROW ? (long long)sqlite3_column_int64(stmt, 0) : 0;
	return unuse(s, stmt, code, doing, err);
}

static void roll_back(const struct sqlite_store *s)
{
	/* the failure that led here is the one to tell */
	if (!sqlite3_get_autocommit(s->db->sqlite))
		(void)sqlite3_exec(s->db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

static long long boot_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void take_row(sqlite3_stmt *stmt, struct pt_record *r)
{
	r->key = pt_strdup((const char *)sqlite3_column_text(stmt, 0));
	r->value = pt_strdup_opt((const char *)sqlite3_column_text(stmt, 1));
	r->revision = (long long)sqlite3_column_int64(stmt, 2);
}

/* all rows that the statement has */
static int take_rows(const struct sqlite_store *s, sqlite3_stmt *stmt, const char *doing, struct pt_records *l,
		     struct pt_error *err)
{
	int code;

	while ((code = step(s, stmt)) == SQLITE_ROW)
		take_row(stmt, pt_array_add(l));
	return unuse(s, stmt, code, doing, err);
}

static int put(struct sqlite_store *s, const struct pt_write *w, long long revision, struct pt_error *err)
{
	sqlite3_stmt *stmt = use(s, PUT, "ssi", w->key, w->value, revision);

	if (stmt && w->lease && w->value)
		(void)sqlite3_bind_int64(stmt, 4, w->lease);
	return finish(s, stmt, "write a record", err);
}

/* what was removed long ago is forgotten, and that it was */
static int sweep(const struct sqlite_store *s, long long revision, struct pt_error *err)
{
	long long until = revision - KEPT_REVISIONS;
	int r;

	if (revision % SWEEP_EVERY || until <= 0)
		return 0;
	r = pt_db_run(s->db, "sweep", err, "DELETE FROM record WHERE value IS NULL AND revision <= ?", "i", until);
	return r < 0 ? r : pt_db_run(s->db, "sweep", err, "UPDATE kept SET since = ?", "i", until);
}

/* in a transaction: the next revision, with whatever comes with the turn of it */
static int next_revision(struct sqlite_store *s, long long *ret, struct pt_error *err)
{
	int r = number(s, use(s, REVISION, ""), "read the revision", ret, err);

	*ret += 1;
	return r < 0 ? r : sweep(s, *ret, err);
}

static int begin(struct sqlite_store *s, struct pt_error *err)
{
	return finish(s, use(s, BEGIN, ""), "begin a transaction", err);
}

/* COMMIT when @r is not negative; returns @r or what COMMIT says */
static int end(struct sqlite_store *s, int r, struct pt_error *err)
{
	int done = r < 0 ? r : finish(s, use(s, COMMIT, ""), "write", err);

	if (done < 0)
		roll_back(s);
	return done < 0 ? done : r;
}

/* in a transaction */
static int end_leases(struct sqlite_store *s, const char *which, const char *types, const char *boot, long long value,
		      struct pt_error *err)
{
	pt_autofree char *records = pt_strf("UPDATE record SET value = NULL, lease = NULL, revision = ?1"
					    " WHERE lease IN (SELECT id FROM lease WHERE %s)",
					    which);
	pt_autofree char *leases = pt_strf("DELETE FROM lease WHERE ?1 IS NOT NULL AND (%s)", which);
	long long revision = 0;
	int r = next_revision(s, &revision, err);

	r = r < 0 ? r : pt_db_run(s->db, "end a lease", err, records, types, revision, boot, value);
	return r < 0 ? r : pt_db_run(s->db, "end a lease", err, leases, types, revision, boot, value);
}

/* before anything is read or written: leases whose time is over have ended, whoever notices */
static int expire(struct sqlite_store *s, struct pt_error *err)
{
	long long now = boot_ms();
	long long n = 0;
	int r = number(s, use(s, EXPIRED, "si", s->boot, now), "look at leases", &n, err);

	if (r < 0 || n == 0)
		return r;
	r = begin(s, err);
	if (r == 0)
		r = end(s, end_leases(s, "boot <> ?2 OR until_ms <= ?3", "isi", s->boot, now, err), err);
	return r;
}

static int sqlite_get(struct pt_store *store, const char *key, struct pt_record *ret, struct pt_error *err)
{
	struct sqlite_store *s = of(store);
	sqlite3_stmt *stmt;
	int r = expire(s, err);
	int code;

	if (r < 0)
		return r;
	stmt = use(s, GET, "s", key);
	code = step(s, stmt);
	if (code == SQLITE_ROW)
		take_row(stmt, ret);
	else if (code == SQLITE_DONE)
		*ret = (struct pt_record){ .key = pt_strdup(key) };
	r = unuse(s, stmt, code, "read a record", err);
	if (r < 0)
		return r;
	if (!ret->value)
		ret->revision = 0;
	return ret->value != NULL;
}

/* a reading transaction: everything in it is of one revision */
static int sqlite_list(struct pt_store *store, const char *prefix, struct pt_records *ret, struct pt_error *err)
{
	PT_AUTO(pt_records) l = { 0 };
	pt_autofree char *stop = pt_prefix_end(prefix);
	struct sqlite_store *s = of(store);
	int r = expire(s, err);

	if (r == 0)
		r = pt_db_run(s->db, "read", err, "BEGIN", "");
	if (r == 0)
		r = number(s, use(s, REVISION, ""), "read the revision", &l.revision, err);
	if (r == 0)
		r = take_rows(s, use(s, LIST, "ss", prefix, stop), "read records", &l, err);
	r = end(s, r, err);
	if (r < 0)
		return r;
	*ret = pt_take(l);
	return 0;
}

/* 1: everything is as it was seen */
static int compare(struct sqlite_store *s, const struct pt_txn *txn, struct pt_error *err)
{
	bool same = true;
	int r = 0;

	for (size_t i = 0; i < txn->n_saw && same && r == 0; i++) {
		long long revision = 0;

		r = number(s, use(s, SAW, "s", txn->saw[i].key), "compare", &revision, err);
		same = revision == txn->saw[i].revision;
	}
	return r < 0 ? r : same;
}

static int check_leases(struct sqlite_store *s, const struct pt_txn *txn, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < txn->n_writes && r == 0; i++) {
		long long n = 0;

		if (!txn->writes[i].lease)
			continue;
		r = number(s, use(s, LEASE_GET, "i", txn->writes[i].lease), "look at a lease", &n, err);
		if (r == 0 && n == 0)
			r = pt_say(err, -ENOKEY, "%s: lease %lld has ended", txn->writes[i].key, txn->writes[i].lease);
	}
	return r;
}

static int write_all(struct sqlite_store *s, const struct pt_txn *txn, long long *revision, struct pt_error *err)
{
	int r = check_leases(s, txn, err);

	if (r == 0)
		r = next_revision(s, revision, err);
	for (size_t i = 0; i < txn->n_writes && r == 0; i++)
		r = put(s, &txn->writes[i], *revision, err);
	return r;
}

static int read_saw(struct sqlite_store *s, const struct pt_txn *txn, struct pt_records *now, struct pt_error *err)
{
	int r = number(s, use(s, REVISION, ""), "read the revision", &now->revision, err);

	for (size_t i = 0; i < txn->n_saw && r == 0; i++) {
		size_t before = now->n;

		r = take_rows(s, use(s, GET, "s", txn->saw[i].key), "read a record", now, err);
		if (r == 0 && now->n == before)
			pt_array_add(now)->key = pt_strdup(txn->saw[i].key);
		if (r == 0 && !now->v[i].value)
			now->v[i].revision = 0;
	}
	return r;
}

/* COMMIT failed: what the disk has of it is known when it is read the next time */
static int unfinished(const struct sqlite_store *s, const struct pt_error *why, struct pt_error *err)
{
	int r = pt_say(err, -ETIMEDOUT, "%s: nobody knows whether this was written: %s", s->store.name, why->msg);

	pt_hint(err, "see to the disk first; then look before asking again");
	return r;
}

static int sqlite_commit(struct pt_store *store, const struct pt_txn *txn, long long *revision, struct pt_records *now,
			 struct pt_error *err)
{
	struct sqlite_store *s = of(store);
	struct pt_error why = { 0 };
	int r = expire(s, err);
	int same;

	if (r == 0)
		r = begin(s, err);
	if (r < 0)
		return r;
	same = compare(s, txn, err);
	r = same;
	if (same == 1)
		r = write_all(s, txn, revision, err);
	else if (same == 0)
		r = read_saw(s, txn, now, err);
	if (r < 0) {
		roll_back(s);
		return r;
	}
	r = end(s, r, &why);
	if (r == -EIO && same == 1)
		return unfinished(s, &why, err);
	if (r < 0 && err)
		*err = why;
	return r < 0 ? r : same;
}

static int sqlite_lease(struct pt_store *store, unsigned ttl_s, long long *lease, struct pt_error *err)
{
	struct sqlite_store *s = of(store);
	int r = pt_db_run(s->db, "make a lease", err, "INSERT INTO lease(ttl_s, boot, until_ms) VALUES(?, ?, ?)", "isi",
			  (long long)ttl_s, s->boot, boot_ms() + ttl_s * 1000LL);

	if (r == 0)
		*lease = (long long)sqlite3_last_insert_rowid(s->db->sqlite);
	return r;
}

static int sqlite_keep(struct pt_store *store, long long lease, struct pt_error *err)
{
	struct sqlite_store *s = of(store);
	int r = expire(s, err);

	if (r == 0)
		r = pt_db_run(s->db, "keep a lease", err, "UPDATE lease SET until_ms = ? + ttl_s * 1000 WHERE id = ?",
			      "ii", boot_ms(), lease);
	return r < 0 ? r : sqlite3_changes(s->db->sqlite) > 0;
}

static int sqlite_end(struct pt_store *store, long long lease, struct pt_error *err)
{
	struct sqlite_store *s = of(store);
	long long n = 0;
	int r = expire(s, err);

	if (r == 0)
		r = begin(s, err);
	if (r < 0)
		return r;
	r = number(s, use(s, LEASE_GET, "i", lease), "look at a lease", &n, err);
	if (r == 0 && n)
		r = end_leases(s, "boot = ?2 AND id = ?3", "isi", s->boot, lease, err);
	r = end(s, r, err);
	return r < 0 ? r : n > 0;
}

/**
 * struct sqlite_watch
 * @fd: inotify of the file's folder; -EBADF: the kernel gives no more of them
 * @look_at: when it is looked next, unless the kernel tells of a write before; @pause_ms: from then to the one after
 */
struct sqlite_watch {
	struct pt_store_watch w;
	int fd;
	long long look_at;
	long long pause_ms;
};

static int sqlite_watch(struct pt_store *store, struct pt_store_watch **watch, struct pt_error *err)
{
	struct sqlite_watch *w = pt_alloc(sizeof(*w));
	pt_autofree char *folder = pt_strdup(of(store)->db->path);
	char *slash = strrchr(folder, '/');

	if (slash)
		*slash = '\0';
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd >= 0 && inotify_add_watch(w->fd, slash ? folder : ".", IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		(void)close(w->fd);
		w->fd = -EBADF;
	}
	w->pause_ms = SOON_MS;
	*watch = &w->w;
	return 0;
}

/* somebody has written to the file, and it is to be looked at: waits for that at most @ms */
static bool is_told(struct sqlite_watch *w, long long ms)
{
	struct pollfd fd = { w->fd, POLLIN, 0 };
	char events[4096];

	/* without a descriptor this only sleeps */
	if (poll(&fd, w->fd < 0 ? 0 : 1, ms < 0 ? 0 : (int)ms) != 1)
		return false;
	while (read(w->fd, events, sizeof(events)) > 0)
		;
	w->pause_ms = SOON_MS;
	w->look_at = 0;
	return true;
}

/* in a reading transaction: all that has changed since, or all when that is no longer known */
static int look(struct pt_store_watch *w, struct pt_changes *c, struct pt_error *err)
{
	struct sqlite_store *s = of(w->store);
	pt_autofree char *stop = pt_prefix_end(w->prefix);
	sqlite3_stmt *stmt;
	long long kept = 0;
	int r = number(s, use(s, REVISION, ""), "read the revision", &c->records.revision, err);

	if (r < 0 || (w->since && c->records.revision == w->since))
		return r;
	r = pt_db_number(s->db, "read", "SELECT since FROM kept", &kept, err);
	if (r < 0)
		return r;
	c->whole = w->since == 0 || w->since < kept || w->since > c->records.revision;
	if (c->whole && w->since)
		c->missed = pt_strf("%s: what was removed up to revision %lld is no longer known, and the last that "
				    "was seen is %lld",
				    w->store->name, kept, w->since);
	if (c->whole)
		return take_rows(s, use(s, LIST, "ss", w->prefix, stop), "read records", &c->records, err);
	stmt = pt_db_prepare(s->db, "read changes", err,
			     "SELECT key, value, revision FROM record WHERE revision > ?1 AND key >= ?2 AND key < ?3"
			     " ORDER BY revision, key",
			     "iss", w->since, w->prefix, stop);
	if (!stmt)
		return err ? err->code : -EIO;
	r = take_rows(s, stmt, "read changes", &c->records, err);
	(void)sqlite3_finalize(stmt);
	return r;
}

static int look_once(struct pt_store_watch *w, struct pt_changes *c, struct pt_error *err)
{
	struct sqlite_store *s = of(w->store);
	int r = expire(s, err);

	if (r == 0)
		r = pt_db_run(s->db, "read", err, "BEGIN", "");
	if (r < 0)
		return r;
	return end(s, look(w, c, err), err);
}

static int sqlite_watch_next(struct pt_store_watch *watch, int timeout_ms, struct pt_changes *c, struct pt_error *err)
{
	struct sqlite_watch *w = (struct sqlite_watch *)watch;
	long long until = pt_watch_now_ms() + timeout_ms;

	for ((void)is_told(w, 0);;) {
		long long now = pt_watch_now_ms();
		int r = 0;

		if (now >= w->look_at) {
			r = look_once(watch, c, err);
			w->look_at = now + w->pause_ms;
			w->pause_ms = w->fd < 0 ? BLIND_MS : w->pause_ms < SURE_MS / 2 ? w->pause_ms * 2 : SURE_MS;
			if (r < 0)
				return r;
			watch->since = c->records.revision;
		}
		if (c->whole || c->records.n)
			return 1;
		now = pt_watch_now_ms();
		if (now >= until)
			return 0;
		/* many writes are one piece of news */
		if (is_told(w, until < w->look_at ? until - now : w->look_at - now))
			(void)usleep(SOON_MS / 4 * 1000);
	}
}

static void sqlite_watch_close(struct pt_store_watch *w)
{
	pt_closep(&((struct sqlite_watch *)w)->fd);
	free(w);
}

static void sqlite_close(struct pt_store *store)
{
	struct sqlite_store *s = of(store);

	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(s->prepared[i]);
	pt_db_close(s->db);
	free(s->store.name);
	free(s);
}

static const struct pt_store_ops sqlite_ops = {
	.close = sqlite_close,
	.get = sqlite_get,
	.list = sqlite_list,
	.commit = sqlite_commit,
	.lease = sqlite_lease,
	.keep = sqlite_keep,
	.end = sqlite_end,
	.watch = sqlite_watch,
	.watch_next = sqlite_watch_next,
	.watch_close = sqlite_watch_close,
};

static int read_boot(struct sqlite_store *s, struct pt_error *err)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	pt_autofree char *line = NULL;
	int r = pt_root_live(&root, err);

	if (r == 0) {
		r = pt_file_read_line(root.proc_fd, "sys/kernel/random/boot_id", &line);
		if (r < 0)
			return pt_fail(err, r, "cannot read which boot this is (proc: sys/kernel/random/boot_id)");
	}
	if (r == 0)
		(void)snprintf(s->boot, sizeof(s->boot), "%s", line);
	return r;
}

int pt_store_sqlite_open(const struct pt_store_config *config, struct pt_store **ret_store, struct pt_error *err)
{
	struct sqlite_store *s = pt_alloc(sizeof(*s));
	int r = pt_db_open(&store_kind, config->directory ? config->directory : STORE_DIR, PT_DB_WRITE, &s->db, err);

	s->store.ops = &sqlite_ops;
	if (r == 0) {
		s->store.name = pt_strdup(s->db->path);
		r = read_boot(s, err);
	}
	if (r < 0) {
		sqlite_close(&s->store);
		return r;
	}
	*ret_store = &s->store;
	return 0;
}
