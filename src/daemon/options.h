/* SPDX-License-Identifier: Apache-2.0 */
/* What passthrud is told on its command line. */
#ifndef PT_DAEMON_OPTIONS_H
#define PT_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PT_OPTIONS_FILES_MAX 64

/**
 * struct pt_daemon_options - borrowed from argv
 * @config: files instead of this host's, and a NULL; @name: of the host; NULL: its own
 * @run_dir: where its lock is
 * @simulate: so many made-up hosts instead of this one
 * @events: so many devices come or go a second, of those
 */
struct pt_daemon_options {
	const char *config[PT_OPTIONS_FILES_MAX + 1];
	size_t n_config;
	const char *name;
	const char *uri;
	const char *passthru;
	const char *run_dir;
	unsigned lease_s;
	unsigned look_s;
	bool look_only;
	unsigned simulate;
	unsigned seed;
	unsigned events;
	bool list_vms;
	bool help;
	bool version;
};

/** pt_daemon_options_read() - -EINVAL (PT_ERROR_USAGE) names what is wrong */
int pt_daemon_options_read(int argc, char **argv, struct pt_daemon_options *ret, struct pt_error *err);

/* the text of --help */
extern const char pt_daemon_help[];

#endif
