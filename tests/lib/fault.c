/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int fault_before(struct fault *f)
{
	f->count++;
	if (f->count == f->die_before)
		_exit(FAULT_EXIT);
	if (f->count == f->fail_at || (f->fail_from && f->count >= f->fail_from))
		return -EIO;
	return 0;
}

void fault_after(const struct fault *f)
{
	if (f->count == f->die_after)
		_exit(FAULT_EXIT);
}

void *fault_shared(unsigned long size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void fault_unshare(void *p, unsigned long size)
{
	(void)munmap(p, size);
}
