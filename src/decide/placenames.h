/* SPDX-License-Identifier: Apache-2.0 */
/* Names that Placement accepts: resource classes and traits made from what an operator wrote. */
#ifndef PT_DECIDE_PLACENAMES_H
#define PT_DECIDE_PLACENAMES_H

#include <stdint.h>

#include "base/alloc.h"

/** pt_resource_class() - from a tag, or NULL for the one made of the ids; the caller frees */
char *pt_resource_class(const char *tag, uint16_t vendor, uint16_t product);

/** pt_traits_read() - a comma list, normalised, sorted, each once; NULL and "" are none */
void pt_traits_read(const char *list, struct pt_strv *ret_traits);

/* sorted lists of what is standard: traits and resource classes as OpenStack publishes them */
extern const char *const pt_standard_traits[];
extern const unsigned pt_standard_traits_n;
extern const char *const pt_standard_classes[];
extern const unsigned pt_standard_classes_n;

#endif
