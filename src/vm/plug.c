/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running VM gets a device, or loses one.  The first is QEMU's to do; the second is the guest's, which is asked and
 * may take its time, say no, or never answer.  What it did is seen in what the VM runs with; libvirt's events tell it
 * sooner, and are the only way to hear a no.
 */
#include <time.h>

#include "base/watch.h"
#include "domxml/domxml.h"
#include "vm/conn.h"

/* a guest that is still booting, or busy with its bus, may not have heard the first request */
#define ASK_AGAIN_MS 15000
#define LOOK_MS	     200

int pt_vm_live_xml(virDomainPtr dom, char **ret_xml, struct pt_error *err)
{
	const char *name = virDomainGetName(dom);
	char *xml;

	if (virDomainIsActive(dom) == 0)
		return pt_say(err, -ESHUTDOWN, "%s does not run", name);
	xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE);
	if (!xml)
		return pt_vm_fail(err, "cannot read what %s runs with", name);
	*ret_xml = xml;
	return 0;
}

/* a monitor that is waited for, or a job that takes long; one that is broken is waited for in vain */
int pt_vm_busy(virDomainPtr dom, struct pt_error *err)
{
	virDomainControlInfo info = { 0 };

	if (virDomainGetControlInfo(dom, &info, 0) < 0)
		return pt_vm_fail(err, "cannot ask whether libvirt is at work on %s", virDomainGetName(dom));
	return info.state == VIR_DOMAIN_CONTROL_JOB || info.state == VIR_DOMAIN_CONTROL_OCCUPIED;
}

int pt_vm_plug(virDomainPtr dom, const char *element, struct pt_error *err)
{
	if (virDomainAttachDeviceFlags(dom, element, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return pt_vm_fail(err, "%s does not take the device while it runs", virDomainGetName(dom));
	return 0;
}

/* the device's name in the running VM: 1, or 0 when the VM does not have it (any more), or does not run */
static int find_alias(virDomainPtr dom, struct pt_bdf bdf, char **ret_alias, struct pt_error *err)
{
	pt_autofree char *xml = NULL;
	PT_AUTO(pt_domain) d = { 0 };
	const struct pt_domain_hostdev *h;
	int r = pt_vm_live_xml(dom, &xml, err);

	if (r >= 0)
		r = pt_domxml_read(xml, &d, err);
	if (r < 0)
		return r == -ESHUTDOWN ? 0 : r;
	h = pt_domain_hostdev_by_bdf(&d, bdf);
	if (!h)
		return 0;
	if (!h->alias)
		return pt_say(err, -EIO, "libvirt has no name for %s in %s", pt_bdf_str(bdf).s, d.name);
	pt_strset(ret_alias, h->alias);
	return 1;
}

/* what the events said; @failed counts too where nobody listens: it is never set then */
struct answer {
	const char *alias;
	bool removed;
	bool failed;
};

static void on_removed(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
	struct answer *a = opaque;

	(void)conn;
	(void)dom;
	a->removed = a->removed || pt_streq(alias, a->alias);
}

static void on_removal_failed(virConnectPtr conn, virDomainPtr dom, const char *alias, void *opaque)
{
	struct answer *a = opaque;

	(void)conn;
	(void)dom;
	a->failed = a->failed || pt_streq(alias, a->alias);
}

/*
 * Events come through a loop that must be there before the connection that they come through; so that connection is one
 * of its own, and this wait turns the loop.  Where there is none, looking is enough.
 */
struct listener {
	virConnectPtr conn;
	virDomainPtr dom;
	int ids[2];
	int timer;
};

static void on_timer(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void listener_open(const struct pt_vm_conn *conn, virDomainPtr dom, struct answer *answer, struct listener *l)
{
	*l = (struct listener){ .ids = { -1, -1 }, .timer = -1 };
	if (virEventRegisterDefaultImpl() < 0)
		return;
	l->conn = virConnectOpen(conn->uri);
	if (l->conn)
		l->dom = virDomainLookupByName(l->conn, virDomainGetName(dom));
	if (!l->dom)
		return;
	l->ids[0] = virConnectDomainEventRegisterAny(l->conn, l->dom, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
						     VIR_DOMAIN_EVENT_CALLBACK(on_removed), answer, NULL);
	l->ids[1] = virConnectDomainEventRegisterAny(l->conn, l->dom, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
						     VIR_DOMAIN_EVENT_CALLBACK(on_removal_failed), answer, NULL);
	/* what wakes the loop where nothing happens */
	l->timer = virEventAddTimeout(LOOK_MS, on_timer, NULL, NULL);
}

static void listener_done(struct listener *l)
{
	/* all of it goes with the connection; there is nothing to do about an error */
	if (l->timer >= 0)
		(void)virEventRemoveTimeout(l->timer);
	for (int i = 0; i < 2; i++)
		if (l->ids[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(l->conn, l->ids[i]);
	if (l->dom)
		(void)virDomainFree(l->dom);
	if (l->conn)
		(void)virConnectClose(l->conn);
}

/* a fifth of a second at most */
static void listen(const struct listener *l)
{
	struct timespec t = { .tv_nsec = LOOK_MS * 1000000L };

	/* a loop that fails, and a pause that a signal cuts short: whoever waits looks at the clock and at the VM */
	if (l->timer < 0 || virEventRunDefaultImpl() < 0)
		(void)nanosleep(&t, NULL);
}

static int ask(virDomainPtr dom, const char *alias, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r;

	if (virDomainDetachDeviceAlias(dom, alias, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	r = pt_vm_fail(&why, "cannot ask the guest of %s to let go of %s", virDomainGetName(dom), alias);
	/* QEMU's words for an earlier request that stands: it may be answered yet */
	if (strstr(why.msg, "in the process of unplug"))
		return 0;
	if (err)
		*err = why;
	return r;
}

static int no_answer(virDomainPtr dom, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	int r = pt_say(err, -ETIMEDOUT, "the guest of %s did not let go of %s within %u seconds of being asked",
		       virDomainGetName(dom), pt_bdf_str(bdf).s, timeout_ms / 1000);

	pt_refused_by(err, "guest-keeps-it", false);
	pt_hint(err, "see in the guest what uses it, give it longer, or leave --live out: the VM is then shut down");
	return r;
}

static int refused(virDomainPtr dom, struct pt_bdf bdf, struct pt_error *err)
{
	int r = pt_say(err, -EBUSY, "the guest of %s refuses to let go of %s", virDomainGetName(dom),
		       pt_bdf_str(bdf).s);

	pt_refused_by(err, "guest-keeps-it", false);
	pt_hint(err, "see in the guest what uses it, or leave --live out: the VM is then shut down");
	return r;
}

static int wait_gone(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_bdf bdf, unsigned timeout_ms,
		     const struct listener *l, struct answer *answer, struct pt_error *err)
{
	long long end = pt_watch_now_ms() + timeout_ms;
	long long ask_at = pt_watch_now_ms() + ASK_AGAIN_MS;

	for (;;) {
		pt_autofree char *alias = NULL;
		int r = find_alias(dom, bdf, &alias, err);

		if (r <= 0)
			return r;
		if (answer->failed)
			return refused(dom, bdf, err);
		if (conn->poll && conn->poll(conn->poll_ctx) != 0)
			return pt_say(err, -EINTR, "interrupted while waiting");
		if (pt_watch_now_ms() >= end)
			return no_answer(dom, bdf, timeout_ms, err);
		if (pt_watch_now_ms() >= ask_at) {
			/* QEMU may say that the first request stands: then it does */
			(void)ask(dom, alias, NULL);
			ask_at = pt_watch_now_ms() + ASK_AGAIN_MS;
		}
		listen(l);
	}
}

/* libvirt said no: the guest has heard nothing.  But a request may have gone out before the connection broke. */
static int not_asked(const struct pt_vm_conn *conn, int r, struct pt_error *err)
{
	if (virConnectIsAlive(conn->conn) != 1)
		r = -ETIMEDOUT;
	else if (r == -ETIMEDOUT || r == -EBUSY || r == -EINTR)
		r = -EIO;
	if (err)
		err->code = r;
	return r;
}

int pt_vm_unplug(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_bdf bdf, unsigned timeout_ms,
		 struct pt_error *err)
{
	pt_autofree char *alias = NULL;
	struct answer answer = { 0 };
	PT_AUTO(listener) l = { 0 };
	int r = find_alias(dom, bdf, &alias, err);

	if (r <= 0)
		return r;
	answer.alias = alias;
	listener_open(conn, dom, &answer, &l);
	r = ask(dom, alias, err);
	if (r < 0)
		return not_asked(conn, r, err);
	return wait_gone(conn, dom, bdf, timeout_ms, &l, &answer, err);
}
