/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/networking.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/changing.h"
#include "cli/networks.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "host/gather.h"
#include "host/resolve.h"
#include "host/sriov-kept.h"
#include "host/sriov.h"
#include "journal/journal.h"

PT_DEFINE_CLEANUP(struct pt_journal *, pt_journal_close)

void pt_networking_done(struct pt_networking *n)
{
	pt_networks_done(&n->networks);
	free(n->on.v);
	for (size_t i = 0; i < n->pfs.n; i++)
		pt_sriov_done(&n->pfs.v[i]);
	free(n->pfs.v);
	for (size_t i = 0; i < n->managers.n; i++)
		free(n->managers.v[i]);
	free(n->managers.v);
	/* its members are the giving's */
	free(n->vms.v);
	pt_plan_done(&n->settings);
	pt_failover_done(&n->failover);
	*n = (struct pt_networking){ 0 };
}

/* the functions on the network's cables, as device_spec tags them */
static int find_on(struct pt_cli *cli, struct pt_networking *n, const struct pt_devices *devices, struct pt_error *err)
{
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	PT_AUTO(pt_strv) physnets = { 0 };
	int r = 0;

	for (size_t i = 0; !n->wanted->physical_network && i < devices->n; i++)
		if (pt_device_is_network(&devices->v[i]))
			pt_array_push(&n->on, devices->v[i].bdf);
	if (!n->wanted->physical_network)
		return 0;
	r = pt_placeable_hosts(cli, &hosts, NULL, err);
	if (r == 0)
		r = pt_network_physnets(cli, &hosts.v[0], &physnets, err);
	for (size_t i = 0; r == 0 && i < hosts.v[0].n; i++)
		if (pt_streq(physnets.v[i], n->wanted->physical_network))
			pt_array_push(&n->on, hosts.v[0].v[i].bdf);
	return r;
}

static bool has_pf(const struct pt_networking *n, struct pt_bdf pf)
{
	for (size_t i = 0; i < n->pfs.n; i++)
		if (pt_bdf_eq(n->pfs.v[i].pf, pf))
			return true;
	return false;
}

static void read_pf(struct pt_cli *cli, struct pt_networking *n, const struct pt_devices *devices, struct pt_bdf pf)
{
	const struct pt_device *d = pt_devices_find(devices, pf);

	if (!d || has_pf(n, pf))
		return;
	pt_sriov_read(&cli->root, d, pt_array_add(&n->pfs));
	pt_array_push(&n->managers, pt_sriov_manager(&cli->root, d));
}

/* every function of the network, and the PFs of its VFs: who uses them, what they are set to */
static int look_around(struct pt_cli *cli, struct pt_networking *n, struct pt_giving *g, struct pt_error *err)
{
	PT_ARRAY(struct pt_bdf) of = { 0 };
	int r;

	for (size_t i = 0; i < n->on.n; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, n->on.v[i]);

		if (!d || d->sriov == PT_SRIOV_NONE)
			continue;
		pt_array_push(&of, d->bdf);
		if (d->sriov == PT_SRIOV_VF)
			pt_array_push(&of, d->pf);
	}
	r = pt_gather(&cli->root, of.v, of.n, &g->host, &g->blind, err);
	free(of.v);
	for (size_t i = 0; i < n->on.n && r >= 0; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, n->on.v[i]);

		if (d && d->sriov == PT_SRIOV_VF)
			read_pf(cli, n, &g->host.devices, d->pf);
	}
	return r;
}

static bool is_used(const struct pt_host *host, struct pt_bdf bdf)
{
	for (size_t i = 0; i < host->uses.n; i++)
		if (pt_bdf_eq(host->uses.v[i].bdf, bdf))
			return true;
	return false;
}

/* an idle VF's interface on this host keeps the MAC that its last guest had until its driver starts anew */
static bool is_idle_vf(const struct pt_host *host, const char *netdev)
{
	for (size_t i = 0; i < host->devices.n; i++) {
		const struct pt_device *d = &host->devices.v[i];

		if (d->sriov == PT_SRIOV_VF && pt_strv_has(&d->netdevs, netdev))
			return !is_used(host, d->bdf);
	}
	return false;
}

/* every MAC that is in use on this host but that of @vf, which is about to change */
static void find_macs(const struct pt_cli *cli, const struct pt_networking *n, const struct pt_giving *g,
		      const struct pt_device *vf, struct pt_strv *ret_macs)
{
	PT_AUTO(pt_strv) names = { 0 };

	for (size_t i = 0; i < n->vms.n; i++)
		for (size_t k = 0; k < n->vms.v[i].macs.n; k++)
			pt_strv_add(ret_macs, n->vms.v[i].macs.v[k]);
	/* where there is no network at all, there is no address */
	(void)pt_file_list(cli->root.sys_fd, "class/net", &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("class/net/%s/address", names.v[i]);
		char *mac = NULL;

		if (!is_idle_vf(&g->host, names.v[i]) && pt_file_read_line(cli->root.sys_fd, path, &mac) >= 0)
			pt_strv_take(ret_macs, mac);
	}
	for (size_t i = 0; i < n->pfs.n; i++)
		for (size_t k = 0; k < n->pfs.v[i].link.vfs.n; k++) {
			const struct pt_vf_settings *s = &n->pfs.v[i].link.vfs.v[k];

			if ((s->has & PT_VF_MAC) && !(pt_bdf_eq(n->pfs.v[i].pf, vf->pf) && (int)k == vf->vf_index))
				pt_strv_add(ret_macs, pt_mac_str(s->mac).s);
		}
}

/* what is kept of one PF; the facts borrow it */
struct kept {
	struct pt_sriov_states all;
	char *text;
	char *manager;
};

static void kept_done(struct kept *k)
{
	pt_sriov_states_done(&k->all);
	free(k->text);
	free(k->manager);
}

static int read_facts(struct pt_cli *cli, const struct pt_networking *n, const struct pt_giving *g, struct pt_bdf bdf,
		      struct kept *k, struct pt_sriov_facts *ret_facts, struct pt_error *err)
{
	const struct pt_device *pf = pt_devices_find(&g->host.devices, bdf);
	int r = pt_sriov_kept_text(&cli->root, bdf, &k->text, err);

	if (r == 0)
		r = pt_sriov_kept_list(&cli->root, &k->all, NULL, err);
	if (r < 0)
		return r;
	*ret_facts = (struct pt_sriov_facts){ .host = &g->host, .vms = &n->vms, .kept_text = k->text };
	for (size_t i = 0; i < k->all.n; i++)
		if (pt_sriov_kept_is(&k->all.v[i], pf))
			ret_facts->kept = &k->all.v[i];
	for (size_t i = 0; i < n->pfs.n; i++)
		if (pt_bdf_eq(n->pfs.v[i].pf, bdf))
			ret_facts->sriov = &n->pfs.v[i];
	k->manager = pt_sriov_manager(&cli->root, pf);
	ret_facts->manager = k->manager;
	return 0;
}

/* all VMs of this host, this one too; shallow */
static void all_vms(struct pt_networking *n, const struct pt_giving *g)
{
	pt_array_push(&n->vms, g->vm);
	for (size_t i = 0; i < g->others.n; i++)
		pt_array_push(&n->vms, g->others.v[i]);
}

static int look(struct pt_cli *cli, struct pt_vm_conn *conn, const char *name, struct pt_networking *n,
		struct pt_giving *g, struct pt_error *err)
{
	int r = pt_placeable_networks(cli, NULL, 0, &n->networks, err);

	if (r == 0)
		r = pt_network_of(&n->networks, name, &n->wanted, err);
	if (r == 0)
		r = pt_changing_begin(cli, err);
	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_find(conn, cli->operands[0], &g->vm, err));
	if (r >= 0)
		r = pt_look_devices(cli, &g->host.devices, err);
	if (r >= 0)
		r = find_on(cli, n, &g->host.devices, err);
	if (r >= 0)
		r = look_around(cli, n, g, err);
	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_list(conn, g->vm.uuid, &g->others, err));
	return r;
}

static int pick(struct pt_cli *cli, struct pt_networking *n, struct pt_giving *g, struct pt_findings *findings,
		struct pt_bdf *ret_vf, struct pt_error *err)
{
	struct pt_bdf only;
	struct pt_network_facts facts = {
		.host = &g->host,
		.vm = &g->vm,
		.others = &g->others,
		.network = n->wanted,
		.on = n->on.v,
		.n_on = n->on.n,
		.pfs = n->pfs.v,
		.n_pfs = n->pfs.n,
		.managers = (const char *const *)n->managers.v,
	};
	int r = 0;

	if (cli->n_operands > 1) {
		r = pt_resolve_device(&cli->root, &g->host.devices, cli->operands[1], &only, err);
		facts.only = &only;
	}
	return r < 0 ? r : pt_network_pick(&facts, ret_vf, findings, err);
}

int pt_networking_failover(struct pt_cli *cli, const struct pt_domain *vm, struct pt_failover *ret_failover,
			   struct pt_error *err)
{
	const char *on = pt_cli_value(cli, "failover-on");
	int r;

	if (!on && !pt_cli_flag(cli, "failover"))
		return 0;
	r = pt_failover_pick(vm, on, ret_failover, err);
	return r < 0 ? r : 1;
}

/* that of the interface that stands in, where the VM has it; one of our making otherwise */
static void choose_mac(struct pt_cli *cli, struct pt_networking *n, const struct pt_giving *g,
		       const struct pt_device *vf, bool failover)
{
	PT_AUTO(pt_strv) macs = { 0 };

	if (failover && !n->failover.type) {
		memcpy(n->network.mac, n->failover.mac, sizeof(n->network.mac));
		return;
	}
	find_macs(cli, n, g, vf, &macs);
	pt_network_mac(g->vm.uuid, n->wanted->name, &macs, n->network.mac);
	if (failover)
		pt_failover_name(&n->failover, n->network.mac);
}

static int settle(struct pt_cli *cli, struct pt_networking *n, struct pt_giving *g, struct pt_bdf vf,
		  struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(&g->host.devices, vf);
	PT_CLEANUP(kept_done) struct kept kept = { 0 };
	struct pt_sriov_facts facts;
	int r = pt_networking_failover(cli, &g->vm, &n->failover, err);

	if (r < 0)
		return r;
	all_vms(n, g);
	choose_mac(cli, n, g, d, r == 1);
	n->network.name = n->wanted->name;
	n->network.vlan = n->wanted->settings.vlan;
	r = read_facts(cli, n, g, d->pf, &kept, &facts, err);
	return r < 0 ? r : pt_network_settings(&facts, n->wanted, vf, n->network.mac, &n->settings, err);
}

static void add_findings(struct pt_plan *plan, struct pt_findings *from)
{
	for (size_t i = 0; i < from->n; i++)
		pt_array_push(&plan->findings, from->v[i]);
	from->n = 0;
}

int pt_networking_attach(struct pt_cli *cli, struct pt_vm_conn *conn, const char *name, struct pt_networking *n,
			 struct pt_giving *ret_giving, struct pt_error *err)
{
	PT_AUTO(pt_giving) g = { 0 };
	PT_AUTO(pt_findings) findings = { 0 };
	struct pt_bdf vf = { 0 };
	int r = look(cli, conn, name, n, &g, err);

	if (r < 0)
		return r;
	r = pick(cli, n, &g, &findings, &vf, err);
	if (r >= 0)
		r = settle(cli, n, &g, vf, err);
	add_findings(&n->settings, &findings);
	if (r < 0)
		return pt_giving_refused(cli, &n->settings, r, err);
	pt_array_push(&g.wanted, vf);
	pt_claims_find(&cli->root, &g.host.blocks, &g.vm, &g.others, &g.claims);
	*ret_giving = g;
	g = (struct pt_giving){ 0 };
	return 0;
}

/* the steps of the change that put the VF into this VM's definition as an interface */
static bool gave(const struct pt_change_record *record, const struct pt_domain *vm, struct pt_bdf vf)
{
	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		for (size_t k = 0; s->kind == PT_STEP_VM_DEFINE && k < s->edit.add_hostdevs.n; k++)
			if (pt_streq(s->vm_uuid, vm->uuid) && s->edit.add_hostdevs.v[k].is_interface &&
			    pt_bdf_eq(s->edit.add_hostdevs.v[k].bdf, vf))
				return true;
	}
	return false;
}

/* the newest change that stands and gave it; 1, or 0 where none did */
static int find_change(struct pt_journal *journal, const struct pt_domain *vm, struct pt_bdf vf,
		       struct pt_change_record *ret_record)
{
	PT_AUTO(pt_change_list) list = { 0 };
	int r = pt_journal_list(journal, false, &list, NULL);

	for (size_t i = list.n; r >= 0 && i-- > 0;) {
		PT_AUTO(pt_change_record) record = { 0 };

		if (list.v[i].state != PT_CHANGE_DONE || pt_journal_get(journal, list.v[i].id, &record, NULL) < 0 ||
		    !gave(&record, vm, vf))
			continue;
		*ret_record = record;
		record = (struct pt_change_record){ 0 };
		return 1;
	}
	return 0;
}

static int give_back(struct pt_cli *cli, const struct pt_giving *g, const struct pt_device *vf,
		     const struct pt_change_record *record, struct pt_networking *n, char **kept_text,
		     struct pt_error *err)
{
	PT_CLEANUP(kept_done) struct kept kept = { 0 };
	struct pt_vf_before before = { .state = "" };
	struct pt_sriov_facts facts;
	int r = read_facts(cli, n, g, vf->pf, &kept, &facts, err);

	for (size_t i = 0; i < record->steps.n; i++) {
		const struct pt_step *s = &record->steps.v[i].step;

		if (s->kind == PT_STEP_SRIOV && pt_bdf_eq(s->bdf, vf->pf))
			before.state = s->state_before;
		if (s->kind == PT_STEP_SRIOV_KEEP && pt_bdf_eq(s->bdf, vf->pf)) {
			before.kept = s->state_before;
			before.kept_changed = true;
		}
	}
	if (r < 0 || !facts.sriov)
		return r;
	/* what an earlier one of this plan leaves kept is what the next one finds */
	if (!*kept_text && kept.text)
		*kept_text = pt_strdup(kept.text);
	return pt_network_give_back(&facts, vf->bdf, &before, kept_text, &n->settings, err);
}

/* what is set for it may be another VM's by now */
static bool another_has(const struct pt_giving *g, struct pt_bdf vf)
{
	for (size_t i = 0; i < g->others.n; i++)
		if (pt_domain_hostdev_by_bdf(&g->others.v[i], vf))
			return true;
	return false;
}

/* the VFs of one PF, one after the other */
static int give_back_all(struct pt_cli *cli, const struct pt_giving *g, struct pt_journal *journal, struct pt_bdf pf,
			 struct pt_networking *n, struct pt_error *err)
{
	pt_autofree char *kept_text = NULL;
	int r = 0;

	for (size_t i = 0; i < g->wanted.n && r >= 0; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, g->wanted.v[i]);
		PT_AUTO(pt_change_record) record = { 0 };

		if (d && d->sriov == PT_SRIOV_VF && pt_bdf_eq(d->pf, pf) && !another_has(g, d->bdf) &&
		    find_change(journal, &g->vm, d->bdf, &record) == 1)
			r = give_back(cli, g, d, &record, n, &kept_text, err);
	}
	return r;
}

int pt_networking_detach(struct pt_cli *cli, const struct pt_giving *g, struct pt_networking *n, struct pt_error *err)
{
	PT_CLEANUP(pt_journal_closep) struct pt_journal *journal = NULL;
	int r = 0;

	/* without a journal we set nothing for them */
	if (pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, NULL) < 0)
		return 0;
	all_vms(n, g);
	for (size_t i = 0; i < g->wanted.n; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, g->wanted.v[i]);

		if (d && d->sriov == PT_SRIOV_VF)
			read_pf(cli, n, &g->host.devices, d->pf);
	}
	for (size_t i = 0; i < n->pfs.n && r >= 0; i++)
		r = give_back_all(cli, g, journal, n->pfs.v[i].pf, n, err);
	return r;
}
