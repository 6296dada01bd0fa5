/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.json, compiled in (tools/embed).  Private to api/. */
#ifndef PT_API_OPENAPI_H
#define PT_API_OPENAPI_H

#include <stddef.h>

extern const char pt_openapi[];
extern const size_t pt_openapi_size;

#endif
