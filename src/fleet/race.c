/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/race.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "model/claim.h"

void pt_race_pause(unsigned attempt)
{
	struct timespec t = { .tv_nsec = (long)(attempt < 8 ? attempt : 8) * 1000000 };
	unsigned char random = 0;

	if (getrandom(&random, 1, 0) == 1)
		t.tv_nsec += (long)random * 10000;
	(void)nanosleep(&t, NULL);
}

int pt_race_check_id(const char *id, struct pt_error *err)
{
	if (pt_claim_id_valid(id))
		return 0;
	return pt_usage(err, -EINVAL, "'%.40s' is no claim's id: c- and 20 hexadecimal digits", id);
}
