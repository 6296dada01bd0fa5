/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/identify.h"
#include "cli/networking.h"
#include "cli/prove.h"
#include "decide/doctor.h"
#include "decide/verify.h"
#include "host/pci.h"
#include "host/platform.h"
#include "host/sriov-kept.h"
#include "model/vf.h"
#include "vm/netpools.h"

#define PROVE_S	      180
#define PROVE_AGENT_S 90

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	PT_LIVE_OPTIONS,
	{ "start", 0, NULL, "start the VM afterwards even if it did not run", false },
	{ "spare-ports", 0, "N", "have so many free root ports in the definition, for devices while it runs", false },
	{ "autostart", 0, NULL, "let the VM start when this host boots", false },
	{ "managed", 0, "yes|no", "libvirt's managed=: no for storage controllers, else yes", false },
	{ "failover", 0, NULL, "a virtio interface of the VM stands in while the device is away", false },
	{ "failover-on", 0, "WHAT", "the same: a new one on bridge:NAME or network:NAME, or the one with this MAC",
	  false },
	{ "network", 0, "NAME", "pick a free virtual function and put it into this network", false },
	{ "stop-timeout", 0, "SECONDS", "how long the guest may take to shut down (180)", false },
	{ "prove-timeout", 0, "SECONDS", "how long to wait for the guest's proofs (180)", false },
	PT_FORCE_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

/* after the change nobody on this host can ask the disks for their numbers any more */
static void keep_carried(struct pt_plan *plan, const struct pt_host *host)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].kind == PT_STEP_DRIVER && !plan->steps.v[i].carried)
			plan->steps.v[i].carried = pt_carried(host, plan->steps.v[i].bdf);
}

static void tell_blind(struct pt_plan *plan, const struct pt_strv *blind)
{
	for (size_t i = 0; i < blind->n; i++)
		pt_findings_add(&plan->findings, PT_UNKNOWN, "not-seen", NULL, NULL, "%s", blind->v[i]);
}

static bool has_step(const struct pt_plan *plan, enum pt_step_kind kind)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].kind == kind)
			return true;
	return false;
}

/* the decision knows that there is no IOMMU; doctor knows why, and what this host's owner can do about it */
static void tell_why_no_iommu(const struct pt_cli *cli, const struct pt_host *host, struct pt_findings *findings,
			      struct pt_error *err)
{
	PT_AUTO(pt_platform) platform = { 0 };
	PT_AUTO(pt_findings) judged = { 0 };
	const struct pt_finding *first;

	if (host->iommu_active != PT_KNOWN_NO)
		return;
	pt_platform_read(&cli->root, &platform);
	pt_doctor_iommu(&platform, host, &judged);
	first = pt_doctor_first(&judged);
	for (size_t i = 0; first && i < findings->n; i++) {
		struct pt_finding *f = &findings->v[i];
		pt_autofree char *fact = NULL;

		if (strcmp(f->name, "no-iommu") != 0)
			continue;
		fact = pt_strf("%s: %s", f->fact, first->fact);
		pt_strset(&f->fact, fact);
		pt_strset(&f->where, first->where);
		pt_strset(&f->fix, first->fix);
		(void)pt_refuse(err, "no-iommu", "%s", f->fact);
		pt_hint(err, "%s", f->fix ? f->fix : "`passthru doctor` tells more");
	}
}

/* with --network its settings are kept, and its number with them; given as it is, it is as good as its next boot */
static void tell_vfs(struct pt_cli *cli, const struct pt_giving *g, struct pt_findings *to)
{
	PT_AUTO(pt_sriov_states) kept = { 0 };

	(void)pt_sriov_kept_list(&cli->root, &kept, NULL, NULL);
	for (size_t i = 0; i < g->wanted.n; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, g->wanted.v[i]);
		const struct pt_device *pf =
			d && d->sriov == PT_SRIOV_VF ? pt_devices_find(&g->host.devices, d->pf) : NULL;
		pt_autofree char *manager = pf ? pt_sriov_manager(&cli->root, pf) : NULL;
		pt_autofree char *fix = NULL;
		bool is_kept = !pf || manager;

		for (size_t k = 0; k < kept.n && !is_kept; k++)
			is_kept = pt_sriov_kept_is(&kept.v[k], pf) && kept.v[k].vfs > d->vf_index;
		if (is_kept)
			continue;
		fix = pt_strf("`passthru sriov %s --vfs %d` keeps them, and makes them at each boot",
			      pt_bdf_str(pf->bdf).s, pf->vfs_now);
		pt_findings_add(to, PT_WARN, "vfs-not-kept", PT_SRIOV_DIR, fix,
				"%s is VF %d of %s, and nothing is known that makes it after a reboot: VM %s cannot "
				"start then",
				pt_bdf_str(d->bdf).s, d->vf_index, pt_bdf_str(pf->bdf).s, g->vm.name);
	}
}

/* the function that a network interface is on, and the card of a virtual one */
static bool lends(const struct pt_cli *cli, const struct pt_netpool *pool, const struct pt_device *d)
{
	for (size_t i = 0; i < pool->functions.n; i++)
		if (pt_bdf_eq(pool->functions.v[i], d->bdf))
			return true;
	for (size_t i = 0; i < pool->pfs.n; i++) {
		pt_autofree char *link = pt_strf("class/net/%s", pool->pfs.v[i]);
		pt_autofree char *target = NULL;
		struct pt_bdf pf;

		if (!strchr(pool->pfs.v[i], '/') && pt_file_link(cli->root.sys_fd, link, &target) == 0 &&
		    pt_pci_of_path(target, &pf) == 1 && pt_bdf_eq(pf, d->sriov == PT_SRIOV_VF ? d->pf : d->bdf))
			return true;
	}
	return false;
}

/* libvirt picks a function of its pool when a VM starts, whoever has it in a definition by then */
static void tell_pools(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_giving *g, struct pt_findings *to)
{
	PT_AUTO(pt_netpools) pools = { 0 };

	(void)PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, (pt_vm_netpools(conn, &pools), 0));
	for (size_t i = 0; i < g->wanted.n; i++) {
		const struct pt_device *d = pt_devices_find(&g->host.devices, g->wanted.v[i]);

		for (size_t k = 0; k < pools.n && d; k++)
			if (lends(cli, &pools.v[k], d))
				pt_findings_add(
					to, PT_WARN, "libvirt-pool", "<forward mode='hostdev'>",
					"take it out of that network (`virsh net-edit`), or give VMs that network",
					"libvirt's network %s lends %s to VMs that start: it may pick it for another "
					"VM, and one of the two does not start then",
					pools.v[k].network, pt_bdf_str(d->bdf).s);
	}
}

static int decide(struct pt_cli *cli, const struct pt_giving *g, struct pt_attach_request *request,
		  struct pt_plan *ret_plan, struct pt_error *err)
{
	const struct pt_attach_facts facts = {
		.host = &g->host,
		.vm = &g->vm,
		.running = g->runs ? &g->running : NULL,
		.others = &g->others,
		.disk_of = g->claims.disk_of.v,
		.claims = g->claims.found.v,
		.n_claims = g->claims.found.n,
	};
	int r;

	request->devices = g->wanted.v;
	request->n_devices = g->wanted.n;
	r = pt_decide_attach(&facts, request, ret_plan, err);
	if (r < 0)
		tell_why_no_iommu(cli, &g->host, &ret_plan->findings, err);
	keep_carried(ret_plan, &g->host);
	tell_blind(ret_plan, &g->blind);
	if (r < 0)
		return pt_giving_refused(cli, ret_plan, r, err);
	return pt_identify_steps(cli, &g->host, ret_plan, err);
}

struct proving {
	struct pt_cli *cli;
	struct pt_vm_conn *conn;
	struct pt_prove ask;
};

static int prove(void *ctx, struct pt_findings *ret_findings, struct pt_error *err)
{
	struct proving *p = ctx;

	return pt_prove(p->cli, p->conn, &p->ask, ret_findings, err);
}

/* a card that is given as it is brings its own MAC along, which the interface that stands in must have */
static int card_failover(struct pt_cli *cli, const struct pt_giving *g, struct pt_failover *f, struct pt_error *err)
{
	const struct pt_device *d = g->wanted.n == 1 ? pt_devices_find(&g->host.devices, g->wanted.v[0]) : NULL;
	pt_autofree char *path = NULL;
	pt_autofree char *text = NULL;
	uint8_t mac[6];
	int r = pt_networking_failover(cli, &g->vm, f, err);

	if (r <= 0)
		return r;
	if (!d || !pt_device_is_network(d))
		return pt_usage(err, -EINVAL, "--failover is about one network card or virtual function");
	path = pt_strf("class/net/%s/address", d->netdevs.n ? d->netdevs.v[0] : "");
	if (!d->netdevs.n || pt_file_read_line(cli->root.sys_fd, path, &text) < 0 || pt_mac_parse(text, mac) < 0) {
		r = pt_refuse(err, "failover-interface", "the MAC of %s cannot be read: no driver of this host has it",
			      pt_bdf_str(d->bdf).s);
		pt_hint(err, "give it back to its own driver first; a virtual function gets one with --network");
		return r;
	}
	if (f->type)
		pt_failover_name(f, mac);
	if (memcmp(mac, f->mac, sizeof(mac)) == 0)
		return 1;
	r = pt_refuse(err, "failover-interface",
		      "%s has the MAC %s, and the interface that is to stand in for it %s: a guest pairs the same",
		      pt_bdf_str(d->bdf).s, text, pt_mac_str(f->mac).s);
	pt_hint(err,
		"give that interface the card's MAC (`virsh edit %s`), or make a new one: --failover-on bridge:NAME",
		pt_shell(g->vm.name).s);
	return r;
}

static int attach(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_attach_request *asked, long prove_s,
		  struct pt_error *err)
{
	const char *network = pt_cli_value(cli, "network");
	struct pt_attach_request request = *asked;
	PT_AUTO(pt_networking) n = { 0 };
	PT_AUTO(pt_giving) g = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	struct proving p = { cli, conn, { .wait_s = prove_s, .agent_wait_s = PROVE_AGENT_S } };
	int r = network ? pt_networking_attach(cli, conn, network, &n, &g, err) : pt_giving_look(cli, conn, &g, err);

	if (r == 0)
		r = pt_giving_live(cli, conn, &g, err);
	if (r == 0)
		tell_pools(cli, conn, &g, &n.settings.findings);
	if (r == 0 && !network)
		tell_vfs(cli, &g, &n.settings.findings);
	if (r == 0 && !network)
		r = card_failover(cli, &g, &n.failover, err);
	/* without --network only that says "yes" like this */
	if (r > 0 && !network)
		r = 0;
	request.network = network ? &n.network : NULL;
	request.failover = n.failover.alias[0] ? &n.failover : NULL;
	request.settings = &n.settings;
	if (r == 0)
		r = decide(cli, &g, &request, &plan, err);
	if (r != 0)
		return r;
	p.ask.vm = g.vm.name;
	/* a VM that does not run proves nothing */
	return pt_changing_run(cli, conn, &plan, NULL,
			       has_step(&plan, PT_STEP_VM_START) || has_step(&plan, PT_STEP_VM_PLUG)
				       ? &(struct pt_changing_proof){ prove, &p }
				       : NULL,
			       err);
}

static int check_operands(const struct pt_cli *cli, struct pt_error *err)
{
	bool network = pt_cli_value(cli, "network") != NULL;
	int r;

	if (network ? cli->n_operands <= 2 : cli->n_operands >= 2 || pt_cli_value(cli, "spare-ports"))
		return 0;
	if (network)
		return pt_usage(err, -EINVAL,
				"--network gives one virtual function: name at most one device, the card "
				"or the function to take");
	r = pt_usage(err, -EINVAL, "no device is named");
	pt_hint(err, "`passthru list` shows them; --network NAME picks a free virtual function by itself");
	return r;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	pt_autofree const char **forced = NULL;
	struct pt_attach_request request;
	long prove_s = PROVE_S;
	int r = check_operands(cli, err);

	if (r >= 0)
		r = pt_cli_need_live(cli, err);
	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_cli_number(cli, "prove-timeout", 0, 3600, PROVE_S, &prove_s, err);
	if (r >= 0)
		r = pt_giving_options(cli, &request, &forced, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	return r < 0 ? r : attach(cli, conn, &request, prove_s, err);
}

const struct pt_command pt_command_attach = {
	.name = "attach",
	.args = "VM [DEVICE…]",
	.group = "Change",
	.summary = "Give a VM physical devices of this host, and prove that it has them",
	.description =
		"Looks first: what the devices carry, who uses them, their IOMMU groups, the memory that will be\n"
		"pinned. Refuses, with the reason and a way out, what would harm this host or another VM. Then shows\n"
		"the plan and asks. The VM is shut down, the devices are bound to VFIO, disks of the VM that lie\n"
		"behind them are taken out of its definition, the devices are put in, and it is started again.\n\n"
		"If a step fails or the VM does not come up, everything is put back as it was. When it is done, the\n"
		"kernel, libvirt and the guest are asked for proofs, as `passthru verify` does. `passthru undo` takes\n"
		"the change back.\n\n"
		"With --network a free virtual function of a card on that network is picked, on the VM's NUMA node if\n"
		"there is one, and set as the network says: MAC (the same for this VM and network each time), VLAN\n"
		"and the rest. The VM gets it as an interface. A DEVICE, a card or a virtual function, narrows the\n"
		"choice. `passthru detach` and `undo` put the settings back.\n\n"
		"With --live the VM runs on: its guest is given the devices, and the definition has them from then\n"
		"on. What a running VM cannot take is refused before anything is touched.",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
