/* SPDX-License-Identifier: Apache-2.0 */
/* [pci] alias: names for kinds of devices, and requests that use them. */
#ifndef PT_DECIDE_ALIAS_H
#define PT_DECIDE_ALIAS_H

#include "base/error.h"
#include "model/pciconfig.h"
#include "model/request.h"

/**
 * struct pt_pci_alias - entries of one name; owns its members
 * @specs: alternatives, each an object as a pool is compared with it (device_type became dev_type)
 */
struct pt_pci_alias {
	char *name;
	char *where;
	enum pt_numa_policy policy;
	struct pt_value *specs;
	size_t n_specs;
};

struct pt_pci_aliases {
	struct pt_pci_alias *v;
	size_t n;
	size_t cap;
};

/**
 * pt_pci_aliases_compile() - read all alias entries
 *
 * Return: 0, or -EINVAL with a message that names the entry's place, the offending text and what is allowed.
 */
int pt_pci_aliases_compile(const struct pt_pci_config *config, struct pt_pci_aliases *ret_aliases,
			   struct pt_error *err);

/** pt_pci_aliases_find() - by name, or NULL */
const struct pt_pci_alias *pt_pci_aliases_find(const struct pt_pci_aliases *aliases, const char *name);

/**
 * pt_pci_alias_expand() - turn request->alias ("a1:2,a2:1") into request->asks
 *
 * The request's own policy wins over the alias's.  Nothing happens when there is no alias text.
 *
 * Return: 0; -EINVAL when the text is malformed; -ENOENT when a name is not defined (the hint lists those that are).
 */
int pt_pci_alias_expand(const struct pt_pci_aliases *aliases, struct pt_request *request, struct pt_error *err);

void pt_pci_aliases_done(struct pt_pci_aliases *aliases);

#endif
