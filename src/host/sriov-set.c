/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sriov-set.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "host/nvme-set.h"
#include "host/vf-set.h"
#include "model/sriov.h"

/* a hundred VFs with a driver that probes each take most of a minute */
#define NUMVFS_MS 120000u
#define PROBE_MS  10000u
#define PAUSE_MS  10u

static char *attr(struct pt_bdf pf, const char *name)
{
	return pt_strf("bus/pci/devices/%s/%s", pt_bdf_str(pf).s, name);
}

static void pause_ms(const struct pt_host_ops *ops, unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	if (ops->pause)
		ops->pause(ops->ctx, ms);
	else
		(void)nanosleep(&ts, NULL);
}

static int vf_address(const struct pt_host_ops *ops, struct pt_bdf pf, unsigned index, struct pt_bdf *ret_bdf)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/virtfn%u", pt_bdf_str(pf).s, index);
	pt_autofree char *name = NULL;
	int r = ops->link(ops->ctx, path, &name);

	return r < 0 ? r : pt_bdf_parse(name, ret_bdf);
}

static unsigned count(const struct pt_host_ops *ops, struct pt_bdf pf)
{
	struct pt_bdf bdf;
	unsigned n = 0;

	while (n < PT_VF_MAX && vf_address(ops, pf, n, &bdf) == 0)
		n++;
	return n;
}

static int read_autoprobe(const struct pt_host_ops *ops, struct pt_bdf pf)
{
	pt_autofree char *path = attr(pf, "sriov_drivers_autoprobe");
	pt_autofree char *line = NULL;

	/* before Linux 4.12 there is no such switch */
	return ops->read(ops->ctx, path, &line) < 0 ? -1 : !pt_streq(line, "0");
}

int pt_sriov_look(const struct pt_host_ops *ops, struct pt_bdf pf, struct pt_sriov_state *ret, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) now = PT_SRIOV_STATE_UNSAID;
	PT_AUTO(pt_pf_link) link = { 0 };
	unsigned n = count(ops, pf);
	int r = 0;

	now.vfs = (int)n;
	now.autoprobe = read_autoprobe(ops, pf);
	/* a card without a network interface has VFs without these settings */
	if (n)
		(void)ops->vf_read(ops->ctx, pf, &link, NULL);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct pt_vf_state *vf = pt_sriov_state_add(&now, i);
		const struct pt_vf_settings *settings = pt_pf_link_vf(&link, (int)i);

		r = vf_address(ops, pf, i, &vf->bdf);
		vf->has_address = r == 0;
		if (r == 0)
			r = pt_bind_look(ops, vf->bdf, &vf->driver, &vf->override, err);
		if (settings)
			vf->settings = *settings;
	}
	if (r < 0)
		return pt_wrap(err, r, "the VFs of %s cannot be read", pt_bdf_str(pf).s);
	pt_nvme_set_look(ops, pf, &now);
	*ret = now;
	now = (struct pt_sriov_state)PT_SRIOV_STATE_UNSAID;
	return 0;
}

static int write_number(const struct pt_host_ops *ops, struct pt_bdf pf, const char *name, unsigned value,
			unsigned timeout_ms, struct pt_error *err)
{
	pt_autofree char *path = attr(pf, name);
	pt_autofree char *text = pt_strf("%u", value);

	return ops->write(ops->ctx, pf, path, text, timeout_ms, err);
}

static int set_count(const struct pt_host_ops *ops, struct pt_bdf pf, unsigned value, struct pt_error *err)
{
	int r = write_number(ops, pf, "sriov_numvfs", value, NUMVFS_MS, err);

	if (r == -ENOENT)
		pt_hint(err, "its driver does not make virtual functions; is the right one loaded?");
	else if (r == -ENOMEM)
		pt_hint(err, "the kernel's log says what is short: `passthru sriov %s` tells what was found",
			pt_bdf_str(pf).s);
	else if (r == -EBUSY)
		pt_hint(err, "somebody changes its VFs at the same time");
	return r;
}

/* the write returned; now there must be that many links, each to a function that is there */
static int wait_count(const struct pt_host_ops *ops, struct pt_bdf pf, unsigned want, struct pt_error *err)
{
	unsigned n = 0;

	for (unsigned waited = 0;; waited += PAUSE_MS) {
		unsigned there = 0;

		n = count(ops, pf);
		for (unsigned i = 0; i < n; i++) {
			struct pt_bdf vf;
			pt_autofree char *path = NULL;

			if (vf_address(ops, pf, i, &vf) < 0)
				break;
			path = pt_strf("bus/pci/devices/%s", pt_bdf_str(vf).s);
			there += ops->exists(ops->ctx, path) == 1;
		}
		if (n == want && there == want)
			return 0;
		if (waited >= ops->settle_ms)
			break;
		pause_ms(ops, PAUSE_MS);
	}
	return pt_say(err, -EIO, "%s has %u virtual functions after %u were asked for", pt_bdf_str(pf).s, n, want);
}

/* with autoprobe: the host's driver for VFs may be a module that udev loads only now */
static int wait_drivers(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
			struct pt_error *err)
{
	unsigned n = (unsigned)want->vfs;
	unsigned limit = ops->settle_ms < PROBE_MS && ops->settle_ms ? PROBE_MS : ops->settle_ms;

	for (unsigned waited = 0;; waited += PAUSE_MS) {
		unsigned without = n;

		for (unsigned i = 0; i < n && without == n; i++) {
			const struct pt_vf_state *said = pt_sriov_state_vf(want, i);
			pt_autofree char *path = NULL;
			pt_autofree char *name = NULL;
			struct pt_bdf vf;

			/* one that is to be without a driver is not waited for */
			if (said && said->has_address && !said->driver)
				continue;
			if (vf_address(ops, pf, i, &vf) < 0)
				return pt_say(err, -EIO, "VF %u of %s went away", i, pt_bdf_str(pf).s);
			path = attr(vf, "driver");
			if (ops->link(ops->ctx, path, &name) < 0)
				without = i;
		}
		if (without == n)
			return 0;
		if (waited < limit) {
			pause_ms(ops, PAUSE_MS);
			continue;
		}
		(void)pt_say(err, -EIO, "no driver of this host has taken VF %u of %s within %u ms", without,
			     pt_bdf_str(pf).s, limit);
		pt_hint(err, "load the driver for its VFs, or leave --autoprobe out: a guest needs none here");
		return -EIO;
	}
}

/* the write would wait in the kernel until whoever has a VF open lets go of it, and so would whoever asks after it */
static int check_free(const struct pt_host_ops *ops, struct pt_bdf pf, unsigned n, struct pt_error *err)
{
	for (unsigned i = 0; i < n; i++) {
		struct pt_bdf vf;
		pt_autofree char *who = vf_address(ops, pf, i, &vf) < 0 ? NULL : ops->holders(ops->ctx, vf);
		int r;

		if (!who)
			continue;
		r = pt_say(err, -EBUSY, "the virtual functions of %s stay: VF %u (%s) is in use: %s", pt_bdf_str(pf).s,
			   i, pt_bdf_str(vf).s, who);
		pt_refused_by(err, "vf-in-use", false);
		pt_hint(err, "shut down the VM that has it, or end that process");
		return r;
	}
	return 0;
}

/*
 * include/linux/pci.h, sriov_numvfs_store(): a number other than 0 is refused while there are VFs, so 0 comes first.
 */
static int make_count(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		      struct pt_error *err)
{
	unsigned now = count(ops, pf);
	unsigned wanted = (unsigned)want->vfs;
	int r = 0;

	if (now == wanted)
		return 0;
	if (now)
		r = check_free(ops, pf, now, err);
	if (r == 0 && now)
		r = set_count(ops, pf, 0, err);
	if (r == 0 && now)
		r = wait_count(ops, pf, 0, err);
	if (r == 0 && wanted)
		r = set_count(ops, pf, wanted, err);
	if (r == 0 && wanted)
		r = wait_count(ops, pf, wanted, err);
	return r < 0 ? r : 1;
}

static int make_autoprobe(const struct pt_host_ops *ops, struct pt_bdf pf, int want, struct pt_error *err)
{
	int now = read_autoprobe(ops, pf);
	int r;

	if (want < 0 || now < 0 || now == want)
		return 0;
	r = write_number(ops, pf, "sriov_drivers_autoprobe", (unsigned)want, 0, err);
	if (r == 0 && read_autoprobe(ops, pf) != want)
		r = pt_say(err, -EIO, "sriov_drivers_autoprobe of %s does not stay %d", pt_bdf_str(pf).s, want);
	return r < 0 ? r : 1;
}

static int read_id(const struct pt_host_ops *ops, struct pt_bdf bdf, const char *name, unsigned *ret)
{
	pt_autofree char *path = attr(bdf, name);
	pt_autofree char *line = NULL;
	int r = ops->read(ops->ctx, path, &line);

	if (r == 0)
		*ret = (unsigned)strtoul(line, NULL, 16);
	return r;
}

/* a VF is what its PF makes: whatever is at the link is it */
static int make_driver(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_vf_state *vf,
		       struct pt_error *err)
{
	struct pt_bind want = { .driver = vf->driver, .override = vf->override };
	int r = vf_address(ops, pf, vf->index, &want.bdf);

	if (r == 0)
		r = read_id(ops, want.bdf, "vendor", &want.vendor);
	if (r == 0)
		r = read_id(ops, want.bdf, "device", &want.device);
	if (r == 0)
		r = read_id(ops, want.bdf, "subsystem_vendor", &want.subvendor);
	if (r == 0)
		r = read_id(ops, want.bdf, "subsystem_device", &want.subdevice);
	if (r < 0)
		return pt_fail(err, r, "cannot look at VF %u of %s", vf->index, pt_bdf_str(pf).s);
	return pt_bind_driver(ops, &want, err);
}

/* one that is to be without a driver, or with another, is left alone */
static int probe(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want, unsigned index,
		 struct pt_error *err)
{
	const struct pt_vf_state *said = pt_sriov_state_vf(want, index);
	struct pt_bdf vf;
	int r = vf_address(ops, pf, index, &vf);

	if (r < 0 || (said && said->has_address))
		return r < 0 ? pt_say(err, -EIO, "VF %u of %s went away", index, pt_bdf_str(pf).s) : 0;
	return ops->write(ops->ctx, vf, "bus/pci/drivers_probe", pt_bdf_str(vf).s, 0, err);
}

/*
 * The count, and with it what an NVMe card's VFs need.  The host's driver would find their controllers offline: it
 * takes them when they are not.
 */
static int make_vfs(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		    struct pt_error *err)
{
	bool late = want->vfs > 0 && want->autoprobe == 1 && pt_nvme_set_is(ops, pf);
	int r = make_autoprobe(ops, pf, late ? 0 : want->autoprobe, err);
	bool changed = r == 1;
	int counted = 0;

	if (r >= 0 && want->vfs >= 0)
		r = counted = make_count(ops, pf, want, err);
	if (r >= 0 && want->vfs >= 0) {
		changed = changed || r == 1;
		r = pt_nvme_set_make(ops, pf, want, err);
	}
	if (r >= 0 && late) {
		changed = changed || r == 1;
		r = make_autoprobe(ops, pf, 1, err);
	}
	for (unsigned i = 0; i < (unsigned)want->vfs && r >= 0 && late; i++)
		r = probe(ops, pf, want, i, err);
	if (r >= 0 && want->vfs > 0 && counted == 1 && want->autoprobe == 1)
		r = wait_drivers(ops, pf, want, err);
	return r < 0 ? r : changed || r == 1;
}

int pt_sriov_make(const struct pt_host_ops *ops, const struct pt_bind *card, const struct pt_sriov_state *want,
		  struct pt_strv *missing, struct pt_error *err)
{
	bool changed = false;
	int r = pt_bind_check(ops, card, err);

	if (r == 0)
		r = make_vfs(ops, card->bdf, want, err);
	if (r >= 0) {
		changed = changed || r == 1;
		r = pt_vf_set_make(ops, card->bdf, want, missing, err);
	}
	for (size_t i = 0; i < want->v.n && r >= 0; i++) {
		changed = changed || r == 1;
		if (want->v.v[i].has_address && want->vfs >= 0)
			r = make_driver(ops, card->bdf, &want->v.v[i], err);
	}
	if (r < 0)
		return r;
	return changed || r == 1;
}
