/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a fake fail or die at its n-th change of the world.  In memory that a forked child shares, so that the
 * parent sees what a child that died there had done.
 */
#ifndef PT_TESTS_FAULT_H
#define PT_TESTS_FAULT_H

#define FAULT_EXIT 99

/**
 * struct fault - counts from 1; 0: never
 * @count: changes asked for so far
 * @fail_at: this one is refused with -EIO and not made
 * @fail_from: this one and all later ones are
 * @die_before, @die_after: the process ends right before or after this one
 */
struct fault {
	unsigned count;
	unsigned fail_at;
	unsigned fail_from;
	unsigned die_before;
	unsigned die_after;
};

/** fault_before() - call first in every function that changes something: 0, or -EIO when it is to fail */
int fault_before(struct fault *f);
/** fault_after() - call when the change has been made */
void fault_after(const struct fault *f);

/* shared anonymous memory, zeroed; fails the test when there is none */
void *fault_shared(unsigned long size);
void fault_unshare(void *p, unsigned long size);

#endif
