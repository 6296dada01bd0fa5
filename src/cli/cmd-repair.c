/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/giving.h"
#include "cli/identify.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "decide/group.h"
#include "decide/repair.h"
#include "host/block.h"
#include "host/gather.h"
#include "host/reserved.h"

#define PROBE_S 60

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	{ "probe", 0, NULL, "let the host's driver look behind cards that fit, and bind them back", false },
	{ "probe-timeout", 0, "SECONDS", "how long a driver may take to find what is behind its card (60)", false },
	PT_FORCE_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

struct repairing {
	struct pt_cli *cli;
	struct pt_vm_conn *conn;
	struct pt_domains vms;
	struct pt_domain vm;
	struct pt_host host;
	struct pt_identities present;
	struct pt_whereabouts_list where;
	struct pt_repair_request request;
};

static void repairing_done(struct repairing *r)
{
	pt_domains_done(&r->vms);
	pt_domain_done(&r->vm);
	pt_host_done(&r->host);
	pt_identities_done(&r->present);
	pt_whereabouts_list_done(&r->where);
}

/* the devices, and of those that could be meant what they are recognised by */
static int look_at_devices(struct repairing *r, struct pt_identities *ret_present, struct pt_error *err)
{
	PT_AUTO(pt_blocks) blocks = { 0 };
	int code;

	pt_devices_done(&r->host.devices);
	code = pt_look_devices(r->cli, &r->host.devices, err);
	if (code == 0)
		code = pt_block_list(&r->cli->root, &blocks, err);
	return code < 0
		       ? code
		       : pt_keep_present(&r->cli->root, &r->host.reserved, &r->host.devices, &blocks, ret_present, err);
}

/* VMs and reservations; what another change does to them from here on makes the plan stale */
static int look_at_records(struct repairing *r, struct pt_error *err)
{
	PT_AUTO(pt_strv) bad = { 0 };
	int code = pt_changing_begin(r->cli, err);

	pt_domains_done(&r->vms);
	pt_domain_done(&r->vm);
	pt_keeps_done(&r->host.reserved);
	if (code == 0)
		code = pt_vm_list(r->conn, NULL, &r->vms, err);
	if (code == 0 && r->cli->n_operands)
		code = pt_vm_find(r->conn, r->cli->operands[0], &r->vm, err);
	if (code == 0)
		code = pt_keep_list(&r->cli->root, &r->host.reserved, &bad, err);
	if (code == 0 && bad.n)
		return pt_say(err, -EBADMSG, "%s", bad.v[0]);
	r->request.vm = r->cli->n_operands ? &r->vm : NULL;
	return code;
}

static int look(struct repairing *r, struct pt_error *err)
{
	int code = look_at_records(r, err);

	if (code == 0)
		code = look_at_devices(r, &r->present, err);
	if (code == 0)
		pt_whereabouts_find(&r->host.reserved, &r->present, &r->where);
	return code;
}

static bool undecided(const struct repairing *r, size_t i)
{
	const struct pt_keep *k = &r->host.reserved.v[i];
	enum pt_where where = r->where.v[i].where;

	return pt_repair_concerns(k, &r->request) && k->id.behind.n &&
	       (where == PT_WHERE_SEVERAL || where == PT_WHERE_LIKELY);
}

static bool fits(const struct pt_keep *k, const struct pt_identity *id)
{
	return k->id.vendor == id->vendor && k->id.device == id->device && k->id.subvendor == id->subvendor &&
	       k->id.subdevice == id->subdevice && k->id.is_vf == id->is_vf &&
	       (!id->serial || pt_streq(k->id.serial, id->serial));
}

/* cards that could be one of those that are not found, and that no driver of the host has looked behind yet */
static bool is_candidate(const struct repairing *r, const struct pt_identity *id)
{
	const struct pt_device *d = pt_devices_find(&r->host.devices, id->last_seen);

	if (id->behind.n || !d || (d->driver && !pt_driver_is_vfio(d->driver)))
		return false;
	for (size_t i = 0; i < r->where.n; i++)
		if (undecided(r, i) && fits(&r->host.reserved.v[i], id))
			return true;
	return false;
}

static void plan_probe(const struct repairing *r, struct pt_plan *plan)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *list = NULL;

	for (size_t i = 0; i < r->present.n; i++) {
		const struct pt_device *d = pt_devices_find(&r->host.devices, r->present.v[i].last_seen);
		struct pt_step *s;

		if (!is_candidate(r, &r->present.v[i]))
			continue;
		s = pt_plan_step(plan, PT_STEP_DRIVER);
		s->bdf = d->bdf;
		s->vendor = d->vendor;
		s->device = d->device;
		s->subvendor = d->subvendor;
		s->subdevice = d->subdevice;
		s->driver_before = pt_strdup_opt(d->driver);
		s->override_before = pt_strdup_opt(d->driver_override);
		s->reprobe = true;
		pt_strv_add(&names, pt_bdf_str(d->bdf).s);
	}
	list = pt_strv_join(&names, ", ");
	plan->verb = pt_strdup("probe");
	plan->summary = pt_strf("let the host's driver look behind %s", list);
}

/* a VM that runs and has one of them: no driver of the host may have it now */
static int check_idle(const struct repairing *r, const struct pt_plan *plan, struct pt_error *err)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		for (size_t k = 0; k < r->vms.n; k++)
			if (r->vms.v[k].state != PT_DOMAIN_SHUTOFF &&
			    pt_domain_hostdev_by_bdf(&r->vms.v[k], plan->steps.v[i].bdf)) {
				(void)pt_refuse(err, "vm-runs", "VM %s runs and has %s: it cannot be looked behind now",
						r->vms.v[k].name, pt_bdf_str(plan->steps.v[i].bdf).s);
				pt_hint(err, "shut it down first");
				return -EPERM;
			}
	return 0;
}

/* have the drivers found something behind every card? */
static bool all_seen(const struct pt_plan *plan, const struct pt_identities *present)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		for (size_t k = 0; k < present->n; k++)
			if (pt_bdf_eq(present->v[k].last_seen, plan->steps.v[i].bdf) && !present->v[k].behind.n)
				return false;
	return true;
}

struct probing {
	struct repairing *r;
	const struct pt_plan *plan;
	const struct pt_change_env *env;
	long wait_s;
};

/* disks come one by one: looked at until two looks in a row, a second apart, see the same behind every card */
static int wait_for_disks(void *ctx, struct pt_error *err)
{
	struct probing *p = ctx;
	struct repairing *r = p->r;
	size_t before = 0;
	int code;

	for (long waited = 0;; waited++) {
		const struct timespec tenth = { .tv_nsec = 100000000 };
		PT_AUTO(pt_identities) present = { 0 };
		size_t seen = 0;

		code = look_at_devices(r, &present, err);
		if (code < 0)
			return code;
		for (size_t i = 0; i < present.n; i++)
			seen += present.v[i].behind.n;
		if (waited >= p->wait_s || (all_seen(p->plan, &present) && seen == before)) {
			pt_identities_done(&r->present);
			r->present = present;
			present = (struct pt_identities){ 0 };
			return 0;
		}
		before = seen;
		pt_cli_progress(r->cli, "waiting for what is behind (%ld s)", waited);
		for (int i = 0; i < 10; i++) {
			if (p->env->interrupted(p->env->ctx) != 0)
				return pt_say(err, -ECANCELED, "interrupted while waiting for what is behind");
			(void)nanosleep(&tenth, NULL);
		}
	}
}

/* the change is open until the cards are back, however the look ends: what is cut off is left to recover */
static int probe_and_back(struct repairing *r, struct pt_plan *plan, struct pt_error *err)
{
	struct pt_changing c = { 0 };
	struct probing probing = { r, plan, &c.env, PROBE_S };
	struct pt_change_try look_behind = { wait_for_disks, &probing };
	int code = pt_cli_number(r->cli, "probe-timeout", 1, 3600, PROBE_S, &probing.wait_s, err);

	if (code == 0)
		code = pt_changing_open(r->cli, r->conn, &c, err);
	if (code == 0)
		code = pt_change_try(&c.env, plan, &look_behind, err);
	pt_changing_close(&c);
	return code;
}

/* 1 when it was done or there is nothing to look behind, 0 when the user says no */
static int probe(struct repairing *r, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	int code;

	plan_probe(r, &plan);
	if (!plan.steps.n)
		return 1;
	code = check_idle(r, &plan, err);
	if (code == 0 && pt_cli_flag(r->cli, "dry-run")) {
		code = pt_usage(err, -EINVAL, "--dry-run touches nothing, and --probe lets a driver of the host in");
		pt_hint(err, "without --dry-run it asks before each");
	}
	if (code < 0)
		return code;
	if (!r->cli->json)
		pt_changing_print(r->cli, &plan, false);
	(void)fflush(r->cli->out);
	code = pt_cli_confirm(r->cli,
			      "Its disks are seen by this host for some seconds, and LVM, md or multipath may activate "
			      "what is on them. Go ahead?",
			      err);
	if (code <= 0)
		return code;
	code = probe_and_back(r, &plan, err);
	if (code == 0)
		code = look_at_records(r, err);
	if (code < 0)
		return code;
	pt_whereabouts_list_done(&r->where);
	pt_whereabouts_find(&r->host.reserved, &r->present, &r->where);
	return 1;
}

/* users of the places where devices are now; what was seen behind the cards is kept, since they are bound back */
static int gather(struct repairing *r, struct pt_error *err)
{
	PT_AUTO(pt_strv) blind = { 0 };
	PT_ARRAY(struct pt_bdf) at = { 0 };
	struct pt_keeps known = r->host.reserved;
	int code;

	for (size_t i = 0; i < r->where.n; i++)
		pt_array_push(&at, r->where.v[i].bdf);
	pt_devices_done(&r->host.devices);
	r->host.reserved = (struct pt_keeps){ 0 };
	code = pt_look_devices(r->cli, &r->host.devices, err);
	if (code == 0)
		code = pt_gather(&r->cli->root, at.v, at.n, &r->host, &blind, err);
	pt_keeps_done(&r->host.reserved);
	r->host.reserved = known;
	free(at.v);
	return code;
}

static int repair(struct repairing *r, struct pt_error *err)
{
	PT_AUTO(pt_plan) plan = { 0 };
	pt_autofree const char **forced = pt_giving_forced(r->cli);
	int code = look(r, err);

	if (code == 0 && !r->host.reserved.n) {
		(void)fputs("nothing is reserved, and no VM was given a device\n", r->cli->diag);
		return PT_EXIT_DONE;
	}
	if (code == 0 && pt_cli_flag(r->cli, "probe")) {
		code = probe(r, err);
		if (code == 0) {
			(void)fputs("nothing was changed\n", r->cli->diag);
			return PT_EXIT_FAILED;
		}
	}
	if (code >= 0)
		code = gather(r, err);
	if (code < 0)
		return code;
	r->request.forced = forced;
	code = pt_decide_repair(&r->host, &r->present, &r->where, &r->vms, &r->request, &plan, err);
	if (code < 0)
		return pt_giving_refused(r->cli, &plan, code, err);
	return pt_changing_run(r->cli, r->conn, &plan, NULL, NULL, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_CLEANUP(repairing_done) struct repairing r = { .cli = cli };
	int code = pt_cli_need_live(cli, err);

	if (code == 0)
		code = pt_cli_need_root(cli, err);
	if (code == 0)
		code = pt_prove_open(cli, &conn, err);
	if (code < 0)
		return code;
	r.conn = conn;
	return repair(&r, err);
}

const struct pt_command pt_command_repair = {
	.name = "repair",
	.args = "[VM]",
	.group = "Change",
	.summary = "Find devices whose address has moved, and make reservations and VMs follow",
	.description =
		"After new hardware, another slot or a new numbering, a device is looked for by what it is recognised\n"
		"by: its serial number, else what is behind it, else as the only one of its kind. Its reservation and\n"
		"the definitions of the VMs that have it are rewritten, by a plan that `passthru undo` takes back.\n"
		"Another device at the old address is left alone. No VM is started.\n\n"
		"Where several fit, or none does, nothing is changed. --probe lets the host's own driver look at what\n"
		"is behind the cards that fit, asks before, and binds them back.",
	.options = options,
	.max_operands = 1,
	.run = run,
};
