/* SPDX-License-Identifier: Apache-2.0 */
/* Does a document have the form that docs/openapi.json says?  The part of JSON Schema that is used there. */
#ifndef PT_TESTS_SCHEMA_H
#define PT_TESTS_SCHEMA_H

#include <jansson.h>

/** schema_check() - NULL, or what is wrong and where; the caller frees */
char *schema_check(const json_t *openapi, const json_t *schema, json_t *document);

#endif
