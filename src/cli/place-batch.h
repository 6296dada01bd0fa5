/* SPDX-License-Identifier: Apache-2.0 */
/* One question in, one answer out, as JSON: `passthru place --batch` and `passthru providers --batch`, line by line. */
#ifndef PT_CLI_PLACE_BATCH_H
#define PT_CLI_PLACE_BATCH_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "decide/place.h"

/** pt_batch_place() - the answer to one line, without a newline; always one; the caller frees */
char *pt_batch_place(const char *line, size_t size, struct pt_place_options options);

/** pt_batch_providers() - the same for providers */
char *pt_batch_providers(const char *line, size_t size, struct pt_place_options options);

/* a longer line is answered with an error */
#define PT_BATCH_LINE_MAX ((size_t)1 << 30)

/**
 * pt_batch_run() - answer each line that descriptor @in has, on @out, in order; an empty one is no question, and told
 * so
 *
 * Return: 0, or -EIO with a message when @in or @out fails.
 */
int pt_batch_run(int in, FILE *out, char *(*answer)(const char *, size_t, struct pt_place_options),
		 struct pt_place_options options, struct pt_error *err);

#endif
