/* SPDX-License-Identifier: Apache-2.0 */
/* The message a user sees when something is refused or fails.  Does not print, does not exit. */
#ifndef PT_BASE_ERROR_H
#define PT_BASE_ERROR_H

#include <stdbool.h>

/* What a message means for the exit status and the HTTP status. */
enum pt_error_kind {
	PT_ERROR_FAILED = 0,  /* something did not work; the system is as it was */
	PT_ERROR_USAGE,	      /* the request itself is wrong: no such device, a malformed address, a typo */
	PT_ERROR_REFUSED,     /* a check says no */
	PT_ERROR_INTERRUPTED, /* cut off half-way: `passthru recover` goes on */
};

/**
 * struct pt_error - one failure, told to a person
 * @code: the negative errno that the failing function returned
 * @kind: see enum pt_error_kind
 * @msg: one sentence that names the object, what was found and where; cut at the end of the buffer
 * @hint: what to do about it, or empty
 * @refusal: the name of the check that says no (model/refusal.h), of every PT_ERROR_REFUSED; also of a failure where a
 *           check made in the middle of a change says no.  Empty for all others
 * @forceable: --force-NAME passes it over
 *
 * Lives on the caller's stack, initialised with {0}; owns nothing.
 */
struct pt_error {
	int code;
	enum pt_error_kind kind;
	char msg[2048];
	char hint[1024];
	char refusal[64];
	bool forceable;
};

/**
 * pt_fail() - fill in a failure and append the errno's text
 * @err: NULL when nobody wants the message
 * @code: negative errno; returned as it is, so that `return pt_fail(err, r, ...)` reads well
 *
 * The message becomes "FORMATTED: strerror(-code)".  pt_wrap() keeps an existing message instead.
 */
int pt_fail(struct pt_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** pt_say() - like pt_fail(), but the message is complete as it stands: no errno text is added */
int pt_say(struct pt_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** pt_usage() - the request is wrong (PT_ERROR_USAGE); complete message; returns -EINVAL unless @code says else */
int pt_usage(struct pt_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** pt_refuse() - the check @name says no (PT_ERROR_REFUSED), and cannot be forced; returns -EPERM */
int pt_refuse(struct pt_error *err, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** pt_refused_by() - the message that is there is the no of the check @name; @forceable: --force-NAME passes it over */
void pt_refused_by(struct pt_error *err, const char *name, bool forceable);

/** pt_wrap() - put context in front of a message that is already there: "FORMATTED: old message"; returns err->code */
int pt_wrap(struct pt_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** pt_hint() - set what the user can do about it */
void pt_hint(struct pt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
