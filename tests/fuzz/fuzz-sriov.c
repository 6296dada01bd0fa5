/* SPDX-License-Identifier: Apache-2.0 */
/* The text of virtual functions' state, which comes from files and the journal; and what is written is read the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/sriov-state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = pt_strndup((const char *)data, size);
	PT_AUTO(pt_sriov_state) s = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) again = PT_SRIOV_STATE_UNSAID;
	pt_autofree char *written = NULL;
	pt_autofree char *twice = NULL;

	if (pt_sriov_state_parse(text, &s, NULL) < 0)
		return 0;
	written = pt_sriov_state_text(&s);
	if (pt_sriov_state_parse(written, &again, NULL) < 0)
		abort();
	twice = pt_sriov_state_text(&again);
	if (!pt_streq(written, twice))
		abort();
	return 0;
}
