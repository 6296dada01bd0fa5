/* SPDX-License-Identifier: Apache-2.0 */
/* [store] of our configuration; other sections are left alone. */
#ifndef PT_SHAPE_STORECONF_H
#define PT_SHAPE_STORECONF_H

#include "base/error.h"
#include "base/ini.h"
#include "model/storeconf.h"

/**
 * pt_storeconf_read() - the store of one file
 * @config: what the file says replaces what an earlier one did; endpoints add up
 * @ret_password_file: the name, when the file says one; the caller frees, and reads it
 *
 * Return: 0; -EINVAL with file, line, what was found and what is allowed (PT_ERROR_USAGE).
 */
int pt_storeconf_read(const struct pt_ini *ini, const char *file, struct pt_store_config *config,
		      char **ret_password_file, struct pt_error *err);

#endif
