/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a fleet's store, which other hosts wrote: a claim, what is held, a host; and what is written is read the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "shape/claim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* read and written again; NULL when it is refused */
static char *claim(const char *text)
{
	PT_AUTO(pt_claim) c = { 0 };

	return pt_claim_read(text, "claim", &c, NULL) < 0 ? NULL : pt_record_text(pt_claim_json(&c));
}

static char *holds(const char *text)
{
	PT_AUTO(pt_holds) l = { 0 };

	return pt_holds_read(text, "held", &l, NULL) < 0 ? NULL : pt_record_text(pt_holds_json(&l));
}

static char *host(const char *text)
{
	PT_AUTO(pt_host_record) r = { 0 };

	return pt_host_record_read(text, "facts", &r, NULL) < 0 ? NULL : pt_record_text(pt_host_record_json(&r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *(*const kinds[])(const char *) = { claim, holds, host };
	pt_autofree char *text = pt_strndup((const char *)data, size);

	for (size_t i = 0; i < 3; i++) {
		pt_autofree char *once = kinds[i](text);
		pt_autofree char *twice = once ? kinds[i](once) : NULL;

		if (once && !pt_streq(once, twice))
			abort();
	}
	return 0;
}
