/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stop watch that tells our own time from the time in which somebody else was waited for.  Exactly one kind runs at
 * any moment, so the kinds add up to the whole.  For one thread; measures, and changes nothing.
 */
#ifndef PT_BASE_WATCH_H
#define PT_BASE_WATCH_H

#include <stdbool.h>

enum pt_watch_kind {
	PT_WATCH_OWN,	  /* our own code: what is nobody else's */
	PT_WATCH_LIBVIRT, /* libvirt, and through it QEMU and the guest */
	PT_WATCH_KERNEL,  /* drivers that let go and probe, modules that load, disks that come back */
	PT_WATCH_DISK,	  /* the journal and our files on their way to the disk */
	PT_WATCH_OTHERS,  /* another change that is under way, and the person who is asked */
	PT_WATCH_KINDS
};

/**
 * struct pt_watch
 * @spent_us: of each kind, up to @since
 * A zeroed one stands still: everything is allowed and nothing counted.
 */
struct pt_watch {
	bool runs;
	enum pt_watch_kind kind;
	long long since;
	long long spent_us[PT_WATCH_KINDS];
};

/** pt_watch_now_ms() - milliseconds of the clock that nobody sets; for limits, and comparable within this process only */
long long pt_watch_now_ms(void);

/* begins with our own time */
void pt_watch_start(struct pt_watch *watch);

/** pt_watch_turn() - from now on @kind; returns the kind until now, to turn back to.  @watch may be NULL */
enum pt_watch_kind pt_watch_turn(struct pt_watch *watch, enum pt_watch_kind kind);

/* how much of @kind until now */
double pt_watch_ms(const struct pt_watch *watch, enum pt_watch_kind kind);

/* the value of @call, with @kind running meanwhile */
#define PT_WATCHED(watch, kind, call)                                                                                  \
	({                                                                                                             \
		enum pt_watch_kind pt_before_ = pt_watch_turn(watch, kind);                                            \
		__typeof__(call) pt_value_ = (call);                                                                   \
		(void)pt_watch_turn(watch, pt_before_);                                                                \
		pt_value_;                                                                                             \
	})

const char *pt_watch_kind_str(enum pt_watch_kind kind); /* "own", "libvirt", …: as in JSON, before "_ms" */

#endif
