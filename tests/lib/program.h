/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program under test, as a user would.  For tests only. */
#ifndef PT_TESTS_PROGRAM_H
#define PT_TESTS_PROGRAM_H

/* what it said; owns both texts */
struct program {
	int status; /* exit status; 128 + signal when it was killed */
	char *out;
	char *err;
};

/**
 * program_run() - run the program that PT_PASSTHRU names
 * @line: "passthru list --json": words are separated by blanks, there is no quoting; the first word is left out
 * @sysroot: given as --sysroot; NULL: without
 *
 * In the locale C.UTF-8, so that trees are drawn the same everywhere.
 */
void program_run(struct program *ret, const char *line, const char *sysroot);
void program_done(struct program *p);

#endif
