/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* snprintf() that ends a message which does not fit in "..." instead of in the middle of a word */
static void __attribute__((format(printf, 3, 0))) put(char *buf, size_t size, const char *format, va_list ap)
{
	int n = vsnprintf(buf, size, format, ap);

	if (n < 0)
		buf[0] = '\0';
	else if ((size_t)n >= size)
		memcpy(buf + size - 4, "...", 4);
}

static void append_errno(struct pt_error *err)
{
	char text[128];
	size_t used = strlen(err->msg);

	(void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror_r(-err->code, text, sizeof(text)));
}

static void __attribute__((format(printf, 4, 0)))
set(struct pt_error *err, int code, enum pt_error_kind kind, const char *format, va_list ap)
{
	err->code = code;
	err->kind = kind;
	err->hint[0] = '\0';
	err->refusal[0] = '\0';
	err->forceable = false;
	put(err->msg, sizeof(err->msg), format, ap);
}

int pt_fail(struct pt_error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, format);
	set(err, code, PT_ERROR_FAILED, format, ap);
	va_end(ap);
	append_errno(err);
	return code;
}

int pt_say(struct pt_error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, format);
	set(err, code, PT_ERROR_FAILED, format, ap);
	va_end(ap);
	return code;
}

int pt_usage(struct pt_error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, format);
	set(err, code, PT_ERROR_USAGE, format, ap);
	va_end(ap);
	return code;
}

void pt_refused_by(struct pt_error *err, const char *name, bool forceable)
{
	if (!err)
		return;
	(void)snprintf(err->refusal, sizeof(err->refusal), "%s", name ? name : "");
	err->forceable = forceable;
}

int pt_refuse(struct pt_error *err, const char *name, const char *format, ...)
{
	va_list ap;

	if (!err)
		return -EPERM;
	va_start(ap, format);
	set(err, -EPERM, PT_ERROR_REFUSED, format, ap);
	va_end(ap);
	pt_refused_by(err, name, false);
	return -EPERM;
}

int pt_wrap(struct pt_error *err, int code, const char *format, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;
	size_t used;

	if (!err)
		return code;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, format);
	put(err->msg, sizeof(err->msg), format, ap);
	va_end(ap);
	used = strlen(err->msg);
	if (old[0])
		(void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", old);
	err->code = code;
	return code;
}

void pt_hint(struct pt_error *err, const char *format, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, format);
	put(err->hint, sizeof(err->hint), format, ap);
	va_end(ap);
}
