/* SPDX-License-Identifier: Apache-2.0 */
/* Placement's questions and answers as JSON: configuration, hosts, requests in; verdicts out.  docs/design/place.md. */
#ifndef PT_SHAPE_PLACE_H
#define PT_SHAPE_PLACE_H

#include <jansson.h>

#include "base/error.h"
#include "model/inventory.h"
#include "model/pciconfig.h"
#include "model/provider.h"
#include "model/request.h"

/* more than this of one host, or of one request, is refused */
#define PT_PLACE_DEVICES_MAX 16384
#define PT_PLACE_CELLS_MAX   1024

/* Each reads one member of a question; null or absent is empty.  Return 0, or -EINVAL, -E2BIG with a message. */
int pt_place_read_config(const json_t *json, struct pt_pci_config *ret_config, struct pt_error *err);
int pt_place_read_hosts(const json_t *json, struct pt_inv_hosts *ret_hosts, struct pt_error *err);
/** pt_place_read_host() - one of those hosts; @where it is, for messages */
int pt_place_read_host(const json_t *json, const char *where, struct pt_inv_host *ret_host, struct pt_error *err);
int pt_place_read_request(const json_t *json, struct pt_request *ret_request, struct pt_error *err);
int pt_place_read_placement(const json_t *json, const char *where, struct pt_placement *ret, struct pt_error *err);

/** pt_place_write_answer() - one host's verdict; @devices: list those chosen */
json_t *pt_place_write_answer(const struct pt_host_answer *answer, const struct pt_request *request, bool devices);

/** pt_place_write_host() - a host as pt_place_read_hosts() takes it */
json_t *pt_place_write_host(const struct pt_inv_host *host);

/** pt_place_write_request() - an expanded request as pt_place_read_request() takes it, without cells */
json_t *pt_place_write_request(const struct pt_request *request);

json_t *pt_place_write_providers(const struct pt_providers *providers);

#endif
