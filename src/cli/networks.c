/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/networks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/placeable.h"
#include "decide/spec.h"

int pt_network_of(const struct pt_networks *networks, const char *name, const struct pt_network **ret_network,
		  struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;
	int r;

	*ret_network = pt_networks_find(networks, name);
	if (*ret_network)
		return 0;
	for (size_t i = 0; i < networks->n; i++)
		pt_strv_add(&names, networks->v[i].name);
	list = pt_strv_join(&names, ", ");
	r = pt_usage(err, -ENOENT, "there is no network '%.80s'", name);
	if (names.n)
		pt_hint(err, "networks of this host are %s", list);
	else
		pt_hint(err, "a [network NAME] section in /etc/passthru/passthru.conf makes one");
	return r;
}

int pt_network_physnets(const struct pt_cli *cli, struct pt_inv_host *host, struct pt_strv *ret_names,
			struct pt_error *err)
{
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_specs) specs = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	pt_autofree struct pt_bound *bound = NULL;
	int r = pt_placeable_config(cli, NULL, 0, &config, &hints, err);

	if (r == 0)
		r = pt_specs_compile(&config, &specs, err);
	if (r == 0)
		r = pt_specs_bind(&specs, host, &bound, err);
	for (size_t i = 0; i < host->n && r == 0; i++) {
		int64_t first = pt_specs_first(&specs, bound, &host->v[i], err);
		const struct pt_value *tag = first < 0 ? NULL : pt_value_get(&specs.v[first].tags, "physical_network");

		if (first < 0 && first != -ENOENT)
			r = (int)first;
		pt_strv_add(ret_names, tag && tag->kind == PT_VALUE_STRING ? tag->text : "");
	}
	return r;
}
