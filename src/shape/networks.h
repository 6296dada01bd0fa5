/* SPDX-License-Identifier: Apache-2.0 */
/* [network NAME] sections of our configuration; other sections are left alone. */
#ifndef PT_SHAPE_NETWORKS_H
#define PT_SHAPE_NETWORKS_H

#include "base/ini.h"
#include "model/network.h"

/**
 * pt_networks_read() - the networks of one file
 * @file: for messages and places
 * @networks: appended to; a section that goes on in another file adds to it
 *
 * Return: 0; -EINVAL with file, line, what was found and what is allowed (PT_ERROR_USAGE).
 */
int pt_networks_read(const struct pt_ini *ini, const char *file, struct pt_networks *networks, struct pt_error *err);

/** pt_networks_check() - after the last file: what must be said is said; -EINVAL as above */
int pt_networks_check(const struct pt_networks *networks, struct pt_error *err);

#endif
