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

#endif
