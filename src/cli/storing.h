/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands on a fleet's store share. */
#ifndef PT_CLI_STORING_H
#define PT_CLI_STORING_H

#include <jansson.h>

#include "cli/cli.h"
#include "fleet/fleet.h"

/* in a command's list of options */
#define PT_STORING_OPTIONS                                                                                             \
	{                                                                                                              \
		"config", 0, "FILE", "a configuration with [store] and [pci]; instead of this host's", true            \
	}

/**
 * struct pt_storing - owns everything
 * @where: [store] as it was read
 * @config: [pci] of the same files
 * @hints: what is spelled in an old way
 */
struct pt_storing {
	struct pt_store *store;
	struct pt_store_config where;
	struct pt_pci_config config;
	struct pt_strv hints;
};

/** pt_storing_open() - the store that the configuration names; not yet asked anything when it is etcd */
int pt_storing_open(const struct pt_cli *cli, struct pt_storing *ret, struct pt_error *err);
void pt_storing_done(struct pt_storing *s);

/* one claim a paragraph, as `claim` and `release` tell it */
void pt_storing_print_claim(const struct pt_cli *cli, const struct pt_claim *claim);
json_t *pt_storing_claims_json(const struct pt_claim *claims, size_t n);

/** pt_storing_release() - the operands are claims: end them all; `passthru release` asks first what they are */
int pt_storing_release(struct pt_cli *cli, struct pt_error *err);

#endif
