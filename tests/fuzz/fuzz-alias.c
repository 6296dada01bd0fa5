/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a request ("a1:2,a2:1"), the rest a JSON list of alias entries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "decide/place.h"
#include "shape/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = pt_strndup((const char *)data, size);
	PT_AUTO(pt_pci_config) config = { 0 };
	PT_AUTO(pt_pci_aliases) aliases = { 0 };
	PT_AUTO(pt_request) request = { .isolate = false };
	struct pt_error err = { 0 };
	struct pt_value list = { 0 };
	char *rest = strchr(text, '\n');

	if (!rest)
		return 0;
	*rest++ = '\0';
	if (pt_value_parse(rest, &list, &err) < 0)
		return 0;
	for (size_t i = 0; list.kind == PT_VALUE_LIST && i < list.n; i++)
		pt_conf_entries_take(&config.alias, pt_value_copy(&list.items[i]), pt_strf("%zu", i));
	pt_value_done(&list);
	request.alias = pt_strdup(text);
	if (pt_pci_aliases_compile(&config, &aliases, &err) == 0 && pt_pci_alias_expand(&aliases, &request, &err) == 0)
		(void)pt_request_check(&request, &err);
	return 0;
}
