/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of this host's configuration, for the commands that put VFs into them. */
#ifndef PT_CLI_NETWORKS_H
#define PT_CLI_NETWORKS_H

#include "cli/cli.h"
#include "model/inventory.h"
#include "model/network.h"

/** pt_network_of() - the network called so; PT_ERROR_USAGE with the names there are */
int pt_network_of(const struct pt_networks *networks, const char *name, const struct pt_network **ret_network,
		  struct pt_error *err);

/**
 * pt_network_physnets() - on which physical network each function of this host is, by its first device_spec
 * @ret_names: parallel to @host's devices; "" where no device_spec says so; the caller frees
 */
int pt_network_physnets(const struct pt_cli *cli, struct pt_inv_host *host, struct pt_strv *ret_names,
			struct pt_error *err);

#endif
