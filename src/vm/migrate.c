/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running VM moves to another host, its definition too.  Peer to peer: the daemon here talks to the daemon there, so
 * that our death leaves no half behind that nobody looks after.  Never post-copy: a guest that is on both sides when
 * the cable breaks is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/watch.h"
#include "domxml/domxml.h"
#include "vm/conn.h"

#define LOOK_MS 200
#define TELL_MS 1000
/* a job that was told to end, and a daemon that may still be waiting for one that is gone (its keepalive: 30 s) */
#define SETTLE_MS 90000
#define CALM_MS	  2000

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

void pt_vm_set_tell(struct pt_vm_conn *conn, void (*tell)(void *ctx, const char *how_far), void *ctx)
{
	conn->tell = tell;
	conn->tell_ctx = ctx;
}

static void nap(void)
{
	struct timespec t = { .tv_nsec = LOOK_MS * 1000000L };

	/* cut short by a signal: whoever waits looks at the clock */
	(void)nanosleep(&t, NULL);
}

/* the call that returns when it is over, in a thread of its own */
struct move {
	virDomainPtr dom;
	const char *uri;
	virTypedParameterPtr params;
	int n_params;
	unsigned flags;
	int r;
	virErrorPtr error;
	atomic_bool over;
};

static void *make(void *arg)
{
	struct move *m = arg;

	m->r = virDomainMigrateToURI3(m->dom, m->uri, m->params, (unsigned)m->n_params, m->flags);
	/* libvirt keeps the last error of each thread */
	if (m->r < 0)
		m->error = virSaveLastError();
	atomic_store(&m->over, true);
	return NULL;
}

static void tell(struct pt_vm_conn *conn, virDomainPtr dom)
{
	virDomainJobInfo info = { 0 };
	pt_autofree char *text = NULL;
	unsigned long long done;

	if (!conn->tell || virDomainGetJobInfo(dom, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE || !info.dataTotal)
		return;
	done = info.dataTotal > info.dataRemaining ? info.dataTotal - info.dataRemaining : 0;
	text = pt_strf("%llu%%: %llu of %llu MiB copied, %llu s", done * 100 / info.dataTotal, done >> 20,
		       info.dataTotal >> 20, info.timeElapsed / 1000);
	conn->tell(conn->tell_ctx, text);
}

/* @ret_why: -EINTR or -ETIMEDOUT when it was told to end */
static void look_after(struct pt_vm_conn *conn, struct move *m, unsigned timeout_ms, int *ret_why)
{
	long long end = pt_watch_now_ms() + timeout_ms;
	long long tell_at = 0;

	*ret_why = 0;
	while (!atomic_load(&m->over)) {
		long long now = pt_watch_now_ms();

		if (!*ret_why && conn->poll && conn->poll(conn->poll_ctx) != 0)
			*ret_why = -EINTR;
		if (!*ret_why && timeout_ms && now >= end)
			*ret_why = -ETIMEDOUT;
		/* again and again: at its beginning and at its end it hears nothing */
		if (*ret_why)
			(void)virDomainAbortJob(m->dom);
		else if (now >= tell_at) {
			tell(conn, m->dom);
			tell_at = now + TELL_MS;
		}
		nap();
	}
}

static int outcome(struct move *m, int why, unsigned timeout_ms, struct pt_error *err)
{
	const char *name = virDomainGetName(m->dom);
	int r;

	if (m->r == 0)
		return 0;
	if (why) {
		virFreeError(m->error);
		return why == -EINTR
			       ? pt_say(err, why, "interrupted while %s was being moved to %s", name, m->uri)
			       : pt_say(err, why, "%s was not at %s after %u seconds", name, m->uri, timeout_ms / 1000);
	}
	r = pt_vm_fail_with(m->error, err, "libvirt did not move %s to %s", name, m->uri);
	return r == -EINTR || r == -ETIMEDOUT ? -EIO : r;
}

static int start_moving(struct move *m, struct pt_vm_conn *conn, unsigned timeout_ms, int *ret_why,
			struct pt_error *err)
{
	pthread_t thread;
	int r = -pthread_create(&thread, NULL, make, m);

	if (r < 0)
		return pt_fail(err, r, "cannot look after a migration");
	look_after(conn, m, timeout_ms, ret_why);
	(void)pthread_join(thread, NULL);
	return 0;
}

int pt_vm_migrate(struct pt_vm_conn *conn, virDomainPtr dom, const struct pt_migrate_to *to, unsigned timeout_ms,
		  struct pt_error *err)
{
	struct move m = { .dom = dom,
			  .uri = to->uri,
			  .flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_ABORT_ON_ERROR };
	int room = 0;
	int why = 0;
	int r;

	/* a VM that has no definition here gets none there */
	if (virDomainIsPersistent(dom) == 1)
		m.flags |= VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
	if (to->bandwidth_mib &&
	    virTypedParamsAddULLong(&m.params, &m.n_params, &room, VIR_MIGRATE_PARAM_BANDWIDTH, to->bandwidth_mib) < 0)
		return pt_vm_fail(err, "cannot limit the bandwidth");
	r = start_moving(&m, conn, timeout_ms, &why, err);
	virTypedParamsFree(m.params, m.n_params);
	return r < 0 ? r : outcome(&m, why, timeout_ms, err);
}

/* what is there of it */
enum there {
	NOT_ACTIVE_THERE, /* nor, perhaps, known there at all */
	RUNS_THERE,
	PAUSED_THERE,
	ACTIVE_THERE, /* in whatever state: on its way in, or out */
};

/* enum there; a negative errno when nobody answers */
static int look_there(const struct pt_vm_conn *conn, const char *uuid, const char *uri, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *there = NULL;
	pt_autodomain virDomainPtr dom = NULL;
	enum pt_domain_state state = PT_DOMAIN_OTHER;
	int active;
	int r = pt_vm_open(conn->root, uri, false, &there, err);

	if (r == 0)
		r = pt_vm_lookup(there, uuid, &dom, err);
	if (r == 0)
		r = pt_vm_state_of(dom, &state, NULL, err);
	if (r < 0)
		return r == -ENOENT ? NOT_ACTIVE_THERE : r;
	active = virDomainIsActive(dom);
	if (active < 0)
		return pt_vm_fail(err, "cannot ask libvirt at %s whether it is active", uri);
	if (!active)
		return NOT_ACTIVE_THERE;
	return state == PT_DOMAIN_RUNNING ? RUNS_THERE : state == PT_DOMAIN_PAUSED ? PAUSED_THERE : ACTIVE_THERE;
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

/* it does not run here; @off: it is defined here, and shut off: where it is not active there either, it is here */
static int ask_there(const struct pt_vm_conn *conn, const char *uuid, const char *uri, const char *here, bool off,
		     struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r = look_there(conn, uuid, uri, &why);

	if (r == RUNS_THERE)
		return 1;
	if (r < 0) {
		r = pt_say(err, -EHOSTUNREACH, "the VM %s, and whether it runs at %s cannot be told: %s", here, uri,
			   why.msg);
		pt_hint(err, "do not start it here before that is known; then `passthru recover`");
		return r;
	}
	if (r != NOT_ACTIVE_THERE)
		return half_there(uri, here, r, err);
	if (off)
		return 0;
	r = pt_say(err, -EBUSY, "the VM %s, and does not run at %s", here, uri);
	pt_hint(err,
		"see the logs of libvirt on both hosts; `virsh start`, or `virsh resume`, then `passthru recover`");
	return r;
}

/* a backup, a dump or another of somebody's jobs is none of ours to end */
static bool is_moving(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	int n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0)
		return false;
	/* not told: then it stays unknown */
	(void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, n);
	return (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

/* 2: libvirt is still at it */
static int look_here(struct pt_vm_conn *conn, const char *uuid, const char *uri, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	enum pt_domain_state state = PT_DOMAIN_OTHER;
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r == -ENOENT)
		return ask_there(conn, uuid, uri, "is not defined here any more", false, err);
	if (r < 0)
		return r;
	if (is_moving(dom)) {
		(void)virDomainAbortJob(dom);
		return 2;
	}
	r = pt_vm_state_of(dom, &state, NULL, err);
	if (r < 0)
		return r;
	if (state == PT_DOMAIN_RUNNING)
		return 0;
	return ask_there(conn, uuid, uri, state == PT_DOMAIN_SHUTOFF ? "does not run here" : "is paused here",
			 state == PT_DOMAIN_SHUTOFF, err);
}

int pt_vm_settle(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + SETTLE_MS;
	long long calm = pt_watch_now_ms();

	for (;;) {
		/* between two of its phases it looks as if nothing were going on: what is seen has to last a while */
		int r = look_here(conn, uuid, to->uri, err);
		long long now = pt_watch_now_ms();

		if (r == 2)
			calm = now;
		else if (r == 1 || (r < 0 && r != -EBUSY) || now >= calm + CALM_MS)
			return r;
		if (now >= end)
			return pt_say(err, -EBUSY, "libvirt is still at work on the VM after %d seconds",
				      SETTLE_MS / 1000);
		nap();
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
			name);
		return r;
	}
	if (state != PT_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_MIGRATION) {
		r = pt_say(err, -EBUSY, "%s is still active here, and not as a migration leaves it", name);
		pt_hint(err, "do not resume it; `virsh destroy %s` here ends what is left, then `passthru recover`",
			name);
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
		if (is_moving(dom))
			calm = now;
		else if (now >= calm + CALM_MS)
			return 0;
		if (now >= end)
			return pt_say(err, -EBUSY, "libvirt is still at work on the VM here after %d seconds",
				      SETTLE_MS / 1000);
		nap();
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

static int give(virDomainPtr dom, const char *element, struct pt_error *err)
{
	unsigned flags = VIR_DOMAIN_AFFECT_LIVE;

	if (virDomainIsPersistent(dom) == 1)
		flags |= VIR_DOMAIN_AFFECT_CONFIG;
	if (virDomainAttachDeviceFlags(dom, element, flags) < 0)
		return pt_vm_fail(err, "libvirt there does not give it the device");
	return 0;
}

/* the function that an element of its own names */
static int has_already(virDomainPtr dom, const char *element)
{
	pt_autofree char *whole = pt_strf("<domain><name>x</name><devices>%s</devices></domain>", element);
	pt_autofree char *xml = NULL;
	PT_AUTO(pt_domain) wanted = { 0 };
	PT_AUTO(pt_domain) live = { 0 };

	if (pt_domxml_read(whole, &wanted, NULL) < 0 || !wanted.hostdevs.n || pt_vm_live_xml(dom, &xml, NULL) < 0 ||
	    pt_domxml_read(xml, &live, NULL) < 0)
		return 0;
	return pt_domain_hostdev_by_bdf(&live, wanted.hostdevs.v[0].bdf) != NULL;
}

int pt_vm_arrive(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, const char *element,
		 struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *there = NULL;
	pt_autodomain virDomainPtr dom = NULL;
	int r;

	if (!element && !to->autostart)
		return 0;
	r = pt_vm_open(conn->root, to->uri, false, &there, err);
	if (r == 0)
		r = pt_vm_lookup(there, uuid, &dom, err);
	if (r < 0)
		return r;
	if (element)
		return has_already(dom, element) ? 0 : give(dom, element, err);
	if (virDomainSetAutostart(dom, 1) < 0)
		return pt_vm_fail(err, "cannot switch autostart on");
	return 0;
}
