/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of the QEMU guest agent and of QEMU's monitor, from JSON to the model.  They come from inside a guest:
 * bounded, checked, never trusted.  Talks to nobody.
 */
#ifndef PT_VM_REPLY_H
#define PT_VM_REPLY_H

#include <stdbool.h>

#include "base/error.h"
#include "model/guest.h"

/* the most that is read of one reply, and of one list in it */
#define PT_REPLY_MAX  ((size_t)4 << 20)
#define PT_REPLY_LIST 4096

/*
 * Each takes a whole reply ({"return": ...}) and returns 0, or -EBADMSG with what is wrong with it, or -EREMOTEIO with
 * the agent's own words when it answers with an error.
 */

/** pt_reply_commands() - guest-info: the commands that the agent has and that nobody switched off */
int pt_reply_commands(const char *reply, struct pt_strv *ret_names, struct pt_error *err);

/** pt_reply_os() - guest-get-osinfo: "Debian GNU/Linux 12 (bookworm)"; NULL when it does not say */
int pt_reply_os(const char *reply, char **ret_os, struct pt_error *err);

/** pt_reply_disks() - guest-get-disks: whole disks */
int pt_reply_disks(const char *reply, struct pt_guest *guest, struct pt_error *err);

/** pt_reply_fsinfo() - guest-get-fsinfo: the disks below mounted file systems, for agents that know no better */
int pt_reply_fsinfo(const char *reply, struct pt_guest *guest, struct pt_error *err);

/** pt_reply_nics() - guest-network-get-interfaces */
int pt_reply_nics(const char *reply, struct pt_guest *guest, struct pt_error *err);

/** pt_reply_devices() - guest-get-devices (Windows): PCI functions with their drivers */
int pt_reply_devices(const char *reply, struct pt_guest *guest, struct pt_error *err);

/** pt_reply_handle() - guest-file-open: the handle */
int pt_reply_handle(const char *reply, long long *ret_handle, struct pt_error *err);

/** pt_reply_chunk() - guest-file-read: append the text; @ret_eof: nothing follows */
int pt_reply_chunk(const char *reply, struct pt_buf *text, bool *ret_eof, struct pt_error *err);

/**
 * pt_reply_pci_table() - a Linux guest's /proc/bus/pci/devices: one function a line: bus and devfn, ids, …, driver
 * (Linux, drivers/pci/proc.c, show_device())
 */
void pt_reply_pci_table(const char *text, struct pt_guest *guest);

/** pt_reply_query_pci() - QEMU's query-pci: functions that have an id */
int pt_reply_query_pci(const char *reply, struct pt_qmp_functions *ret_functions, struct pt_error *err);

/** pt_reply_blockers() - QEMU's query-migrate: why it cannot be moved; empty: nothing holds it back, or QEMU is too old
 */
int pt_reply_blockers(const char *reply, struct pt_strv *ret_reasons, struct pt_error *err);

#endif
