/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a capture nameless: serial numbers, MAC addresses, WWNs, UUIDs and the host's name are replaced, the same one
 * by the same replacement wherever it stands and in the forms it is mangled into (enx525400123456, ata-MODEL_SERIAL,
 * scsi-3WWN, a serial in hexadecimal).  Pure text: no files.
 */
#ifndef PT_HOST_SECRETS_H
#define PT_HOST_SECRETS_H

#include "base/alloc.h"

enum pt_secret_kind {
	PT_SECRET_SERIAL = 0,
	PT_SECRET_MAC,
	PT_SECRET_WWN,
	PT_SECRET_UUID,
	PT_SECRET_HOST,
};

/* private: one form of one secret */
struct pt_secret_form {
	char *from;
	char *to;
	size_t n;
	bool word;   /* only as a word of its own: it is short, or a name that may be part of another */
	bool host;   /* a host's name, which is not looked for everywhere */
	size_t next; /* index + 1 of the next with the same hash */
};

struct pt_secrets {
	PT_ARRAY(struct pt_secret_form) forms;
	struct pt_strv seen; /* sorted: what was added already */
	unsigned numbers[5];
	size_t *index; /* made by the first pt_secrets_apply() */
};

/**
 * pt_secrets_add() - something that must not be in the capture
 *
 * What is too short or too common to be one ("0", "None", 00:00:00:00:00:00) is passed over.
 */
void pt_secrets_add(struct pt_secrets *secrets, enum pt_secret_kind kind, const char *value);

/** pt_secrets_sweep() - find UUIDs, MAC addresses and WWNs in a text by their form alone, and add them */
void pt_secrets_sweep(struct pt_secrets *secrets, const char *text);

/** pt_secrets_has() - does @text contain any secret added so far? */
bool pt_secrets_has(const struct pt_secrets *secrets, const char *text);

/**
 * pt_secrets_apply() - @data with every secret replaced; the caller frees
 * @with_host: look for the host's name too, which as a common word ("debian") would hurt kernel paths
 */
char *pt_secrets_apply(struct pt_secrets *secrets, const char *data, size_t size, bool with_host, size_t *ret_size);

void pt_secrets_done(struct pt_secrets *secrets);

#endif
