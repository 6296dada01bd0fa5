/* SPDX-License-Identifier: Apache-2.0 */
#include "claiming.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shape/novaconf.h"

#define CONF                                                                                                           \
	"[pci]\n"                                                                                                      \
	"device_spec = { \"vendor_id\": \"10de\", \"product_id\": \"2330\" }\n"                                        \
	"alias = { \"vendor_id\":\"10de\", \"product_id\":\"2330\", \"device_type\":\"type-PCI\", \"name\":\"gpu\" "   \
	"}\n"

void claiming_config(struct pt_pci_config *ret)
{
	PT_AUTO(pt_ini) ini = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	struct pt_error err = { 0 };

	*ret = (struct pt_pci_config){ 0 };
	if (pt_ini_parse(CONF, "conf", &ini, &err) < 0 || pt_novaconf_read(&ini, "conf", ret, &hints, &err) < 0)
		fail_msg("%s", err.msg);
}

void claiming_publish(struct pt_store *store, unsigned hosts, unsigned devices)
{
	PT_AUTO(pt_pci_config) config = { 0 };

	claiming_config(&config);
	for (unsigned i = 0; i < hosts; i++) {
		struct pt_host_record record = { 0 };
		struct pt_error err = { 0 };
		struct pt_bdf twice;

		record.host.name = pt_strf("host-%03u", i);
		record.config.device_spec = config.device_spec;
		for (unsigned k = 0; k < devices; k++) {
			struct pt_inv_device *d = pt_inv_host_add(&record.host);

			d->bdf = (struct pt_bdf){ 0, (unsigned char)(1 + k), 0, 0 };
			d->vendor = 0x10de;
			d->product = 0x2330;
			d->numa_node = 0;
		}
		assert_int_equal(pt_inv_host_finish(&record.host, &twice), 0);
		if (pt_fleet_publish(store, &record, &err) < 0)
			fail_msg("%s", err.msg);
		pt_inv_host_done(&record.host);
	}
}

int claiming_claim(struct pt_fleet *fleet, const char *asked, const char *holder, struct pt_claim *ret,
		   struct pt_error *err)
{
	PT_AUTO(pt_request) request = { .alias = pt_strdup(asked) };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	char id[PT_CLAIM_ID_LENGTH + 1];
	struct pt_claim_ask ask = { .id = id, .holder = holder, .request = &request };
	int r = pt_claim_id_make(id, err);

	return r < 0 ? r : pt_fleet_claim(fleet, &ask, ret, &answers, err);
}

void claiming_check(struct pt_store *store, const struct pt_pci_config *config)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	struct pt_claims_list l = { 0 };
	struct pt_error err = { 0 };
	size_t claimed = 0;
	size_t held = 0;

	if (pt_fleet_load(store, config, &fleet, &err) < 0 || pt_fleet_claims(store, &l, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < l.n; i++) {
		const struct pt_fleet_host *h = pt_fleet_find_host(&fleet, l.v[i].host);

		assert_non_null(h);
		claimed += l.v[i].devices.n;
		for (size_t k = 0; k < l.v[i].devices.n; k++) {
			const char *id = pt_holds_find(&h->holds, l.v[i].devices.v[k].bdf);

			if (!pt_streq(id, l.v[i].id))
				fail_msg("%s of %s is claimed by %s and held by %s",
					 pt_bdf_str(l.v[i].devices.v[k].bdf).s, l.v[i].host, l.v[i].id,
					 id ? id : "nobody");
		}
	}
	for (size_t i = 0; i < fleet.hosts.n; i++)
		held += fleet.hosts.v[i].holds.n;
	/* an address is there once in held/HOST, so equal numbers mean that nothing is held without a claim */
	assert_int_equal(held, claimed);
	pt_claims_list_done(&l);
}
