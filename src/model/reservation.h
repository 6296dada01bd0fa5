/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reservation: which device belongs to guests, and by what it is recognised.  Plain data and its text; the files are
 * host/reserve.h's (writing) and host/reserved.h's (reading).
 */
#ifndef PT_MODEL_RESERVATION_H
#define PT_MODEL_RESERVATION_H

#include "base/error.h"
#include "model/identity.h"

/* the driver of a device that is only remembered: libvirt binds it when its VM starts, nobody does at boot */
#define PT_DRIVER_LIBVIRT "libvirt"

/* no driver has this name: an override by it keeps every driver away from a device that may be somebody's */
#define PT_DRIVER_UNDECIDED "passthru-undecided"

/**
 * struct pt_keep - one reservation as it was read; owns its strings
 * @id: what it is recognised by; @id.last_seen is the address it was reserved at
 * @driver: that shall hold it, or PT_DRIVER_LIBVIRT
 * @vm, @vm_uuid: for whom; NULL: nobody in particular
 * @change: by which change
 * @known: this boot has seen for certain that the device at @id.last_seen is the one
 */
struct pt_keep {
	struct pt_identity id;
	char *driver;
	char *vm;
	char *vm_uuid;
	long long change;
	bool known;
};

struct pt_keeps {
	struct pt_keep *v;
	size_t n;
	size_t cap;
};

void pt_keep_done(struct pt_keep *r);
void pt_keeps_done(struct pt_keeps *l);

/** pt_keep_by_bdf() - NULL when nothing is reserved there */
struct pt_keep *pt_keep_by_bdf(const struct pt_keeps *l, struct pt_bdf bdf);

/** pt_keep_at_boot() - is it kept off the host's drivers, or only remembered? */
bool pt_keep_at_boot(const struct pt_keep *r);

/** pt_reservation_parse() - the text of a reservation; hostile; -EBADMSG with the line that is wrong */
int pt_reservation_parse(const char *text, struct pt_keep *ret_keep, struct pt_error *err);

/** pt_identity_lines() - "slot_path=…\nserial=…\nvf=…\npf_function=…\nbehind=…\n": what a reservation says beside
 * address and ids; the caller frees; what would break a line is left out */
char *pt_identity_lines(const struct pt_identity *id);

#endif
