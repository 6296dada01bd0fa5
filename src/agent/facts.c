/* SPDX-License-Identifier: Apache-2.0 */
/* What a host has, and what of it must not be given away: looked at, and published when it has changed. */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "decide/judge.h"
#include "fleet/fleet.h"
#include "shape/claim.h"

/* an owner that is a VM, as it is published */
#define VM "VM "

const struct pt_domain *pt_agent_user(const struct pt_agent *a, struct pt_bdf bdf)
{
	for (size_t i = 0; i < a->vms.n; i++)
		if (pt_judge_holds(&a->vms.v[i], bdf))
			return &a->vms.v[i];
	return NULL;
}

static int ask_vms(struct pt_agent *a)
{
	PT_AUTO(pt_domains) vms = { 0 };
	struct pt_error why = { 0 };
	int r;

	a->asking = true;
	r = a->hands->vms(a->hands->ctx, &vms, &why);
	a->asking = false;
	if (r < 0) {
		pt_strset(&a->blind, why.msg);
		pt_agent_say_once(a, LOG_WARNING, NULL, NULL, "which VMs use devices of this host is not known: %s",
				  why.msg);
		return r;
	}
	pt_domains_done(&a->vms);
	a->vms = pt_take(vms);
	a->asked = true;
	pt_strset(&a->blind, NULL);
	return 0;
}

/* what the last record of this host said of its VMs, where libvirt has not been heard yet: used is what was used */
static int remember_users(struct pt_agent *a, struct pt_error *err)
{
	pt_autofree char *key = pt_strf("facts/%s", a->host);
	PT_AUTO(pt_host_record) was = { 0 };
	PT_AUTO(pt_record) record = { 0 };
	int r = pt_store_get(a->store, key, &record, err);

	/* one that is not understood tells nothing, and is written anew */
	if (r <= 0 || pt_host_record_read(record.value, key, &was, NULL) < 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < was.host.n; i++) {
		int64_t at = pt_inv_host_find(&a->facts, was.host.v[i].bdf);

		if (at >= 0 && !a->facts.v[at].owner && was.host.v[i].owner && pt_startswith(was.host.v[i].owner, VM))
			a->facts.v[at].owner = pt_strdup(was.host.v[i].owner);
	}
	return 0;
}

int pt_agent_look(struct pt_agent *a, bool vms, struct pt_error *err)
{
	struct pt_inv_host facts = { 0 };
	int r = a->hands->facts(a->hands->ctx, &facts, err);

	if (r < 0)
		return r;
	a->moving = r == 1;
	pt_inv_host_done(&a->facts);
	a->facts = facts;
	pt_strset(&a->facts.name, a->host);
	for (size_t i = 0; a->networks && i < a->networks->n; i++) {
		const struct pt_network *n = &a->networks->v[i];
		const struct pt_inv_network one = { pt_strdup(n->name), pt_strdup_opt(n->physical_network) };

		pt_array_push(&a->facts.networks, one);
	}
	if (vms)
		/* what was seen before stays: nothing that may be used is offered */
		(void)ask_vms(a);
	for (size_t i = 0; i < a->facts.n; i++) {
		struct pt_inv_device *d = &a->facts.v[i];
		const struct pt_domain *user = pt_agent_user(a, d->bdf);

		if (!d->owner && user)
			d->owner = pt_strf(VM "%s", user->name);
	}
	pt_agent_mark_refused(a);
	return a->asked ? 0 : remember_users(a, err);
}

/* the cards that have still not got what is kept of them; NULL: none; the caller frees */
static char *note(const struct pt_agent *a)
{
	PT_AUTO(pt_strv) lines = { 0 };

	for (size_t i = 0; i < a->lacks.n; i++)
		if (!pt_inv_host_is_parent(&a->facts, a->lacks.v[i].pf))
			pt_strv_addf(&lines, "%s has no virtual functions: %.300s", pt_bdf_str(a->lacks.v[i].pf).s,
				     a->lacks.v[i].why);
	return lines.n ? pt_strv_join(&lines, "; ") : NULL;
}

int pt_agent_publish(struct pt_agent *a, struct pt_error *err)
{
	pt_autofree char *lacks = note(a);
	const struct pt_host_record record = {
		.host = a->facts, .config = { .device_spec = a->config->device_spec }, .agent = true, .note = lacks
	};
	char *text = pt_record_text(pt_host_record_json(&record));
	int r;

	if (pt_streq(text, a->published)) {
		free(text);
		return 0;
	}
	r = pt_fleet_publish(a->store, &record, err);
	if (r < 0) {
		free(text);
		return r;
	}
	free(a->published);
	a->published = text;
	if (r > 0)
		pt_agent_say(a, LOG_INFO, NULL, NULL, "published: %zu devices", a->facts.n);
	return r;
}
