/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/failover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "decide/judge.h"
#include "model/vf.h"

#define ON "--failover-on"

void pt_failover_done(struct pt_failover *f)
{
	free(f->type);
	free(f->source);
	free(f->where);
	*f = (struct pt_failover){ 0 };
}

void pt_failover_name(struct pt_failover *f, const uint8_t mac[6])
{
	memcpy(f->mac, mac, 6);
	(void)snprintf(f->alias, sizeof(f->alias), "ua-standby-%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2],
		       mac[3], mac[4], mac[5]);
}

static bool has_device(const struct pt_domain *vm, const char *alias)
{
	for (size_t i = 0; i < vm->hostdevs.n; i++)
		if (alias && pt_streq(vm->hostdevs.v[i].team_of, alias))
			return true;
	return false;
}

/* QEMU has failover in virtio-net alone; an alias of the user's is a name of ours to use, all others are libvirt's */
static bool fits(const struct pt_domain *vm, const struct pt_domain_nic *n)
{
	return n->mac && n->model && pt_startswith(n->model, "virtio") && !has_device(vm, n->alias);
}

static char *list_nics(const struct pt_domain *vm, bool fitting)
{
	PT_AUTO(pt_strv) all = { 0 };

	for (size_t i = 0; i < vm->nics.n; i++) {
		const struct pt_domain_nic *n = &vm->nics.v[i];

		if (!fitting || fits(vm, n))
			pt_strv_addf(&all, "%s (%s%s%s, %s)", n->mac ? n->mac : "without a MAC",
				     n->type ? n->type : "?", n->source ? " " : "", n->source ? n->source : "",
				     n->model ? n->model : "no model named");
	}
	return pt_strv_join(&all, ", ");
}

static int take(const struct pt_domain_nic *n, struct pt_failover *ret, struct pt_error *err)
{
	struct pt_failover f = { 0 };
	uint8_t mac[6];

	if (pt_mac_parse(n->mac, mac) < 0)
		return pt_refuse(err, "failover-interface", "the interface with the MAC '%s' has no usable one",
				 n->mac);
	pt_failover_name(&f, mac);
	if (n->alias && pt_startswith(n->alias, "ua-")) {
		if (strlen(n->alias) >= sizeof(f.alias))
			return pt_refuse(err, "failover-interface", "the alias %s of the interface %s is too long",
					 n->alias, n->mac);
		(void)snprintf(f.alias, sizeof(f.alias), "%s", n->alias);
		f.paired = n->persistent;
	}
	f.where = pt_strf("%s%s%s", n->type ? n->type : "interface", n->source ? " " : "", n->source ? n->source : "");
	*ret = f;
	return 0;
}

static int take_named(const struct pt_domain *vm, const char *mac, struct pt_failover *ret, struct pt_error *err)
{
	pt_autofree char *list = list_nics(vm, false);
	int r;

	for (size_t i = 0; i < vm->nics.n; i++) {
		const struct pt_domain_nic *n = &vm->nics.v[i];

		if (!n->mac || strcasecmp(n->mac, mac) != 0)
			continue;
		if (fits(vm, n))
			return take(n, ret, err);
		r = pt_refuse(err, "failover-interface", "the interface %s of VM %s cannot stand in for a device: %s",
			      mac, vm->name,
			      has_device(vm, n->alias) ? "it does so for another" : "it is none of model virtio");
		pt_hint(err, "name another one, or a bridge for a new one: " ON " bridge:NAME");
		return r;
	}
	r = pt_usage(err, -ENOENT, "VM %s has no interface with the MAC %s", vm->name, mac);
	pt_hint(err, "it has %s", *list ? list : "none at all");
	return r;
}

/* one that stood in before is meant before all others */
static int take_only(const struct pt_domain *vm, struct pt_failover *ret, struct pt_error *err)
{
	const struct pt_domain_nic *only = NULL;
	pt_autofree char *fitting = list_nics(vm, true);
	pt_autofree char *all = list_nics(vm, false);
	size_t persistent = 0;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < vm->nics.n; i++) {
		bool fit = fits(vm, &vm->nics.v[i]);

		n += fit;
		persistent += fit && vm->nics.v[i].persistent;
		if (fit && (!only || (vm->nics.v[i].persistent && !only->persistent)))
			only = &vm->nics.v[i];
	}
	if (n == 1 || persistent == 1)
		return take(only, ret, err);
	if (n) {
		r = pt_refuse(err, "failover-interface", "VM %s has %zu virtio interfaces that could stand in: %s",
			      vm->name, n, fitting);
		pt_hint(err, "say which: " ON " MAC");
		return r;
	}
	r = pt_refuse(err, "failover-interface", "VM %s has no virtio interface that could stand in for the device%s%s",
		      vm->name, *all ? "; it has " : "", all);
	pt_hint(err, "name what a new one is to be on: " ON " bridge:NAME, or network:NAME");
	return r;
}

int pt_failover_pick(const struct pt_domain *vm, const char *on, struct pt_failover *ret, struct pt_error *err)
{
	const char *name = on ? strchr(on, ':') : NULL;
	uint8_t mac[6];
	int r;

	if (!on)
		return take_only(vm, ret, err);
	if (pt_mac_parse(on, mac) == 0)
		return take_named(vm, on, ret, err);
	if (name && name[1] && (pt_startswith(on, "bridge:") || pt_startswith(on, "network:"))) {
		*ret = (struct pt_failover){ .type = pt_strndup(on, (size_t)(name - on)),
					     .source = pt_strdup(name + 1) };
		ret->where = pt_strf("%s %s", ret->type, ret->source);
		return 0;
	}
	r = pt_usage(err, -EINVAL, ON " %s is neither bridge:NAME, network:NAME nor a MAC", on);
	pt_hint(err, "a MAC names an interface that the VM has; the others make a new one there");
	return r;
}

static const struct pt_domain_nic *running_one(const struct pt_judge *j, const char *alias)
{
	for (size_t i = 0; j->running && i < j->running->nics.n; i++)
		if (pt_streq(j->running->nics.v[i].alias, alias) && j->running->nics.v[i].persistent)
			return &j->running->nics.v[i];
	return NULL;
}

void pt_judge_failover(struct pt_judge *j, struct pt_domain_edit *edit)
{
	const struct pt_failover *f = j->request->failover;

	if (!f)
		return;
	if (j->vm->pcie_ports < 0)
		pt_judge_refuse(j, PT_FORCE_NEVER, "failover-machine", NULL,
				"leave --failover out, or use a machine type with PCI Express (q35)",
				"QEMU pairs a device with a virtio interface on PCI Express only, and VM %s has the "
				"machine type %s",
				j->vm->name, j->vm->machine ? j->vm->machine : "that its libvirt chooses");
	if (j->request->live && j->running && !running_one(j, f->alias))
		pt_judge_refuse(j, PT_FORCE_NEVER, "failover-live", NULL,
				"leave --live out this once: from its next start on it can",
				"VM %s runs without an interface that can stand in: QEMU takes that at its start only",
				j->vm->name);
	pt_judge_say(j, PT_NOTE, "failover", NULL, NULL,
		     "%s interface %s (%s) of %s stands in while the device is away; a guest that knows the pair "
		     "(Linux: net_failover) shows them as one, with one MAC",
		     f->type ? "a new virtio" : "its virtio", pt_mac_str(f->mac).s, f->where, j->vm->name);
	if (f->paired)
		return;
	edit->standby = (struct pt_standby){ .wanted = true,
					     .type = pt_strdup_opt(f->type),
					     .source = pt_strdup_opt(f->source) };
	memcpy(edit->standby.mac, f->mac, sizeof(f->mac));
	memcpy(edit->standby.alias, f->alias, sizeof(f->alias));
}
