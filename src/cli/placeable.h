/* SPDX-License-Identifier: Apache-2.0 */
/* What `place`, `providers` and `config check` start from: a configuration, and hosts. */
#ifndef PT_CLI_PLACEABLE_H
#define PT_CLI_PLACEABLE_H

#include "base/ini.h"
#include "cli/cli.h"
#include "decide/pools.h"
#include "model/inventory.h"
#include "model/network.h"
#include "model/provider.h"
#include "model/storeconf.h"

/**
 * pt_placeable_config() - read configuration files
 * @files: names as given; none: the host's own /etc/passthru/passthru.conf and conf.d (no such files: an empty one)
 * @hints: old spellings and the like, appended
 */
int pt_placeable_config(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_pci_config *ret_config,
			struct pt_strv *hints, struct pt_error *err);

/** pt_placeable_store() - [store] of the same files, with the password read */
int pt_placeable_store(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_store_config *ret_store,
		       struct pt_error *err);

/** pt_placeable_each() - the same files, one by one, for sections that the CLI has no use for */
int pt_placeable_each(const struct pt_cli *cli, const char *const *files, size_t n,
		      int (*take)(void *arg, const struct pt_ini *ini, const char *name, struct pt_error *err),
		      void *arg, struct pt_error *err);

/** pt_placeable_networks() - the [network NAME] sections of the same files, checked */
int pt_placeable_networks(const struct pt_cli *cli, const char *const *files, size_t n,
			  struct pt_networks *ret_networks, struct pt_error *err);

/** pt_placeable_check() - [network NAME], [store] and [migrate] of the same files: only whether they are well */
int pt_placeable_check(const struct pt_cli *cli, const char *const *files, size_t n, struct pt_error *err);

/** pt_placeable_candidates() - [migrate] host of this host's own configuration: URIs and paths, as pt_candidates_add()
 * takes them */
int pt_placeable_candidates(const struct pt_cli *cli, struct pt_strv *ret_words, struct pt_error *err);

/* what Placement has of each host, where the facts tell */
struct pt_placements {
	struct pt_placement *v;
	size_t n;
	size_t cap;
};

void pt_placements_done(struct pt_placements *l);

/**
 * pt_placeable_hosts() - from the JSON file of --facts, or this host (or --sysroot)
 * @ret_placements: one a host; NULL when they are of no interest
 */
int pt_placeable_hosts(const struct pt_cli *cli, struct pt_inv_hosts *ret_hosts, struct pt_placements *ret_placements,
		       struct pt_error *err);

#endif
