/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a VM, seeing that it stays up, and shutting it down: the operations that take time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/text.h"
#include "base/watch.h"
#include "vm/conn.h"

/* a guest that is still booting ignores the first request, so it is asked again */
#define ASK_AGAIN_MS 15000
#define LOOK_MS	     200

static void wait_a_little(void)
{
	struct timespec t = { .tv_nsec = LOOK_MS * 1000000L };

	/* a signal may cut it short: whoever waits looks at the clock */
	(void)nanosleep(&t, NULL);
}

int pt_vm_state_of(virDomainPtr dom, enum pt_domain_state *ret_state, int *ret_reason, struct pt_error *err)
{
	int state = 0;
	int reason = 0;

	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return pt_vm_fail(err, "cannot ask libvirt for the state of %s", virDomainGetName(dom));
	switch (state) {
	case VIR_DOMAIN_SHUTOFF:
		*ret_state = PT_DOMAIN_SHUTOFF;
		break;
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
		*ret_state = PT_DOMAIN_RUNNING;
		break;
	case VIR_DOMAIN_PAUSED:
		*ret_state = PT_DOMAIN_PAUSED;
		break;
	default:
		*ret_state = PT_DOMAIN_OTHER;
	}
	if (ret_reason)
		*ret_reason = reason;
	return 0;
}

int pt_vm_start(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_error *err)
{
	const char *name = virDomainGetName(dom);
	enum pt_domain_state state;
	int r = pt_vm_state_of(dom, &state, NULL, err);

	if (r < 0)
		return r;
	if (state == PT_DOMAIN_RUNNING)
		return 0;
	/* a start would wake the saved guest with the devices it had then */
	if (virDomainHasManagedSaveImage(dom, 0) == 1) {
		r = pt_refuse(err, "managed-save",
			      "%s has a managed save image; a start would wake it with the devices it had then", name);
		pt_hint(err, "wake it and shut it down, or drop the image: `virsh managedsave-remove %s`",
			pt_shell(name).s);
		return r;
	}
	if (virDomainCreateWithFlags(dom, 0) < 0)
		return pt_vm_fail(err, "%s does not start", name);
	return 0;
}

static const char *reason_off(int reason)
{
	switch (reason) {
	case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
		return "it shut itself down";
	case VIR_DOMAIN_SHUTOFF_DESTROYED:
		return "it was forced off";
	case VIR_DOMAIN_SHUTOFF_CRASHED:
		return "it crashed";
	case VIR_DOMAIN_SHUTOFF_FAILED:
		return "it failed to start";
	case VIR_DOMAIN_SHUTOFF_DAEMON:
		return "libvirt ended it";
	default:
		return "it is shut off";
	}
}

/* by the guest or by somebody; of one that ended before libvirt was restarted nothing is known */
static bool was_wanted(int reason)
{
	return reason != VIR_DOMAIN_SHUTOFF_UNKNOWN && reason != VIR_DOMAIN_SHUTOFF_CRASHED &&
	       reason != VIR_DOMAIN_SHUTOFF_FAILED;
}

int pt_vm_alive(struct pt_vm_conn *conn, virDomainPtr dom, struct pt_error *err)
{
	const char *name = virDomainGetName(dom);
	pt_autofree char *tail = NULL;
	enum pt_domain_state state;
	int reason = 0;
	int r = pt_vm_state_of(dom, &state, &reason, err);

	if (r < 0)
		return r;
	if (state == PT_DOMAIN_RUNNING || (state == PT_DOMAIN_PAUSED && reason != VIR_DOMAIN_PAUSED_CRASHED))
		return 1;
	tail = pt_vm_log_tail(conn->root, name);
	(void)pt_say(err, state == PT_DOMAIN_SHUTOFF && was_wanted(reason) ? -ECANCELED : -EIO,
		     "%s does not run: %s%s%s", name,
		     state == PT_DOMAIN_SHUTOFF ? reason_off(reason) : "its guest crashed",
		     tail ? "; QEMU's log says: " : "", tail ? tail : "");
	return 0;
}

static int polled(struct pt_vm_conn *conn, struct pt_error *err)
{
	if (!conn->poll || conn->poll(conn->poll_ctx) == 0)
		return 0;
	return pt_say(err, -EINTR, "interrupted while waiting");
}

static int force_off(virDomainPtr dom, struct pt_error *err)
{
	enum pt_domain_state state;
	int r;

	/* first with SIGTERM, so that QEMU writes out its caches; what does not answer that is killed */
	if (virDomainDestroyFlags(dom, VIR_DOMAIN_DESTROY_GRACEFUL) == 0 || virDomainDestroyFlags(dom, 0) == 0)
		return 0;
	r = pt_vm_fail(err, "cannot force %s off", virDomainGetName(dom));
	if (pt_vm_state_of(dom, &state, NULL, NULL) == 0 && state == PT_DOMAIN_SHUTOFF)
		return 0;
	return r;
}

/*
 * libvirt returns from a shutdown by agent when the guest is off, or after a minute, or after half a minute when
 * another call to the agent hangs.  So that the caller's limit and its Ctrl-C count meanwhile, a thread makes that
 * call.  It is never waited for: what it brings about is seen in the VM's state.
 */
struct agent_call {
	atomic_int refs; /* the thread's and ours */
	atomic_bool failed;
	virDomainPtr dom;
};

static void agent_call_free(struct agent_call *call)
{
	/* only drops a reference; there is nothing to do about an error */
	(void)virDomainFree(call->dom);
	free(call);
}

static void agent_call_unref(struct agent_call *call)
{
	if (call && atomic_fetch_sub(&call->refs, 1) == 1)
		agent_call_free(call);
}

PT_DEFINE_CLEANUP(struct agent_call *, agent_call_unref)

static void *agent_thread(void *arg)
{
	struct agent_call *call = arg;

	if (virDomainShutdownFlags(call->dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) < 0)
		atomic_store(&call->failed, true);
	agent_call_unref(call);
	return NULL;
}

static bool agent_connected(virDomainPtr dom)
{
	pt_autofree char *xml = virDomainGetXMLDesc(dom, 0);
	const char *channel = xml ? strstr(xml, "name='org.qemu.guest_agent.0'") : NULL;

	/* <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/> */
	return channel && pt_startswith(channel + strlen("name='org.qemu.guest_agent.0'"), " state='connected'");
}

/* NULL when there is no agent to ask */
static struct agent_call *ask_agent(virDomainPtr dom)
{
	struct agent_call *call;
	pthread_t thread;

	if (!agent_connected(dom) || virDomainRef(dom) < 0)
		return NULL;
	call = pt_alloc(sizeof(*call));
	call->dom = dom;
	atomic_init(&call->refs, 2);
	atomic_init(&call->failed, false);
	if (pthread_create(&thread, NULL, agent_thread, call) != 0) {
		/* there is no thread: both references are ours */
		agent_call_free(call);
		return NULL;
	}
	(void)pthread_detach(thread);
	return call;
}

static int ask_acpi(virDomainPtr dom, struct pt_error *err)
{
	/* the power button; or what else a hypervisor has that knows none */
	if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) == 0 || virDomainShutdown(dom) == 0)
		return 0;
	return pt_vm_fail(err, "cannot shut down %s", virDomainGetName(dom));
}

static int too_slow(virDomainPtr dom, unsigned timeout_ms, struct pt_error *err)
{
	int r = pt_say(err, -ETIMEDOUT, "%s did not shut down within %u seconds of being asked", virDomainGetName(dom),
		       timeout_ms / 1000);

	pt_hint(err, "shut it down from inside and try again, give it longer, or force it off");
	return r;
}

/* is it off?  1, 0 or a negative errno */
static int is_off(virDomainPtr dom, struct pt_error *err)
{
	enum pt_domain_state state;
	int r = pt_vm_state_of(dom, &state, NULL, err);

	return r < 0 ? r : state == PT_DOMAIN_SHUTOFF;
}

/* the agent first; the power button when there is none, as soon as it fails, and again and again after that */
static int shut_down(struct pt_vm_conn *conn, virDomainPtr dom, unsigned timeout_ms, struct pt_error *err)
{
	PT_CLEANUP(agent_call_unrefp) struct agent_call *call = ask_agent(dom);
	long long end = pt_watch_now_ms() + timeout_ms;
	long long ask_at = call ? pt_watch_now_ms() + ASK_AGAIN_MS : 0;
	bool asked = call != NULL;

	for (;;) {
		int r = is_off(dom, err);

		if (r != 0)
			return r < 0 ? r : 0;
		if (pt_watch_now_ms() >= ask_at || (call && atomic_exchange(&call->failed, false))) {
			r = ask_acpi(dom, err);
			/* a guest that goes down already may refuse a further request; its state tells */
			if (r < 0 && !asked && is_off(dom, NULL) != 1)
				return r;
			asked = true;
			ask_at = pt_watch_now_ms() + ASK_AGAIN_MS;
		}
		r = polled(conn, err);
		if (r < 0)
			return r;
		if (pt_watch_now_ms() >= end)
			return too_slow(dom, timeout_ms, err);
		wait_a_little();
	}
}

/*
 * libvirt goes on with a start when the one who asked for it is dead; until QEMU runs it calls the VM paused.  Whoever
 * takes such a start back waits for its end first.
 */
static int wait_started(struct pt_vm_conn *conn, virDomainPtr dom, unsigned timeout_ms, enum pt_domain_state *ret_state,
			struct pt_error *err)
{
	long long end = pt_watch_now_ms() + timeout_ms;

	for (;;) {
		int reason = 0;
		int r = pt_vm_state_of(dom, ret_state, &reason, err);

		if (r < 0 || *ret_state != PT_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_STARTING_UP ||
		    pt_watch_now_ms() >= end)
			return r;
		r = polled(conn, err);
		if (r < 0)
			return r;
		wait_a_little();
	}
}

int pt_vm_stop(struct pt_vm_conn *conn, virDomainPtr dom, unsigned timeout_ms, bool force, struct pt_error *err)
{
	enum pt_domain_state state;
	int r = wait_started(conn, dom, timeout_ms, &state, err);

	if (r < 0 || state == PT_DOMAIN_SHUTOFF)
		return r;
	if (force)
		return force_off(dom, err);
	if (state == PT_DOMAIN_PAUSED) {
		r = pt_say(err, -ETIMEDOUT, "%s is paused, so it cannot shut down", virDomainGetName(dom));
		pt_hint(err, "`virsh resume %s` first, or force it off", pt_shell(virDomainGetName(dom)).s);
		return r;
	}
	return shut_down(conn, dom, timeout_ms, err);
}
