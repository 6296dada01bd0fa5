/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as in RFC 4648, section 4. */
#ifndef PT_BASE_BASE64_H
#define PT_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"

/** pt_base64_encode() - with padding; the caller frees */
char *pt_base64_encode(const void *data, size_t size);

/** pt_base64_append() - decode @text behind what @out has, NULs as they are; false for what is no base64 */
bool pt_base64_append(struct pt_buf *out, const char *text);

#endif
