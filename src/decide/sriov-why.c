/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/sriov-why.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* who makes the card, and with what its firmware is told to have VFs */
struct tool {
	unsigned vendor;
	const char *fix;
};

static const struct tool tools[] = {
	{ 0x15b3, "`mstconfig -d ADDRESS set SRIOV_EN=1 NUM_OF_VFS=8`, then a cold start" },
	{ 0x14e4,
	  "enable SR-IOV in the card's own setup (Ctrl-S, or Device Settings in UEFI), or with bnxtnvm/niccli" },
	{ 0x1924, "`sfboot switch-mode=sriov vf-count=8`, then a cold start" },
	{ 0x1077, "enable SR-IOV in the card's UEFI setup (Device Level Configuration)" },
	{ 0x8086, "enable SR-IOV in the card's UEFI setup, or with Intel's bootutil -SRIOV=ENABLE" },
	{ 0x144d, "the drive's own tool tells how many secondary controllers its firmware supports" },
};

static char *firmware_fix(const struct pt_device *d)
{
	const char *how =
		"look for SR-IOV in the card's own setup, in its vendor's tool, and in the machine's firmware setup";

	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++)
		if (tools[i].vendor == d->vendor)
			how = tools[i].fix;
	return pt_strf("%s; SR-IOV must be on in the machine's firmware setup too", how);
}

static char *where(const struct pt_device *d, const char *attribute)
{
	return pt_strf("/sys/bus/pci/devices/%s/%s", pt_bdf_str(d->bdf).s, attribute);
}

/* the capability is there, and the kernel offers nothing (drivers/pci/iov.c, sriov_init(): TotalVFs 0) */
static void judge_firmware(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *f)
{
	pt_autofree char *config = where(d, "config");
	pt_autofree char *total = where(d, "sriov_totalvfs");
	pt_autofree char *fix = firmware_fix(d);

	if (s->capability == PT_KNOWN_YES && s->cap_total == 0)
		pt_findings_add(f, PT_FAIL, "sriov-firmware", config, fix,
				"%s is made for SR-IOV, but its firmware is set to 0 virtual functions",
				pt_bdf_str(d->bdf).s);
	else if (s->offered == 0)
		pt_findings_add(f, PT_FAIL, "sriov-driver-limit", total, fix,
				"%s has room for %u virtual functions, but its driver %s offers 0",
				pt_bdf_str(d->bdf).s, s->cap_total, d->driver ? d->driver : "(none)");
	else if (s->capability == PT_KNOWN_YES && s->offered < 0)
		pt_findings_add(f, PT_FAIL, "sriov-kernel", config,
				"boot a kernel with CONFIG_PCI_IOV; the kernel's log may tell why it was refused",
				"%s can have %u virtual functions, but this kernel did not take its SR-IOV capability",
				pt_bdf_str(d->bdf).s, s->cap_total);
}

static void judge_driver(const struct pt_device *d, struct pt_findings *f)
{
	pt_autofree char *at = where(d, "driver");

	if (!d->driver)
		pt_findings_add(f, PT_FAIL, "sriov-no-driver", at, "load the card's own driver on this host",
				"no driver holds %s, and it is the driver that makes virtual functions",
				pt_bdf_str(d->bdf).s);
	else if (pt_device_is_vfio(d))
		pt_findings_add(f, PT_FAIL, "sriov-for-guest", at,
				"take it back from its guest first (`passthru detach`, `passthru release`)",
				"%s is held for a guest as a whole (%s): PF or VFs, not both", pt_bdf_str(d->bdf).s,
				d->driver);
}

static void judge_room(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *f)
{
	pt_autofree char *at = where(d, "resource");

	if (s->no_room)
		pt_findings_add(
			f, PT_FAIL, "sriov-no-room", at,
			"turn on 'Above 4G decoding' (and 'SR-IOV', 'Re-size BAR' where offered) in the machine's "
			"firmware setup; else boot with pci=realloc",
			"the memory of %s's virtual functions has no address: there was no room in the MMIO window",
			pt_bdf_str(d->bdf).s);
}

/* how many VFs have a bus number up to @bus_end; routing ids as drivers/pci/iov.c computes them */
static unsigned fit(const struct pt_sriov *s, unsigned total)
{
	unsigned rid = (unsigned)s->pf.bus << 8 | (unsigned)s->pf.slot << 3 | s->pf.func;
	unsigned n = 0;

	while (n < total && (rid + s->offset + s->stride * n) >> 8 <= (unsigned)s->bus_end)
		n++;
	return n;
}

static void judge_bus(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *f)
{
	unsigned total = d->vfs_total;
	unsigned n;

	/* one VF has no stride; an offset of 0 means that the card does not tell while it has none */
	if (!s->has_bridge || s->bus_end < 0 || !s->offset || (!s->stride && total > 1))
		return;
	n = fit(s, total);
	if (n < total)
		pt_findings_add(
			f, n ? PT_WARN : PT_FAIL, "sriov-bus-numbers", NULL,
			"another slot, or the firmware's setting for bus numbers; else boot with pci=assign-busses",
			"the bridge %s above %s has bus numbers up to %02x: %u of %u virtual functions fit",
			pt_bdf_str(s->bridge).s, pt_bdf_str(d->bdf).s, (unsigned)s->bus_end, n, total);
}

/* PCI Express Base Specification 6.13: without ARI a port forwards to device 0 of its bus only */
static void judge_ari(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *f)
{
	unsigned devfn = (unsigned)s->pf.slot << 3 | s->pf.func;
	unsigned first = devfn + s->offset;

	if (s->ari != PT_KNOWN_NO || !s->offset || first >> 8 || first < 8)
		return;
	pt_findings_add(
		f, PT_FAIL, "sriov-no-ari", NULL,
		"another slot: most often one of the processor's own; or turn ARI on in the machine's firmware setup",
		"the bridge %s above %s does not forward to its virtual functions (ARI is off there)",
		pt_bdf_str(s->bridge).s, pt_bdf_str(d->bdf).s);
}

void pt_sriov_why(const struct pt_device *d, const struct pt_sriov *s, struct pt_findings *f)
{
	if (d->sriov == PT_SRIOV_VF)
		return;
	judge_firmware(d, s, f);
	/* VFs that are there prove that they can be */
	if (d->sriov != PT_SRIOV_PF || d->vfs_now > 0 || s->offered == 0)
		return;
	judge_driver(d, f);
	judge_room(d, s, f);
	judge_bus(d, s, f);
	judge_ari(d, s, f);
}

void pt_sriov_unlike_kept(const struct pt_device *d, const struct pt_sriov *s, const struct pt_sriov_state *kept,
			  struct pt_findings *f)
{
	unsigned mtu = kept ? pt_sriov_state_mtu(kept) : 0;
	int now = d->vfs_now > 0 ? d->vfs_now : 0;

	if (kept && kept->vfs >= 0 && kept->vfs != now)
		pt_findings_add(f, PT_WARN, "sriov-unlike-kept", NULL,
				now ? "`passthru sriov` with --vfs says what shall be"
				    : "`passthru boot` makes them, or says why it does not",
				"%s has %d virtual function%s, and %d are kept across reboots", pt_bdf_str(d->bdf).s,
				now, now == 1 ? "" : "s", kept->vfs);
	if (mtu && s->link.name && s->link.mtu < mtu) {
		pt_autofree char *fix = pt_strf("`ip link set %s mtu %u`, or `passthru boot`", s->link.name, mtu);

		pt_findings_add(f, PT_WARN, "sriov-mtu", NULL, fix,
				"%s, the network interface of %s, has an MTU of %u, and a network of its virtual "
				"functions needs %u",
				s->link.name, pt_bdf_str(d->bdf).s, s->link.mtu, mtu);
	}
}

char *pt_sriov_status(const struct pt_device *d, const struct pt_sriov *s)
{
	pt_autofree char *text = pt_device_sriov_text(d);

	if (d->sriov == PT_SRIOV_NONE && s->capability == PT_KNOWN_YES)
		return pt_strf("%s now, though the card is made for it", text);
	if (d->sriov == PT_SRIOV_PF && d->vfs_now <= 0)
		return pt_strf("%s (0 of %u virtual functions)", text, d->vfs_total);
	return pt_take_ptr(text);
}
