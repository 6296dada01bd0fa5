/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON list of device_spec entries, against the devices of a small host. */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/pools.h"
#include "decide/providers.h"
#include "shape/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_host(struct pt_inv_host *h)
{
	struct pt_bdf twice;

	h->name = pt_strdup("h");
	for (uint8_t i = 0; i < 6; i++) {
		struct pt_inv_device *d = pt_inv_host_add(h);

		d->bdf = (struct pt_bdf){ 0, 0x41, (uint8_t)(i / 2), (uint8_t)(i % 2) };
		d->vendor = 0x8086;
		d->product = 0x154c;
		d->type = i == 0 ? PT_DEV_PF : i < 4 ? PT_DEV_VF : PT_DEV_PCI;
		d->has_parent = i > 0 && i < 4;
		d->parent = (struct pt_bdf){ 0, 0x41, 0, 0 };
		d->vf_product = 0x154c;
		d->ifname = i == 0 ? pt_strdup("ens1") : NULL;
		d->card_serial = pt_strdup("S");
	}
	(void)pt_inv_host_finish(h, &twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = pt_strndup((const char *)data, size);
	PT_AUTO(pt_pci_config) config = { .report_in_placement = size & 1 };
	PT_AUTO(pt_inv_host) host = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_view) view = { 0 };
	struct pt_error err = { 0 };
	struct pt_value list = { 0 };

	if (pt_value_parse(text, &list, &err) < 0)
		return 0;
	for (size_t i = 0; list.kind == PT_VALUE_LIST && i < list.n; i++)
		pt_conf_entries_take(&config.device_spec, pt_value_copy(&list.items[i]), pt_strf("%zu", i));
	pt_value_done(&list);
	make_host(&host);
	if (pt_rules_compile(&config, &rules, NULL, &err) == 0 && pt_view_make(&rules, &host, &view, &err) == 0)
		(void)pt_providers_check(&view, &err);
	return 0;
}
