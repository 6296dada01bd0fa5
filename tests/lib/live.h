/* SPDX-License-Identifier: Apache-2.0 */
/* A change of a VM that runs on, on the stage (stage_setup_live()): made, undone, recovered, and compared. */
#ifndef PT_TESTS_LIVE_H
#define PT_TESTS_LIVE_H

#include "stage.h"

/** live_is() - fails the test unless the stage is as @expected (stage_text()); @when and @n are for the message */
void live_is(const struct stage *w, const char *expected, const char *when, unsigned n);

/** live_attach(), live_detach(), live_undo() - plan it and apply it; of undo: the newest */
int live_attach(struct stage *w, struct pt_error *err);
int live_detach(struct stage *w, struct pt_error *err);
int live_undo(struct stage *w, struct pt_error *err);

/** live_recover() - must succeed; how many changes it settled */
unsigned live_recover(struct stage *w);

/** live_given() - opens the stage and attaches: the VM runs with the device */
void live_given(struct stage *w);

/** live_unanswered() - live_given(), and a detach that its guest, who ignores it from now on, did not answer in time */
void live_unanswered(struct stage *w, struct pt_error *err);

/** live_lets_go() - the guest lets go after all, and ignores no later request */
void live_lets_go(struct stage *w);

/** live_must() - fails the test with the message of a failure */
void live_must(int r, const struct pt_error *err);

/* a test of the running VM: with a whole card, and with a function that a network asked for */
#define LIVE(test) cmocka_unit_test_setup_teardown(test, stage_setup_live, stage_teardown)
#define LIVE_NETWORK(test)                                                                                             \
	{                                                                                                              \
#test " (network)", test, stage_setup_live_network, stage_teardown, NULL                               \
	}

#endif
