/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "change/lock.h"
#include "cli/boot-sriov.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "decide/group.h"
#include "decide/whereabouts.h"
#include "host/bind.h"
#include "host/block.h"
#include "host/gather.h"
#include "host/pci.h"
#include "host/reserve.h"
#include "host/reserved.h"

static const struct pt_option options[] = {
	{ "dry-run", 'n', NULL, "say what would be bound and touch nothing", false },
	{ "missing-vfs", 0, NULL, "only virtual functions, of cards that were not seen to since the boot", false },
	{ "wait", 0, "SECONDS", "how long to wait for a change that is under way (60)", false },
	{ NULL, 0, NULL, NULL, false },
};

PT_DEFINE_CLEANUP(struct pt_lock *, pt_lock_close)
PT_DEFINE_CLEANUP(struct pt_host_writer *, pt_host_writer_close)

/* what is reserved, and where each of it is now */
struct boot {
	struct pt_cli *cli;
	const struct pt_host_ops *ops; /* NULL: only look */
	struct pt_keeps known;
	struct pt_devices devices;
	struct pt_identities present;
	struct pt_whereabouts_list where;
	json_t *told;
	json_t *told_vfs;
	bool failed;
};

static void boot_done(struct boot *b)
{
	pt_keeps_done(&b->known);
	pt_devices_done(&b->devices);
	pt_identities_done(&b->present);
	pt_whereabouts_list_done(&b->where);
	json_decref(b->told);
	json_decref(b->told_vfs);
}

static void tell(struct boot *b, const struct pt_keep *k, const struct pt_whereabouts *w, const char *state,
		 const char *text)
{
	pt_autofree char *address = pt_strdup(pt_bdf_str(k->id.last_seen).s);

	(void)json_array_append_new(b->told, json_pack("{s:s, s:s, s:s, s:s}", "reserved", address, "where",
						       pt_where_str(w->where), "state", state, "text", text));
	if (!b->cli->json)
		(void)fprintf(b->cli->out, "%s: %s\n", address, text);
}

static void tell_failed(struct boot *b, const struct pt_keep *k, const struct pt_whereabouts *w, const char *why,
			const char *fix)
{
	pt_autofree char *text = pt_strf("not bound: %s%s%s", why, fix && *fix ? "; " : "", fix ? fix : "");

	b->failed = true;
	tell(b, k, w, "not-bound", text);
}

/* the host's driver was faster, in the initramfs or built in: what it has made of the device decides */
static int check_unused(struct boot *b, const struct pt_device *d, struct pt_error *err)
{
	PT_AUTO(pt_host) host = { 0 };
	int r = pt_pci_list(&b->cli->root, &host.devices, err);

	if (r == 0)
		r = pt_gather(&b->cli->root, &d->bdf, 1, &host, NULL, err);
	for (size_t i = 0; i < host.uses.n && r == 0; i++)
		if (pt_bdf_eq(host.uses.v[i].bdf, d->bdf) && host.uses.v[i].kind != PT_USE_ADDRESS)
			r = pt_say(err, -EBUSY, "%s has it, and this host uses it: %s", d->driver,
				   host.uses.v[i].chain);
	return r;
}

static int bind_one(struct boot *b, const struct pt_keep *k, const struct pt_whereabouts *w, bool *ret_late,
		    struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(&b->devices, w->bdf);
	pt_autofree char *identity = pt_identity_lines(&k->id);
	const struct pt_bind want = {
		.bdf = w->bdf,
		.driver = k->driver,
		.override = k->driver,
		.vendor = k->id.vendor,
		.device = k->id.device,
		.subvendor = k->id.subvendor,
		.subdevice = k->id.subdevice,
	};
	int r = 0;

	*ret_late = d && d->driver && !pt_driver_is_vfio(d->driver);
	if (*ret_late)
		r = check_unused(b, d, err);
	if (r == 0 && b->ops)
		r = pt_bind_driver(b->ops, &want, err);
	if (r >= 0 && b->ops && w->where == PT_WHERE_HERE)
		r = pt_reserve_known(b->ops, w->bdf, identity, err);
	return r < 0 ? r : 0;
}

/* driverctl's word, or an administrator's, came after the reservation: it is theirs to say */
static bool is_anothers(struct boot *b, const struct pt_keep *k, const struct pt_whereabouts *w)
{
	const struct pt_device *d = pt_devices_find(&b->devices, w->bdf);
	pt_autofree char *against = d ? pt_override_against(&b->cli->root, d) : NULL;
	pt_autofree char *fix = pt_strf("take that back, or `passthru release %s`", pt_bdf_str(k->id.last_seen).s);

	if (against)
		tell_failed(b, k, w, against, fix);
	return against != NULL;
}

static void settle(struct boot *b, const struct pt_keep *k, const struct pt_whereabouts *w)
{
	struct pt_error err = { 0 };
	pt_autofree char *text = NULL;
	bool late = false;
	int r;

	if (!pt_keep_at_boot(k))
		return;
	if (!w->boot) {
		tell_failed(b, k, w, w->why ? w->why : pt_where_str(w->where), w->fix);
		return;
	}
	if (is_anothers(b, k, w))
		return;
	r = bind_one(b, k, w, &late, &err);
	if (r < 0) {
		tell_failed(b, k, w, err.msg, err.hint);
		return;
	}
	text = pt_strf("%s%s (%s evidence%s%s)%s%s", w->where == PT_WHERE_MOVED ? "is at " : "",
		       w->where == PT_WHERE_MOVED ? pt_bdf_str(w->bdf).s : k->driver, pt_identity_grade_str(w->grade),
		       k->id.serial ? ": " : "", k->id.serial ? k->id.serial : "",
		       w->where == PT_WHERE_MOVED ? " now, and bound there; `passthru repair` follows it" : "",
		       late ? "; a driver of the host had it before: `passthru doctor` says why" : "");
	tell(b, k, w, w->where == PT_WHERE_MOVED ? "moved" : "bound", text);
}

static int look(struct boot *b, struct pt_error *err)
{
	PT_AUTO(pt_blocks) blocks = { 0 };
	PT_AUTO(pt_strv) bad = { 0 };
	const struct pt_root *root = &b->cli->root;
	int r = pt_keep_list(root, &b->known, &bad, err);

	for (size_t i = 0; i < bad.n; i++) {
		(void)fprintf(b->cli->diag, "passthru: %s\n", bad.v[i]);
		b->failed = true;
	}
	if (r == 0 && b->known.n)
		r = pt_pci_list(root, &b->devices, err);
	if (r == 0 && b->known.n)
		r = pt_block_list(root, &blocks, err);
	if (r == 0)
		r = pt_keep_present(root, &b->known, &b->devices, &blocks, &b->present, err);
	if (r == 0)
		pt_whereabouts_find(&b->known, &b->present, &b->where);
	return r;
}

static int boot(struct boot *b, struct pt_error *err)
{
	/* a VF that is reserved must be there first */
	bool missing = pt_cli_flag(b->cli, "missing-vfs");
	int vfs = pt_boot_sriov(b->cli, b->ops, missing, b->told_vfs, err);
	int r = vfs < 0 ? vfs : missing ? 0 : look(b, err);

	if (r < 0)
		return r;
	b->failed = b->failed || vfs > 0;
	for (size_t i = 0; i < b->where.n; i++)
		settle(b, &b->known.v[i], &b->where.v[i]);
	if (b->cli->json)
		r = pt_print_json(b->cli, json_pack("{s:O, s:O}", "reserved", b->told, "sriov", b->told_vfs), err);
	else if (!b->known.n && !missing)
		(void)fputs("nothing is reserved\n", b->cli->out);
	return r < 0 ? r : b->failed ? PT_EXIT_NO : PT_EXIT_DONE;
}

static int with_lock(struct pt_cli *cli, struct boot *b, struct pt_error *err)
{
	PT_CLEANUP(pt_lock_closep) struct pt_lock *lock = NULL;
	PT_CLEANUP(pt_host_writer_closep) struct pt_host_writer *writer = NULL;
	struct pt_lock_wait wait = { 0 };
	struct pt_host_ops ops;
	long wait_s = PT_LOCK_WAIT_MS / 1000;
	int r = pt_cli_number(cli, "wait", 0, 86400, wait_s, &wait_s, err);

	wait.ms = (unsigned)wait_s * 1000;
	if (r == 0)
		r = pt_lock_open(PT_LOCK_DIR, &lock, err);
	if (r == 0)
		r = pt_lock_take(lock, "boot", &wait, err);
	if (r < 0)
		return r;
	pt_host_writer_open(&cli->root, &pt_changing_paths, &writer, &ops);
	b->ops = &ops;
	r = boot(b, err);
	b->ops = NULL;
	pt_lock_drop(lock);
	return r;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(boot_done) struct boot b = { .cli = cli };
	int r = pt_cli_need_live(cli, err);

	if (r == 0)
		r = pt_cli_need_root(cli, err);
	if (r < 0)
		return r;
	b.told = json_array();
	b.told_vfs = json_array();
	return pt_cli_flag(cli, "dry-run") ? boot(&b, err) : with_lock(cli, &b, err);
}

const struct pt_command pt_command_boot = {
	.name = "boot",
	.args = "",
	.group = "Change",
	.summary = "Bind what is reserved, as the boot unit does",
	.description =
		"First the virtual functions that `passthru sriov` keeps are made again. Then\n"
		"each reserved device is looked for by what it is recognised by, and bound to VFIO where that is\n"
		"certain: by a serial number that it tells itself, or as the only card of its kind in an unchanged\n"
		"slot. What is not certain is not bound, and the reason said; the exit status is 3 then. Most often\n"
		"udev has bound everything before, and nothing is left to do.\n\n"
		"passthru-boot.service runs it before libvirt starts. It may be run at any time.\n\n"
		"With --missing-vfs nothing is bound, and functions are made only of a card that has none, that\n"
		"a driver of this host has, and that no earlier run since the boot has seen to: what somebody took\n"
		"away since then stays away. passthrud runs it when it starts.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
