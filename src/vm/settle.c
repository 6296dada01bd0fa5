/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is a VM that was to move?  Neither libvirt's yes nor its no is believed: both hosts are asked.  And what is
 * left of one that has gone is ended, so that there is one of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/watch.h"
#include "vm/conn.h"
#include "vm/far.h"

#define LOOK_MS 200
/* a job that was told to end, and a daemon that may still be waiting for one that is gone (its keepalive: 30 s) */
#define SETTLE_MS 90000
/* between two of its phases it looks as if nothing were going on: what is seen has to last a while */
#define CALM_MS 2000
/* libvirt waits so long for another's job before it refuses, and may begin to move it then */
#define OTHER_MS 35000
/* one question to the other host */
#define THERE_MS 20000
/* that host's libvirt may be on its way up, or still ending what came of it there */
#define PATIENCE_MS 30000

void pt_vm_set_patience(struct pt_vm_conn *conn, unsigned ms)
{
	conn->patience_ms = ms;
	conn->patience_set = true;
}

/* a test need not wait that long */
static unsigned calm_for(const struct pt_vm_conn *conn)
{
	return conn->calm_ms ? conn->calm_ms : CALM_MS;
}

static unsigned patience(const struct pt_vm_conn *conn)
{
	return conn->patience_set ? conn->patience_ms : PATIENCE_MS;
}

static void nap(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L };

	/* cut short by a signal: whoever waits looks at the clock */
	(void)nanosleep(&t, NULL);
}

/* what is there of it */
enum there {
	NOT_THERE, /* nor known there */
	OFF_THERE, /* but defined */
	RUNS_THERE,
	PAUSED_THERE,
	ACTIVE_THERE, /* in whatever state: on its way in, or out */
};

/* in the other thread: which it is of enum there */
static int look_at_it(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	enum pt_domain_state state = PT_DOMAIN_OTHER;
	int active;
	int r = pt_vm_lookup(there, said, &dom, err);

	if (r == 0)
		r = pt_vm_state_of(dom, &state, NULL, err);
	if (r < 0)
		return r == -ENOENT ? NOT_THERE : r;
	active = virDomainIsActive(dom);
	if (active < 0)
		return pt_vm_fail(err, "cannot ask libvirt there whether it is active");
	if (!active)
		return OFF_THERE;
	return state == PT_DOMAIN_RUNNING ? RUNS_THERE : state == PT_DOMAIN_PAUSED ? PAUSED_THERE : ACTIVE_THERE;
}

/* enum there; a negative errno when nobody answers */
static int look_there(const struct pt_vm_conn *conn, const char *uuid, const char *uri, struct pt_error *err)
{
	const struct pt_far_talk talk = { .uri = uri, .said = pt_strdup(uuid), .talk = look_at_it, .done = free };

	return pt_far(conn->root, &talk, THERE_MS, NULL, err);
}

/* who has its QEMU has its disks, and may let it run at any time */
static int half_there(const char *uri, const char *here, int there, struct pt_error *err)
{
	int r = pt_say(err, -EBUSY, "the VM %s, and %s at %s", here,
		       there == PAUSED_THERE ? "is paused" : "is active, but does not run,", uri);

	pt_hint(err, "do not start it here: there `virsh resume` lets it run on, or `virsh destroy` ends it; then "
		     "`passthru recover`");
	return r;
}

/*
 * It does not run here.  @state: as which it is here; PT_DOMAIN_OTHER: not at all.  Where one that is shut off here is
 * not active there either, it is here.
 */
static int ask_there(const struct pt_vm_conn *conn, const char *uuid, const char *uri, enum pt_domain_state state,
		     struct pt_error *err)
{
	bool gone = state == PT_DOMAIN_OTHER;
	bool off = state == PT_DOMAIN_SHUTOFF;
	const char *here = gone ? "is not defined here any more" : off ? "does not run here" : "is paused here";
	struct pt_error why = { 0 };
	int r = look_there(conn, uuid, uri, &why);

	if (r == RUNS_THERE)
		return 1;
	if (r < 0) {
		r = pt_say(err, -EHOSTUNREACH, "the VM %s, and whether it runs at %s cannot be told: %s", here, uri,
			   why.msg);
		pt_hint(err, "do not start it here before that is known; then `passthru recover`.  Where that host is "
			     "off, and does not come back: `passthru recover --give-up CHANGE`");
		return r;
	}
	if (r != NOT_THERE && r != OFF_THERE)
		return half_there(uri, here, r, err);
	if (off)
		return 0;
	/* its guest has shut down since */
	if (r == OFF_THERE && gone)
		return 1;
	r = pt_say(err, -EBUSY, "the VM %s, and does not run at %s", here, uri);
	pt_hint(err,
		"see the logs of libvirt on both hosts; `virsh start`, or `virsh resume`, then `passthru recover`");
	return r;
}

/* a backup, a dump or another of somebody's jobs is none of ours to end; -EBUSY when libvirt does not tell */
static int is_moving(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	int n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0) {
		virErrorPtr last = virGetLastError();
		int code = last ? last->code : VIR_ERR_OK;

		/* it does not run, is gone, or is none that could be moved; all else is no answer */
		return code == VIR_ERR_OPERATION_INVALID || code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_NO_SUPPORT ||
				       code == VIR_ERR_OPERATION_UNSUPPORTED
			       ? 0
			       : -EBUSY;
	}
	/* not told: then it stays unknown */
	(void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, n);
	return (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

/**
 * struct search - where is it?
 * @begun, @calm: milliseconds of the clock: since when it is looked for, and since when libvirt is not at work on it
 * @both: it ran on both hosts when it was looked at last
 */
struct search {
	struct pt_vm_conn *conn;
	const char *uuid;
	const char *uri;
	long long begun;
	long long calm;
	bool both;
};

/* beside 0 and 1 */
#define AT_WORK	  2 /* libvirt is still at it */
#define RUNS_HERE 3

static int look_here(struct search *s, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	enum pt_domain_state state = PT_DOMAIN_OTHER;
	int r = pt_vm_lookup(s->conn, s->uuid, &dom, err);

	if (r == -ENOENT)
		return ask_there(s->conn, s->uuid, s->uri, PT_DOMAIN_OTHER, err);
	if (r < 0)
		return r;
	r = is_moving(dom);
	if (r == 1)
		(void)virDomainAbortJob(dom);
	if (r != 0)
		return AT_WORK;
	r = pt_vm_state_of(dom, &state, NULL, err);
	if (r < 0)
		return r;
	/* the migration of one who was killed may be waiting for the job of somebody else to end */
	if (state == PT_DOMAIN_RUNNING)
		return pt_watch_now_ms() < s->begun + OTHER_MS && pt_vm_busy(dom, NULL) == 1 ? AT_WORK : RUNS_HERE;
	return ask_there(s->conn, s->uuid, s->uri, state == PT_DOMAIN_SHUTOFF ? state : PT_DOMAIN_PAUSED, err);
}

static int runs_twice(const struct search *s, struct pt_error *err)
{
	int r = pt_say(err, -EBUSY, "the VM runs here AND at %s: two guests write to its disks", s->uri);

	pt_hint(err, "end one of them at once: `virsh destroy`, here or there; then `passthru recover`");
	return r;
}

/*
 * It runs here, and libvirt is not at work on it.  A connection that broke while the other host was told to let it run
 * leaves it running on both; so that host is asked, too, where it answers.  RUNS_HERE: look again.
 */
static int ask_beside(struct search *s, char **ret_doubt, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int there = look_there(s->conn, s->uuid, s->uri, &why);

	if (there == RUNS_THERE && s->both)
		return runs_twice(s, err);
	/* it may have gone between the two looks */
	s->both = there == RUNS_THERE;
	if (s->both) {
		nap(calm_for(s->conn));
		return RUNS_HERE;
	}
	if (there == NOT_THERE || there == OFF_THERE)
		return 0;
	if (there > 0 && pt_watch_now_ms() < s->begun + patience(s->conn))
		return RUNS_HERE;
	*ret_doubt = there < 0 ? pt_strf("that it does not run at %s, too, is not certain: %s", s->uri, why.msg)
			       : pt_strf("%s has it, too, %s: `virsh destroy` there ends that", s->uri,
					 there == PAUSED_THERE ? "paused" : "active, without running");
	return 0;
}

/* is that the answer, or may it be another in a moment? */
static bool is_final(const struct search *s, int r, long long now)
{
	if (r == 1 || r == -ENOTCONN || r == -EPERM)
		return true;
	if (r == 0 || r == -EBUSY)
		return now >= s->calm + calm_for(s->conn);
	if (r == -EHOSTUNREACH)
		return now >= s->begun + patience(s->conn);
	/* this host's libvirt does not answer: it is being restarted, perhaps */
	return r < 0 && now >= s->begun + SETTLE_MS;
}

int pt_vm_settle(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt,
		 struct pt_error *err)
{
	struct search s = {
		.conn = conn, .uuid = uuid, .uri = to->uri, .begun = pt_watch_now_ms(), .calm = pt_watch_now_ms()
	};

	*ret_doubt = NULL;
	for (;;) {
		struct pt_error why = { 0 };
		int r = look_here(&s, &why);
		long long now = pt_watch_now_ms();

		if (r == AT_WORK)
			s.calm = now;
		if (r == RUNS_HERE && now >= s.calm + calm_for(conn))
			r = ask_beside(&s, ret_doubt, &why);
		if (is_final(&s, r, now)) {
			if (r < 0 && err)
				*err = why;
			return r;
		}
		if (r == AT_WORK && now >= s.begun + SETTLE_MS)
			return pt_say(err, -EBUSY, "libvirt is still at work on the VM after %d seconds",
				      SETTLE_MS / 1000);
		nap(LOOK_MS);
	}
}

/* libvirt syncs no unlink(): what is gone from here must not be back after a power cut */
static int sync_definitions(const struct pt_root *root, struct pt_error *err)
{
	static const char *const dirs[] = { "etc/libvirt/qemu", "etc/libvirt/qemu/autostart" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		pt_autoclose int fd = openat(root->root_fd, dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

		if (r < 0 && r != -ENOENT)
			return pt_fail(err, r, "cannot write to the disk that /%s does not have the VM any more",
				       dirs[i]);
	}
	return 0;
}

/* what libvirt keeps beside the definition is none of ours to lose: on shared storage the other host has it open */
static unsigned keep_beside(virDomainPtr dom)
{
	char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE);
	unsigned flags = 0;

	if (!xml || strstr(xml, "<nvram"))
		flags |= VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
	if (!xml || strstr(xml, "<tpm"))
		flags |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	/* libvirt undefines none that has checkpoints; it forgets them, too, when it does this itself */
	if (virDomainListAllCheckpoints(dom, NULL, 0) > 0)
		flags |= VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
	free(xml);
	return flags;
}

/* the QEMU that libvirt left behind: only one that stands still since its guest has gone */
static int end_rest(virDomainPtr dom, const char *name, struct pt_error *err)
{
	enum pt_domain_state state;
	int reason = 0;
	int r = pt_vm_state_of(dom, &state, &reason, err);

	if (r < 0 || state == PT_DOMAIN_SHUTOFF)
		return r;
	if (state == PT_DOMAIN_RUNNING) {
		r = pt_say(err, -EBUSY, "%s runs HERE TOO: two guests write to its disks", name);
		pt_hint(err, "end one of them at once: `virsh destroy %s`, here or there; then `passthru recover`",
			pt_shell(name).s);
		return r;
	}
	if (state != PT_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_MIGRATION) {
		r = pt_say(err, -EBUSY, "%s is still active here, and not as a migration leaves it", name);
		pt_hint(err, "do not resume it; `virsh destroy %s` here ends what is left, then `passthru recover`",
			pt_shell(name).s);
		return r;
	}
	if (virDomainDestroyFlags(dom, 0) < 0)
		return pt_vm_fail(err, "the QEMU that %s left here, paused, cannot be ended", name);
	return 0;
}

/* autostart first: whatever fails then, or is cut off, no boot starts it */
static int empty(struct pt_vm_conn *conn, const char *uuid, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	pt_autofree char *name = NULL;
	int persistent;
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	name = pt_strdup(virDomainGetName(dom));
	persistent = virDomainIsPersistent(dom);
	if (persistent < 0)
		return pt_vm_fail(err, "cannot ask libvirt whether %s is defined here", name);
	if (persistent && virDomainSetAutostart(dom, 0) < 0)
		return pt_vm_fail(err, "%s is still defined here, and its autostart cannot be switched off", name);
	r = end_rest(dom, name, err);
	if (r < 0)
		return r;
	if (persistent && virDomainUndefineFlags(dom, keep_beside(dom)) < 0)
		return pt_vm_fail(err, "%s is still defined here, without autostart, and cannot be undefined", name);
	return 1;
}

/* libvirt's own end of it takes a moment after the VM has begun to run there */
static int wait_calm(struct pt_vm_conn *conn, const char *uuid, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + SETTLE_MS;
	long long calm = pt_watch_now_ms();

	for (;;) {
		pt_autodomain virDomainPtr dom = NULL;
		int r = pt_vm_lookup(conn, uuid, &dom, err);
		long long now = pt_watch_now_ms();

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (virDomainIsActive(dom) == 0)
			return 0;
		if (is_moving(dom) != 0)
			calm = now;
		else if (now >= calm + calm_for(conn))
			return 0;
		if (now >= end)
			return pt_say(err, -EBUSY, "libvirt is still at work on the VM here after %d seconds",
				      SETTLE_MS / 1000);
		nap(LOOK_MS);
	}
}

int pt_vm_leave(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	struct pt_error why = { 0 };
	int r = wait_calm(conn, uuid, &why);

	if (r == 0)
		r = empty(conn, uuid, &why);
	if (r == 1) {
		r = pt_vm_lookup(conn, uuid, &dom, &why);
		r = r == -ENOENT ? 0 : r < 0 ? r : pt_say(&why, -EBUSY, "libvirt still has it here");
	}
	if (r == 0)
		r = sync_definitions(conn->root, &why);
	if (r == 0)
		return 0;
	if (err)
		*err = why;
	(void)pt_wrap(err, r, "the VM runs at %s, and not all of it is gone from here", to->uri);
	if (!why.hint[0])
		pt_hint(err, "do not start or resume it here; `passthru recover` tries again");
	return r;
}
