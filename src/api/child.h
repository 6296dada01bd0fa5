/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `passthru` run for an answer, with a limit.  Looking at a host can hang in the kernel and wait for libvirt; a program
 * that does it can be left behind, a thread cannot.  Its words are the CLI's by construction.  Private to api/.
 */
#ifndef PT_API_CHILD_H
#define PT_API_CHILD_H

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"

#define PT_CHILD_MS  30000
#define PT_CHILD_MAX ((size_t)32 << 20)

/**
 * pt_child_run() - run it to its end
 * @argv: ends in NULL; nothing is looked up in PATH, and there is no shell
 * @stop: becomes true when nobody waits any more
 * @ret_out: what it wrote to standard output
 *
 * Return: its exit status; -ETIMEDOUT it was ended after @timeout_ms, -EFBIG it wrote more than PT_CHILD_MAX, -EIO it
 * died, -ESHUTDOWN @stop, else why it could not be started.
 */
int pt_child_run(const char *const *argv, int timeout_ms, const atomic_bool *stop, struct pt_buf *ret_out,
		 struct pt_error *err);

#endif
