/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/boot-sriov.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "decide/group.h"
#include "host/pci.h"
#include "host/sriov-kept.h"
#include "host/sriov-set.h"
#include "model/link-state.h"
#include "shape/device.h"

/* the card's driver may be loaded while we begin */
#define DRIVER_MS 30000u
#define PAUSE_MS  100u

static void tell(struct pt_cli *cli, json_t *told, struct pt_bdf pf, const char *state, const char *text)
{
	(void)json_array_append_new(told, json_pack("{s:s, s:s, s:o}", "kept", pt_bdf_str(pf).s, "state", state, "text",
						    pt_json_text(text)));
	if (!cli->json)
		(void)fprintf(cli->out, "%s: %s\n", pt_bdf_str(pf).s, text);
}

/* 0 when the very card is there with its driver; else why not in @err */
static int look(struct pt_cli *cli, const struct pt_sriov_state *kept, bool wait, struct pt_device *ret_pf,
		struct pt_error *err)
{
	const struct timespec pause = { .tv_nsec = (long)PAUSE_MS * 1000000 };

	for (unsigned waited = 0;; waited += PAUSE_MS) {
		PT_AUTO(pt_devices) devices = { 0 };
		const struct pt_device *d;
		int r = pt_pci_list(&cli->root, &devices, err);

		if (r < 0)
			return r;
		d = pt_devices_find(&devices, kept->pf);
		if (d && !pt_sriov_kept_is(kept, d))
			return pt_say(err, -ESTALE,
				      "left alone: another card is there now (%04x:%04x, kept was %04x:%04x)",
				      d->vendor, d->device, kept->vendor, kept->device);
		if (d && d->sriov == PT_SRIOV_PF && d->driver) {
			*ret_pf = (struct pt_device){ .bdf = d->bdf, .vfs_now = d->vfs_now, .vfs_total = d->vfs_total };
			return 0;
		}
		if (!wait || waited >= DRIVER_MS)
			return pt_say(err, -ENODEV, "not made: %s",
				      !d			? "there is no such card any more"
				      : d->sriov != PT_SRIOV_PF ? "the card offers no virtual functions"
								: "no driver holds the card");
		(void)nanosleep(&pause, NULL);
	}
}

static int make(const struct pt_host_ops *ops, const struct pt_sriov_state *kept, struct pt_strv *said,
		struct pt_error *err)
{
	const struct pt_bind card = {
		.bdf = kept->pf,
		.vendor = kept->vendor,
		.device = kept->device,
		.subvendor = kept->subvendor,
		.subdevice = kept->subdevice,
	};
	struct pt_error unmade = { 0 };
	PT_AUTO(pt_sriov_state) none = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_sriov_state) want = PT_SRIOV_STATE_UNSAID;
	int r;

	/* what an NVMe card's primary controller had before it had VFs is kept for the day when it has none again */
	pt_sriov_state_copy(&want, kept);
	want.own_queues = want.own_interrupts = -1;
	r = pt_sriov_make(ops, &card, &want, said, err);

	if (r >= 0)
		return r;
	/* half of them is what no VM counts on */
	none.vfs = 0;
	if (pt_sriov_make(ops, &card, &none, NULL, &unmade) < 0)
		(void)pt_wrap(err, r, "not all was taken back (%s)", unmade.msg);
	return r;
}

/*
 * Who set a VF's MAC or VLAN means it to be used, and a VF works only while its PF's interface is up (libvirt refuses
 * to start a guest else; igbvf takes a random MAC).  Its carrier is not waited for: the boot goes on.
 */
static void set_up(const struct pt_host_ops *ops, const struct pt_sriov_state *kept, struct pt_strv *said)
{
	struct pt_error err = { 0 };
	bool used = false;
	int r;

	for (size_t i = 0; i < kept->v.n; i++)
		used = used || kept->v.v[i].settings.has;
	if (!used)
		return;
	r = ops->pf_link(ops->ctx, kept->pf, true, 0, &err);
	if (r < 0)
		pt_strv_addf(said, "its interface is not up: %s", err.msg);
	else if (r == 1)
		pt_strv_add(said, "its interface was set up");
}

/*
 * What the largest network of its VFs needs; a larger one that somebody else has set stays.  Without it guests lose
 * what they send in large frames, and nobody tells them: so it is no trifle when it cannot be had.
 */
static int set_mtu(const struct pt_host_ops *ops, const struct pt_sriov_state *kept, struct pt_strv *said)
{
	struct pt_link_state want = { .mtu = pt_sriov_state_mtu(kept) };
	PT_AUTO(pt_pf_link) before = { 0 };
	PT_AUTO(pt_pf_link) after = { 0 };
	struct pt_error err = { 0 };
	int r;

	if (!want.mtu)
		return 0;
	r = ops->vf_read(ops->ctx, kept->pf, &before, &err);
	if (r == 0 && before.mtu >= want.mtu)
		return 0;
	if (r == 0)
		r = ops->link_write(ops->ctx, kept->pf, &want, &err);
	if (r == 0)
		r = ops->vf_read(ops->ctx, kept->pf, &after, &err);
	if (r == 0 && after.mtu != want.mtu)
		r = pt_say(&err, -EIO, "it has %u", after.mtu);
	if (r < 0)
		pt_strv_addf(said, "its interface does not have the MTU of %u that is kept: %s", want.mtu, err.msg);
	else
		pt_strv_addf(said, "its interface has an MTU of %u now (%u before)", want.mtu, before.mtu);
	return r;
}

/* 0, or 1 when the PF did not get what is kept */
static int settle(struct pt_cli *cli, const struct pt_host_ops *ops, bool wait, json_t *told,
		  const struct pt_sriov_state *kept)
{
	struct pt_device pf = { 0 };
	struct pt_error err = { 0 };
	PT_AUTO(pt_strv) said = { 0 };
	pt_autofree char *notes = NULL;
	pt_autofree char *text = NULL;
	int r = look(cli, kept, wait, &pf, &err);

	if (r == 0 && pf.vfs_now > 0 && pf.vfs_now != kept->vfs)
		r = pt_say(&err, -EBUSY,
			   "left alone: %d virtual functions are there already, made by somebody else; kept are %d",
			   pf.vfs_now, kept->vfs);
	if (r == 0 && ops && pf.vfs_now == kept->vfs) {
		PT_AUTO(pt_sriov_state) only = PT_SRIOV_STATE_UNSAID;

		/* what is there is not taken away again, whatever becomes of the settings */
		pt_sriov_state_copy(&only, kept);
		only.vfs = -1;
		r = pt_sriov_make(ops,
				  &(struct pt_bind){ .bdf = kept->pf,
						     .vendor = kept->vendor,
						     .device = kept->device,
						     .subvendor = kept->subvendor,
						     .subdevice = kept->subdevice },
				  &only, &said, &err);
	} else if (r == 0 && ops) {
		r = make(ops, kept, &said, &err);
	}
	if (r < 0) {
		text = pt_strf("%s%s%s", err.msg, err.hint[0] ? "; " : "", err.hint);
		tell(cli, told, kept->pf, "left-alone", text);
		return 1;
	}
	if (ops) {
		r = set_mtu(ops, kept, &said);
		set_up(ops, kept, &said);
	}
	notes = pt_strv_join(&said, "; ");
	text = pt_strf("%d virtual function%s%s%s%s", kept->vfs, kept->vfs == 1 ? "" : "s",
		       pf.vfs_now == kept->vfs ? ", which were there"
		       : ops		       ? " made"
					       : " would be made",
		       said.n ? "; " : "", notes);
	tell(cli, told, kept->pf, pf.vfs_now == kept->vfs ? "there" : "made", text);
	return r < 0;
}

/* of those that a later one may make: what a guest may have, or has functions already, is none of them */
static bool is_missing(struct pt_cli *cli, const struct pt_sriov_state *kept, const struct pt_devices *devices)
{
	const struct pt_device *d = pt_devices_find(devices, kept->pf);

	return d && !(d->driver && pt_driver_is_vfio(d->driver)) && d->vfs_now <= 0 &&
	       !pt_sriov_kept_seen(&cli->root, kept->pf);
}

int pt_boot_sriov(struct pt_cli *cli, const struct pt_host_ops *ops, bool missing, json_t *told, struct pt_error *err)
{
	PT_AUTO(pt_sriov_states) kept = { 0 };
	PT_AUTO(pt_strv) bad = { 0 };
	PT_AUTO(pt_strv) missed = { 0 };
	PT_AUTO(pt_devices) devices = { 0 };
	pt_autofree char *mark = NULL;
	struct pt_error unmarked = { 0 };
	int r = pt_sriov_kept_list(&cli->root, &kept, &bad, err);

	if (r == 0 && missing)
		r = pt_pci_list(&cli->root, &devices, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < bad.n; i++)
		(void)fprintf(cli->diag, "passthru: %s\n", bad.v[i]);
	for (size_t i = 0; i < kept.n; i++)
		if ((!missing || is_missing(cli, &kept.v[i], &devices)) &&
		    settle(cli, ops, ops && !missing, told, &kept.v[i]) > 0)
			pt_strv_add(&missed, pt_bdf_str(kept.v[i].pf).s);
	mark = pt_strv_join(&missed, "\n");
	if (ops && ops->file_write(ops->ctx, PT_HOST_RUN, PT_SRIOV_SEEN, mark ? mark : "", &unmarked) < 0)
		(void)fprintf(cli->diag, "passthru: %s\n", unmarked.msg);
	return (int)(missed.n + bad.n);
}
