/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running VM moves to another host, its definition too.  Peer to peer: the daemon here talks to the daemon there, so
 * that our death leaves no half behind that nobody looks after.  Never post-copy: a guest that is on both sides when
 * the cable breaks is lost.
 */
#include <errno.h>
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
#include "vm/far.h"

#define LOOK_MS 200
#define TELL_MS 1000
/* a device of a guest whose memory is pinned for it takes its time */
#define GIVE_MS	     60000
#define GIVE_MOST_MS 900000

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
	r = virDomainIsPersistent(dom);
	if (r < 0)
		return pt_vm_fail(err, "cannot ask libvirt whether %s is defined", virDomainGetName(dom));
	if (r)
		m.flags |= VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
	m.flags |= (to->tls ? VIR_MIGRATE_TLS : 0U) | (to->converge ? VIR_MIGRATE_AUTO_CONVERGE : 0U);
	if (to->bandwidth_mib &&
	    virTypedParamsAddULLong(&m.params, &m.n_params, &room, VIR_MIGRATE_PARAM_BANDWIDTH, to->bandwidth_mib) < 0)
		return pt_vm_fail(err, "cannot limit the bandwidth");
	if (to->data_uri &&
	    virTypedParamsAddString(&m.params, &m.n_params, &room, VIR_MIGRATE_PARAM_URI, to->data_uri) < 0) {
		r = pt_vm_fail(err, "cannot say where the memory goes");
		virTypedParamsFree(m.params, m.n_params);
		return r;
	}
	r = start_moving(&m, conn, timeout_ms, &why, err);
	virTypedParamsFree(m.params, m.n_params);
	return r < 0 ? r : outcome(&m, why, timeout_ms, err);
}

static int give(virDomainPtr dom, const char *element, struct pt_error *err)
{
	unsigned flags = VIR_DOMAIN_AFFECT_LIVE;
	int persistent = virDomainIsPersistent(dom);

	if (persistent < 0)
		return pt_vm_fail(err, "cannot ask libvirt there whether it is defined");
	if (persistent)
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

/* @element: NULL: autostart */
struct gift {
	char *uuid;
	char *element;
};

static void gift_done(void *said)
{
	struct gift *g = said;

	free(g->uuid);
	free(g->element);
	free(g);
}

static int bring(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	const struct gift *g = said;
	int r = pt_vm_lookup(there, g->uuid, &dom, err);

	if (r < 0)
		return r;
	if (g->element)
		return has_already(dom, g->element) ? 0 : give(dom, g->element, err);
	if (virDomainSetAutostart(dom, 1) < 0)
		return pt_vm_fail(err, "cannot switch autostart on");
	return 0;
}

int pt_vm_arrive(struct pt_vm_conn *conn, const char *uuid, const struct pt_migrate_to *to, const char *element,
		 struct pt_error *err)
{
	struct pt_far_talk talk = { .uri = to->uri, .talk = bring, .done = gift_done };
	struct gift *g;

	if (!element && !to->autostart)
		return 0;
	g = pt_alloc(sizeof(*g));
	*g = (struct gift){ .uuid = pt_strdup(uuid), .element = pt_strdup_opt(element) };
	talk.said = g;
	talk.poll = conn->poll;
	talk.poll_ctx = conn->poll_ctx;
	return pt_far_long(conn->root, &talk, GIVE_MS, GIVE_MOST_MS, NULL, err);
}
