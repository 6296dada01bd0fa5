/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual functions this host keeps across reboots, and which tools beside us make some.  Reads only. */
#ifndef PT_HOST_SRIOV_KEPT_H
#define PT_HOST_SRIOV_KEPT_H

#include "base/error.h"
#include "base/root.h"
#include "model/device.h"
#include "model/sriov-state.h"

#define PT_SRIOV_DIR "/etc/passthru/sriov.d"

/**
 * pt_sriov_kept_list() - every file that is kept, by address
 * @ret_bad: sentences about files that cannot be understood; may be NULL
 *
 * Return: 0, also when there is none; a negative errno when the folder cannot be read.
 */
int pt_sriov_kept_list(const struct pt_root *root, struct pt_sriov_states *ret_kept, struct pt_strv *ret_bad,
		       struct pt_error *err);

/** pt_sriov_kept_text() - the file of one PF as it stands; NULL when nothing is kept of it; the caller frees */
int pt_sriov_kept_text(const struct pt_root *root, struct pt_bdf pf, char **ret_text, struct pt_error *err);

/** pt_sriov_kept_is() - is it about this very card? */
bool pt_sriov_kept_is(const struct pt_sriov_state *kept, const struct pt_device *pf);

/** what this boot's `passthru boot` could not give its functions, an address a line; in /run/passthru */
#define PT_SRIOV_SEEN "vfs-missed"

/** pt_sriov_kept_seen() - has `passthru boot` run in this boot, and not missed this PF?  What is not there now was
 * taken away since */
bool pt_sriov_kept_seen(const struct pt_root *root, struct pt_bdf pf);

/** pt_sriov_manager() - "udev (/etc/udev/rules.d/70-vfs.rules)": who else sets the number of this PF's VFs at boot; the
 * caller frees; NULL when nobody left a trace */
char *pt_sriov_manager(const struct pt_root *root, const struct pt_device *pf);

#endif
