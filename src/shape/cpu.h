/* SPDX-License-Identifier: Apache-2.0 */
/* Processors to JSON; definitions of them back as well, since a plan and a baseline carry them. */
#ifndef PT_SHAPE_CPU_H
#define PT_SHAPE_CPU_H

#include <jansson.h>

#include "base/error.h"
#include "model/cpu.h"

/** pt_cpu_host_json() - model, microcode, flags, nested virtualisation; what is unknown is null */
json_t *pt_cpu_host_json(const struct pt_cpu_host *host);

/** pt_cpu_def_json() - what it does not say is left out */
json_t *pt_cpu_def_json(const struct pt_cpu_def *def);

/** pt_cpu_def_from_json() - strict: nothing in it is passed over unseen; -EBADMSG */
int pt_cpu_def_from_json(const json_t *json, struct pt_cpu_def *ret_def, struct pt_error *err);

#endif
