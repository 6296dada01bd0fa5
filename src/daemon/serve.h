/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of this host as a service: threads, events, signals; ends when it is told to. */
#ifndef PT_DAEMON_SERVE_H
#define PT_DAEMON_SERVE_H

#include "api/api.h"
#include "base/root.h"
#include "daemon/options.h"
#include "model/network.h"
#include "model/pciconfig.h"
#include "model/storeconf.h"

/* what all of it works with; borrowed */
struct pt_serve {
	const struct pt_daemon_options *options;
	const struct pt_root *root;
	const struct pt_store_config *store;
	const struct pt_pci_config *pci;
	const struct pt_networks *networks;
	const struct pt_api_config *api;
	const char *host;
	const char *passthru;
	const char *self; /* this program's path */
};

/** pt_serve_run() - until SIGTERM or SIGINT; 0, or a negative errno when it could not begin */
int pt_serve_run(const struct pt_serve *s, struct pt_error *err);

/** pt_serve_simulated() - --simulate: made-up hosts instead of this one, until the same */
int pt_serve_simulated(const struct pt_daemon_options *options, const struct pt_store_config *store,
		       struct pt_error *err);

#endif
