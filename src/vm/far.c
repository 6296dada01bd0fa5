/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/far.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/watch.h"
#include "vm/conn.h"

#define SLICE_MS  200
#define ANSWER_MS 20000

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

/*
 * @refs: the thread's and ours: the last one frees
 * @thread: there is one, by @runs; ours to join or to leave alone
 * @root: a copy: the caller may be gone before the thread is.  Only hints are read from it
 * @r, @err: for the caller once @over is set; @begun: milliseconds of the clock
 */
struct pt_far {
	atomic_int refs;
	pthread_t thread;
	bool runs;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool over;
	struct pt_root root;
	char *uri;
	struct pt_far_talk talk;
	int r;
	struct pt_error err;
	long long begun;
};

static void far_unref(struct pt_far *far)
{
	if (atomic_fetch_sub(&far->refs, 1) != 1)
		return;
	if (far->talk.said && far->talk.done)
		far->talk.done(far->talk.said);
	(void)pthread_cond_destroy(&far->changed);
	(void)pthread_mutex_destroy(&far->mutex);
	free(far->uri);
	free(far);
}

static void finish(struct pt_far *far, int r, const struct pt_error *err)
{
	(void)pthread_mutex_lock(&far->mutex);
	far->r = r;
	far->err = *err;
	far->over = true;
	(void)pthread_cond_signal(&far->changed);
	(void)pthread_mutex_unlock(&far->mutex);
}

static void *talk(void *arg)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *there = NULL;
	struct pt_far *far = arg;
	struct pt_error err = { 0 };
	int r = pt_vm_open(&far->root, far->uri, false, &there, &err);

	if (r == 0)
		r = far->talk.talk(there, far->talk.said, &err);
	/* what is late ends here alone: its connection is closed before what it borrows goes */
	pt_vm_close(there);
	there = NULL;
	finish(far, r, &err);
	far_unref(far);
	return NULL;
}

struct pt_far *pt_far_begin(const struct pt_root *root, const struct pt_far_talk *what)
{
	struct pt_far *far = pt_alloc(sizeof(*far));
	pthread_condattr_t attr;
	int r;

	*far = (struct pt_far){ .root = *root, .uri = pt_strdup(what->uri), .talk = *what, .begun = pt_watch_now_ms() };
	far->talk.uri = far->uri;
	atomic_init(&far->refs, 2);
	(void)pthread_mutex_init(&far->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&far->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	/* not by two threads at once; where it is not there, the thread says so */
	(void)pt_libvirt_load(NULL);
	r = -pthread_create(&far->thread, NULL, talk, far);
	far->runs = r == 0;
	if (r < 0) {
		struct pt_error err = { 0 };

		(void)pt_fail(&err, r, "cannot talk with %s", far->uri);
		finish(far, r, &err);
		atomic_store(&far->refs, 1);
	}
	return far;
}

/* with the mutex held */
static void wait_a_little(struct pt_far *far)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += SLICE_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	(void)pthread_cond_timedwait(&far->changed, &far->mutex, &t);
}

/* 1: it is over; 0: it is late; -EINTR */
static int await(struct pt_far *far, unsigned limit_ms)
{
	long long end = pt_watch_now_ms() + limit_ms;
	int r = 0;

	(void)pthread_mutex_lock(&far->mutex);
	while (!far->over && r == 0 && pt_watch_now_ms() < end) {
		wait_a_little(far);
		if (!far->over && far->talk.poll && far->talk.poll(far->talk.poll_ctx) != 0)
			r = -EINTR;
	}
	r = far->over ? 1 : r;
	(void)pthread_mutex_unlock(&far->mutex);
	return r;
}

/*
 * One that has answered has nothing left to do, and is waited for: what the libraries keep for each thread is given
 * back while the program still runs.  One that is late is left alone.
 */
static void let_go(const struct pt_far *far, bool over)
{
	if (!far->runs)
		return;
	if (over)
		(void)pthread_join(far->thread, NULL);
	else
		(void)pthread_detach(far->thread);
}

static int conclude(struct pt_far *far, int waited, void **ret_said, struct pt_error *err)
{
	int r = far->r;

	if (waited == 0) {
		r = pt_say(err, -ETIMEDOUT, "libvirt at %s has not answered within %lld seconds", far->uri,
			   (pt_watch_now_ms() - far->begun) / 1000);
		pt_hint(err, "does that host run, and is its network well?  `virsh -c '%s' version` asks the same",
			far->uri);
	} else if (waited < 0) {
		r = pt_say(err, waited, "interrupted before libvirt at %s had answered", far->uri);
	} else if (r < 0) {
		if (err)
			*err = far->err;
	} else {
		if (ret_said)
			*ret_said = far->talk.said;
		if (ret_said)
			far->talk.said = NULL;
	}
	let_go(far, waited == 1);
	far_unref(far);
	return r;
}

int pt_far_end(struct pt_far *far, unsigned limit_ms, void **ret_said, struct pt_error *err)
{
	return conclude(far, await(far, limit_ms), ret_said, err);
}

int pt_far(const struct pt_root *root, const struct pt_far_talk *what, unsigned limit_ms, void **ret_said,
	   struct pt_error *err)
{
	return pt_far_end(pt_far_begin(root, what), limit_ms, ret_said, err);
}

static int is_there(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	unsigned long libvirt = 0;
	unsigned long qemu = 0;

	(void)said;
	return pt_vm_numbers(there, &libvirt, &qemu, err);
}

int pt_far_long(const struct pt_root *root, const struct pt_far_talk *what, unsigned limit_ms, unsigned most_ms,
		void **ret_said, struct pt_error *err)
{
	struct pt_far *far = pt_far_begin(root, what);
	const struct pt_far_talk ask = { .uri = what->uri, .talk = is_there };
	unsigned spent = 0;
	int waited;

	do {
		unsigned now = limit_ms < most_ms - spent ? limit_ms : most_ms - spent;

		waited = await(far, now);
		spent += now;
	} while (waited == 0 && spent < most_ms && pt_far(root, &ask, ANSWER_MS, NULL, NULL) == 0);
	return conclude(far, waited, ret_said, err);
}
