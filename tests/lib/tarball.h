/* SPDX-License-Identifier: Apache-2.0 */
/* Tars as nobody should make them, entry by entry (POSIX.1-1988 ustar).  For tests only. */
#ifndef PT_TESTS_TARBALL_H
#define PT_TESTS_TARBALL_H

#include "base/alloc.h"

/* @type: '0' file, '1' hard link, '2' link, '3' device, '5' directory, '6' pipe; @target: of a link, or NULL */
void tarball_add(struct pt_buf *tar, const char *name, char type, const char *target, const char *data);
/* the two empty blocks at the end */
void tarball_end(struct pt_buf *tar);

#endif
