/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership in the type system's place: locals that free themselves.  No code, no project types. */
#ifndef PT_BASE_CLEANUP_H
#define PT_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A destructor takes the pointer itself; these adapt it to __attribute__((cleanup)), which passes &local.  What it
 * returns is dropped: at the end of a block nobody can act on it.  A file that was written is closed by hand.
 */
#define PT_DEFINE_CLEANUP(type, func)                                                                                  \
	static inline void func##p(__typeof__(type) *p)                                                                \
	{                                                                                                              \
		if (*p)                                                                                                \
			(void)func(*p);                                                                                \
	}

#define PT_CLEANUP(func) __attribute__((cleanup(func)))

static inline void pt_freep(void *p)
{
	free(*(void **)p);
}

static inline void pt_closep(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		/* close() of a descriptor that was only read or whose write was checked has nothing to report */
		(void)close(*fd);
		errno = saved;
	}
}

PT_DEFINE_CLEANUP(FILE *, fclose)
PT_DEFINE_CLEANUP(DIR *, closedir)

/* char, struct or array from malloc(): freed at the end of the block */
#define pt_autofree PT_CLEANUP(pt_freep)
/* int descriptor: closed at the end of the block when >= 0; initialise with -EBADF */
#define pt_autoclose	PT_CLEANUP(pt_closep)
#define pt_autofclose	PT_CLEANUP(fclosep)
#define pt_autoclosedir PT_CLEANUP(closedirp)

/* PT_AUTO(pt_foo) struct pt_foo x = {0};  calls pt_foo_done(&x) at the end of the block */
#define PT_AUTO(noun) PT_CLEANUP(noun##_done) struct noun

/* give ownership away: yields the value and clears the variable, so that its cleanup does nothing */
#define pt_take_ptr(p)                                                                                                 \
	({                                                                                                             \
		__typeof__(p) pt_taken_ = (p);                                                                         \
		(p) = NULL;                                                                                            \
		pt_taken_;                                                                                             \
	})

/* the same for a struct that owns things: yields it and leaves a zeroed one, whose cleanup does nothing */
#define pt_take(s)                                                                                                     \
	({                                                                                                             \
		__typeof__(s) *pt_from_ = &(s);                                                                        \
		__typeof__(s) pt_taken_ = *pt_from_;                                                                   \
		*pt_from_ = (__typeof__(s)){ 0 };                                                                      \
		pt_taken_;                                                                                             \
	})

#define pt_take_fd(fd)                                                                                                 \
	({                                                                                                             \
		int pt_taken_ = (fd);                                                                                  \
		(fd) = -EBADF;                                                                                         \
		pt_taken_;                                                                                             \
	})

#endif
