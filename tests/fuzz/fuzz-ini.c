/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: as INI, and what placement takes out of it. */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/pools.h"
#include "shape/novaconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = pt_strndup((const char *)data, size);
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_rules) rules = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	PT_AUTO(pt_ini) ini = { 0 };
	struct pt_error err = { 0 };

	if (pt_ini_parse(text, "fuzz.conf", &ini, &err) == 0 &&
	    pt_novaconf_read(&ini, "fuzz.conf", &config, &hints, &err) == 0)
		(void)pt_rules_compile(&config, &rules, NULL, &err);
	return 0;
}
