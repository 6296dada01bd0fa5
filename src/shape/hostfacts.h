/* SPDX-License-Identifier: Apache-2.0 */
/* What `passthru facts --json` tells of a host's processor and libvirt, and the reading of it (hostile input). */
#ifndef PT_SHAPE_HOSTFACTS_H
#define PT_SHAPE_HOSTFACTS_H

#include <jansson.h>

#include "base/error.h"
#include "model/migrate.h"

/** pt_hypervisor_json() - null when @known is false */
json_t *pt_hypervisor_json(bool known, const struct pt_hypervisor *h);

/** pt_host_facts_read() - one document; members that are not about migration are passed over; -EBADMSG */
int pt_host_facts_read(const json_t *json, const char *where, struct pt_migrate_host *ret_host, struct pt_error *err);

/**
 * pt_host_facts_scan() - the same from text, for a thousand hosts that are much alike
 * @text: a document, or as much of its beginning as was read
 * @l: gets the host, and what it says in words that no other has said yet
 *
 * Stops when it has what migration asks of: what follows (devices, disks) is neither read nor checked.
 *
 * Return: 1; 0 when it is not plainly so (something is missing, or twice, or cut off): pt_host_facts_read() of the
 * whole then says what is wrong, or that nothing is.
 */
int pt_host_facts_scan(const char *text, size_t size, const char *where, struct pt_migrate_hosts *l);

#endif
