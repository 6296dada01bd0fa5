/* SPDX-License-Identifier: Apache-2.0 */
/* The domain definitions in tests/data/domains. */
#ifndef PT_TESTS_DOMAINS_H
#define PT_TESTS_DOMAINS_H

#include "base/alloc.h"
#include "model/domain.h"

/** domains_text() - the definition in NAME.xml; fails the test when there is none; the caller frees */
char *domains_text(const char *name);

/** domains_names() - all of them, without ".xml", sorted */
void domains_names(struct pt_strv *ret);

#endif
