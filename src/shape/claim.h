/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a fleet's store as JSON.  What is read was written by others: it is checked, and bounded. */
#ifndef PT_SHAPE_CLAIM_H
#define PT_SHAPE_CLAIM_H

#include <jansson.h>

#include "base/error.h"
#include "model/claim.h"

json_t *pt_claim_json(const struct pt_claim *claim);
json_t *pt_waiting_json(const struct pt_waiting *waiting);
json_t *pt_holds_json(const struct pt_holds *list);
json_t *pt_ack_json(const struct pt_ack *ack);
json_t *pt_alive_json(const struct pt_alive *alive);
json_t *pt_host_record_json(const struct pt_host_record *record);
/* the text that is stored; the caller frees; @json is taken */
char *pt_record_text(json_t *json);

/* Each: 0, or -EBADMSG with a message that begins with @where. */
int pt_claim_read(const char *text, const char *where, struct pt_claim *ret_claim, struct pt_error *err);
int pt_waiting_read(const char *text, const char *where, struct pt_waiting *ret_waiting, struct pt_error *err);
int pt_holds_read(const char *text, const char *where, struct pt_holds *ret_holds, struct pt_error *err);
int pt_ack_read(const char *text, const char *where, struct pt_ack *ret_ack, struct pt_error *err);
int pt_alive_read(const char *text, const char *where, struct pt_alive *ret_alive, struct pt_error *err);
int pt_host_record_read(const char *text, const char *where, struct pt_host_record *ret_record, struct pt_error *err);

#endif
