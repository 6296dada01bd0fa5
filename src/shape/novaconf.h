/* SPDX-License-Identifier: Apache-2.0 */
/* [pci] of a nova.conf, or of our own configuration, which is written the same. */
#ifndef PT_SHAPE_NOVACONF_H
#define PT_SHAPE_NOVACONF_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/ini.h"
#include "model/pciconfig.h"

/**
 * pt_novaconf_read() - the options of placement out of a configuration
 * @name: the file's, for the places of entries and for messages
 * @config: entries are appended: files add up
 * @hints: what is spelled in an old way, one sentence each, appended
 *
 * Return: 0, or -EINVAL with a message (PT_ERROR_USAGE) for a value that is no JSON or no boolean.
 */
int pt_novaconf_read(const struct pt_ini *ini, const char *name, struct pt_pci_config *config, struct pt_strv *hints,
		     struct pt_error *err);

#endif
