/* SPDX-License-Identifier: Apache-2.0 */
#include "model/claim.h"

#include <errno.h>
#include <stdlib.h>

static const char *const ack_states[PT_ACK_STATES] = {
	[PT_ACK_TAKING] = "taking", [PT_ACK_BOUND] = "bound",	      [PT_ACK_ATTACHED] = "attached",
	[PT_ACK_FAILED] = "failed", [PT_ACK_RELEASING] = "releasing", [PT_ACK_RELEASED] = "released",
	[PT_ACK_ORPHAN] = "orphan",
};

const char *pt_ack_state_str(enum pt_ack_state state)
{
	return state < PT_ACK_STATES ? ack_states[state] : "unknown";
}

int pt_ack_state_parse(const char *text)
{
	for (int i = 0; i < PT_ACK_STATES; i++)
		if (strcmp(text, ack_states[i]) == 0)
			return i;
	return -EINVAL;
}

bool pt_claim_id_valid(const char *text)
{
	return strlen(text) == PT_CLAIM_ID_LENGTH && pt_startswith(text, "c-") &&
	       strspn(text + 2, "0123456789abcdef") == PT_CLAIM_ID_LENGTH - 2;
}

const char *pt_holds_find(const struct pt_holds *l, struct pt_bdf bdf)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_bdf_cmp(l->v[i].bdf, bdf) == 0)
			return l->v[i].id;
	return NULL;
}

size_t pt_holds_drop(struct pt_holds *l, const char *id)
{
	size_t kept = 0;
	size_t dropped;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, id) != 0)
			l->v[kept++] = l->v[i];
	dropped = l->n - kept;
	l->n = kept;
	return dropped;
}

void pt_holds_done(struct pt_holds *l)
{
	free(l->v);
	*l = (struct pt_holds){ 0 };
}

static const char *serial_of(const struct pt_inv_device *d)
{
	return d->serial ? d->serial : d->card_serial;
}

void pt_claim_identify(struct pt_claim *c, const struct pt_inv_host *h)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		struct pt_claim_device *d = &c->devices.v[i];
		int64_t at = pt_inv_host_find(h, d->bdf);

		if (at < 0)
			continue;
		d->vendor = h->v[at].vendor;
		d->product = h->v[at].product;
		pt_strset(&d->serial, serial_of(&h->v[at]));
	}
}

static bool has_serial(const struct pt_inv_device *d, const char *serial)
{
	return pt_streq(d->serial, serial) || pt_streq(d->card_serial, serial);
}

bool pt_claim_device_is(const struct pt_claim_device *given, const struct pt_inv_device *now)
{
	if (given->vendor && (given->vendor != now->vendor || given->product != now->product))
		return false;
	return !given->serial || !serial_of(now) || has_serial(now, given->serial);
}

int64_t pt_claim_device_at(const struct pt_claim_device *given, const struct pt_inv_host *h)
{
	for (size_t i = 0; given->serial && i < h->n; i++)
		if (has_serial(&h->v[i], given->serial) && pt_claim_device_is(given, &h->v[i]))
			return (int64_t)i;
	return -1;
}

void pt_claim_device_done(struct pt_claim_device *d)
{
	free(d->alias);
	free(d->serial);
}

void pt_claim_done(struct pt_claim *c)
{
	for (size_t i = 0; i < c->devices.n; i++)
		pt_claim_device_done(&c->devices.v[i]);
	free(c->devices.v);
	free(c->asked);
	free(c->holder);
	free(c->host);
	free(c->project);
	free(c->numa);
	*c = (struct pt_claim){ 0 };
}

void pt_ack_done(struct pt_ack *a)
{
	free(a->reason);
	free(a->vm);
	*a = (struct pt_ack){ 0 };
}

void pt_alive_done(struct pt_alive *a)
{
	free(a->boot);
	free(a->version);
	free(a->deaf);
	*a = (struct pt_alive){ 0 };
}

const char *pt_claim_network(const struct pt_claim *c)
{
	const char *alias = c->devices.n == 1 ? c->devices.v[0].alias : NULL;

	return alias && pt_startswith(alias, PT_ASK_NETWORK) ? alias + strlen(PT_ASK_NETWORK) : NULL;
}

void pt_host_record_done(struct pt_host_record *r)
{
	pt_inv_host_done(&r->host);
	pt_pci_config_done(&r->config);
	free(r->note);
}

void pt_waiting_done(struct pt_waiting *w)
{
	free(w->asked);
	free(w->holder);
	free(w->host);
	free(w->project);
	free(w->numa);
	pt_request_done(&w->request);
	*w = (struct pt_waiting){ 0 };
}
