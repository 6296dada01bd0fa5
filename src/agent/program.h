/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program to its end and takes what it says.  For agent/ alone. */
#ifndef PT_AGENT_PROGRAM_H
#define PT_AGENT_PROGRAM_H

#include <pthread.h>
#include <sys/types.h>

#include "base/error.h"

/* called while something is waited for: when @fd is readable, and every few seconds; @call NULL: nothing is */
struct pt_meanwhile {
	int fd;
	void *ctx;
	void (*call)(void *ctx);
};

/**
 * struct pt_program - who may be told to stop; made by pt_program_init()
 * @meanwhile: of its user
 * @looks: it changes nothing: it is killed when its time is over, and not waited for when even that does not end it
 */
struct pt_program {
	pthread_mutex_t mutex;
	pid_t pid; /* 0: none runs */
	bool stopped;
	struct pt_meanwhile meanwhile;
	bool looks;
	pid_t left; /* one that did not end; 0: none */
};

void pt_program_init(struct pt_program *p);
void pt_program_done(struct pt_program *p);

/**
 * pt_program_run() - with standard output and error read to their ends
 * @argv: [0] is an absolute path; ends in NULL
 * @ret_out, @ret_err: the caller frees; cut at a few MiB
 *
 * Its environment is a PATH and a locale.  It is sent SIGTERM after @timeout_ms, and by pt_program_stop(); it then
 * takes back what it has made, and is waited for.  Return: its exit status, 128 and more when it was killed; -ETIMEDOUT
 * of one that only looks: it did not end in time, or an earlier one is still there; another negative errno when it
 * could not be run.
 */
int pt_program_run(struct pt_program *p, const char *const *argv, unsigned timeout_ms, char **ret_out, char **ret_err,
		   struct pt_error *err);

/** pt_program_stop() - the one that runs ends soon, and none is run any more; from any thread */
void pt_program_stop(struct pt_program *p);

#endif
