/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nova's [pci] configuration as it was written: one entry a device_spec or alias object, with the place it comes from.
 * Not yet judged: decide/spec.h and decide/alias.h do that.
 */
#ifndef PT_MODEL_PCICONFIG_H
#define PT_MODEL_PCICONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "model/value.h"

/**
 * struct pt_conf_entry - owns its members
 * @value: any JSON value; anything but an object is an error that the judge reports
 * @where: "nova.conf:12" or "device_spec 3"
 */
struct pt_conf_entry {
	struct pt_value value;
	char *where;
};

struct pt_conf_entries {
	struct pt_conf_entry *v;
	size_t n;
	size_t cap;
};

/**
 * struct pt_pci_config - [pci] of one host or one cloud
 * @report_in_placement: [pci] report_in_placement
 * @pci_in_placement: [filter_scheduler] pci_in_placement
 */
struct pt_pci_config {
	struct pt_conf_entries device_spec;
	struct pt_conf_entries alias;
	bool report_in_placement;
	bool pci_in_placement;
};

/** pt_conf_entries_take() - append; @value and @where become the list's */
void pt_conf_entries_take(struct pt_conf_entries *l, struct pt_value value, char *where);

/**
 * pt_bool_parse() - a word for true or false, as oslo reads one: 1 t true on y yes / 0 f false off n no, in any case
 *
 * Return: 1, 0, or -EINVAL for another word.
 */
int pt_bool_parse(const char *text);

/** pt_bool_of() - the same of a JSON value: its text in Python is read; NULL and null are no word */
int pt_bool_of(const struct pt_value *v);

void pt_pci_config_done(struct pt_pci_config *c);

#endif
