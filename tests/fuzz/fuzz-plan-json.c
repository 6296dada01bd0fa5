/* SPDX-License-Identifier: Apache-2.0 */
/* A stored step from a damaged or foreign journal: what is understood can be written again and means the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "shape/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(const struct pt_step *step)
{
	struct pt_error err = { 0 };
	struct pt_step again = { 0 };
	struct pt_step inverse;
	char *text = pt_step_to_text(step, &err);
	char *second;
	char *words;

	if (!text || pt_step_from_text(text, &again, &err) < 0)
		abort();
	second = pt_step_to_text(&again, &err);
	if (!second || strcmp(text, second) != 0)
		abort();
	words = pt_step_describe(step);
	pt_step_invert(step, &inverse);
	pt_step_done(&inverse);
	pt_step_done(&again);
	free(words);
	free(second);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = pt_strndup((const char *)data, size);
	struct pt_error err = { 0 };
	struct pt_step step;

	if (pt_step_from_text(text, &step, &err) == 0) {
		check_step(&step);
		pt_step_done(&step);
	}
	free(text);
	return 0;
}
