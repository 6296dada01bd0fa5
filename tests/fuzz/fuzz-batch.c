/* SPDX-License-Identifier: Apache-2.0 */
/* One line of `passthru place --batch` and of `passthru providers --batch`. */
#include <stdint.h>
#include <stdlib.h>

#include "cli/place-batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pt_place_options how = { .spread = size & 1 };

	free(pt_batch_place((const char *)data, size, how));
	free(pt_batch_providers((const char *)data, size, how));
	return 0;
}
