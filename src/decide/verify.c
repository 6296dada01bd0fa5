/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/verify.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SAY_MAX 10

static const char *driver_or_none(const char *driver)
{
	return driver ? driver : "no driver";
}

static bool is_storage(const struct pt_verify_device *d)
{
	return d->device && pt_device_is_storage(d->device);
}

static void judge_driver(const struct pt_verify_device *d, struct pt_findings *out)
{
	struct pt_bdf_text bdf = pt_bdf_str(d->bdf);
	pt_autofree char *where = pt_strf("/sys/bus/pci/devices/%s/driver", pt_bdf_str(d->bdf).s);

	if (!d->proof->present)
		pt_findings_add(out, PT_FAIL, "host-driver", where,
				"was the card taken out, or did addresses move? `passthru list` shows what is there",
				"there is no PCI function %s on this host", bdf.s);
	else if (d->proof->vfio)
		pt_findings_add(out, PT_OK, "host-driver", where, NULL, "%s is held by %s", bdf.s, d->proof->driver);
	else
		pt_findings_add(out, PT_FAIL, "host-driver", where,
				"the guest cannot have it while the host's driver does; shut the VM down and start it",
				"%s is held by %s, not by a VFIO driver", bdf.s, driver_or_none(d->proof->driver));
}

static void tell_not_live(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	pt_autofree char *fix = pt_strf("what was changed in the definition counts from the next start on: shut the VM "
					"down and start it, or `passthru attach %s %s --live`",
					pt_shell(v->vm->name).s, pt_bdf_str(d->bdf).s);

	pt_findings_add(out, PT_FAIL, "live-definition", "libvirt", fix,
			"%s is in the definition of %s, but not in the VM that runs", pt_bdf_str(d->bdf).s,
			v->vm->name);
}

static void judge_live(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	if (d->hostdev)
		pt_findings_add(out, PT_OK, "live-definition", "libvirt", NULL, "the running %s has %s%s%s",
				v->vm->name, pt_bdf_str(d->bdf).s, d->hostdev->alias ? " as " : "",
				d->hostdev->alias ? d->hostdev->alias : "");
	else
		tell_not_live(v, d, out);
}

static void judge_command(const struct pt_verify_device *d, struct pt_findings *out)
{
	pt_autofree char *where = pt_strf("/sys/bus/pci/devices/%s/config, COMMAND register", pt_bdf_str(d->bdf).s);
	struct pt_bdf_text bdf = pt_bdf_str(d->bdf);

	switch (d->proof->bus_master) {
	case PT_KNOWN_YES:
		pt_findings_add(out, PT_OK, "bus-master", where, NULL, "DMA of %s is on: bus mastering is set", bdf.s);
		break;
	case PT_KNOWN_NO:
		pt_findings_add(out, PT_FAIL, "bus-master", where,
				"no driver in the guest has taken it: has the guest finished booting, has it a driver "
				"for this device?",
				"DMA of %s is off: bus mastering is not set", bdf.s);
		break;
	case PT_KNOWN_UNKNOWN:
		pt_findings_add(out, PT_UNKNOWN, "bus-master", where, "run it as root",
				"the COMMAND register of %s cannot be read", bdf.s);
		break;
	}
}

/*
 * QEMU takes the INTx line of a device when the VM starts (hw/vfio/pci.c, vfio_intx_enable()), before there is a guest
 * that could use it: only an interrupt that came is a proof.  MSI and MSI-X vectors are the guest's driver's doing.
 */
static bool driver_took_interrupts(const struct pt_proof *p)
{
	return p->vectors && (!pt_streq(p->vector_kind, "vfio-intx") || p->interrupts);
}

static void judge_interrupts(const struct pt_verify_device *d, struct pt_findings *out)
{
	const struct pt_proof *p = d->proof;
	struct pt_bdf_text bdf = pt_bdf_str(d->bdf);

	if (!p->interrupts_known)
		pt_findings_add(out, PT_UNKNOWN, "interrupts", "/proc/interrupts", NULL,
				"the interrupts of this host cannot be read");
	else if (driver_took_interrupts(p))
		pt_findings_add(out, PT_OK, "interrupts", "/proc/interrupts", NULL,
				"%s: %s with %u vector%s, %llu interrupt%s so far", bdf.s,
				p->vector_kind ? p->vector_kind : "vfio", p->vectors, p->vectors == 1 ? "" : "s",
				p->interrupts, p->interrupts == 1 ? "" : "s");
	else if (is_storage(d))
		/* a disk driver asks for its interrupts before it looks for disks */
		pt_findings_add(out, PT_FAIL, "interrupts", "/proc/interrupts",
				"no driver in the guest has taken it: has the guest finished booting, has it a driver "
				"for this device?",
				"no driver in the guest has taken interrupts of %s", bdf.s);
	else
		pt_findings_add(out, PT_WARN, "interrupts", "/proc/interrupts", NULL,
				"no driver in the guest has taken interrupts of %s; that is right only for a driver "
				"that polls, a network interface that is down, or a device that does nothing",
				bdf.s);
}

/* how many functions with the same ids the VM shall have: one of them may not stand for all */
static unsigned same_ids(const struct pt_verify *v, const struct pt_device *like)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->n_devices; i++)
		if (v->devices[i].device && v->devices[i].device->vendor == like->vendor &&
		    v->devices[i].device->device == like->device)
			n++;
	return n;
}

static void judge_guest_driver(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	const struct pt_guest *g = v->guest;
	const struct pt_guest_function *with_driver = NULL;
	unsigned want = same_ids(v, d->device);
	unsigned there = 0;
	unsigned driven = 0;

	/* @d is one of them */
	assert(want > 0);
	for (size_t i = 0; i < g->functions.n; i++) {
		const struct pt_guest_function *f = &g->functions.v[i];

		if (f->vendor != d->device->vendor || f->device != d->device->device)
			continue;
		there++;
		driven += f->driver != NULL;
		if (f->driver && !with_driver)
			with_driver = f;
	}
	if (there < want)
		pt_findings_add(out, PT_FAIL, "guest-driver", "guest agent",
				"has the guest finished booting? `lspci -nnk` inside shows what it has",
				"the guest has %u of %u PCI functions %04x:%04x", there, want, d->device->vendor,
				d->device->device);
	else if (driven < want)
		pt_findings_add(out, PT_FAIL, "guest-driver", "guest agent",
				"load or install its driver in the guest; `dmesg` there tells why it did not take it",
				"in the guest %u of %u PCI functions %04x:%04x have a driver", driven, want,
				d->device->vendor, d->device->device);
	else
		pt_findings_add(out, PT_OK, "guest-driver", "guest agent", NULL, "the guest has %04x:%04x%s%s on %s",
				d->device->vendor, d->device->device, with_driver->has_bdf ? " at " : "",
				with_driver->has_bdf ? pt_bdf_str(with_driver->bdf).s : "", with_driver->driver);
}

static void judge_guest_function(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	if (!d->device)
		return;
	if (v->guest->functions_unknown)
		pt_findings_add(out, PT_UNKNOWN, "guest-driver", "guest agent", NULL,
				"the guest cannot tell its driver for %04x:%04x: %s", d->device->vendor,
				d->device->device, v->guest->functions_unknown);
	else
		judge_guest_driver(v, d, out);
}

static void judge_disk(const struct pt_guest *g, const char *serial, const char *wwn, struct pt_findings *out)
{
	const char *name = serial ? serial : wwn;

	if (g->disks_unknown) {
		pt_findings_add(out, PT_UNKNOWN, "guest-disk", "guest agent", NULL,
				"the guest cannot tell about disk %s: %s", name, g->disks_unknown);
		return;
	}
	for (size_t i = 0; i < g->disks.n; i++) {
		if (!pt_disk_is(g->disks.v[i].serial, serial, wwn))
			continue;
		pt_findings_add(out, PT_OK, "guest-disk", "guest agent", NULL, "the guest has disk %s as %s", name,
				g->disks.v[i].name);
		return;
	}
	pt_findings_add(out, PT_FAIL, "guest-disk", "guest agent",
			"was the disk taken out, or has the guest not finished looking for disks?",
			"the guest does not see disk %s, which was behind the device on this host", name);
}

static void judge_mac(const struct pt_guest *g, const char *mac, struct pt_findings *out)
{
	if (g->nics_unknown) {
		pt_findings_add(out, PT_UNKNOWN, "guest-interface", "guest agent", NULL,
				"the guest cannot tell about the interface with MAC %s: %s", mac, g->nics_unknown);
		return;
	}
	for (size_t i = 0; i < g->nics.n; i++) {
		if (strcasecmp(g->nics.v[i].mac, mac) != 0)
			continue;
		pt_findings_add(out, PT_OK, "guest-interface", "guest agent", NULL, "the guest has MAC %s as %s", mac,
				g->nics.v[i].name);
		return;
	}
	pt_findings_add(out, PT_FAIL, "guest-interface", "guest agent",
			"load or install the interface's driver in the guest", "the guest has no interface with MAC %s",
			mac);
}

static void judge_carried(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	const char *at = d->carried ? d->carried : "";
	const char *mac = d->hostdev ? d->hostdev->mac : NULL;
	char *kind = NULL;
	char *first = NULL;
	char *second = NULL;

	while (pt_carried_next(&at, &kind, &first, &second)) {
		if (pt_streq(kind, "disk") && (first || second))
			judge_disk(v->guest, first, second, out);
		else if (pt_streq(kind, "mac") && first && !mac)
			judge_mac(v->guest, first, out);
		free(kind);
		free(first);
		free(second);
	}
	/* libvirt's <interface type='hostdev'> sets its own address */
	if (mac)
		judge_mac(v->guest, mac, out);
}

/* nobody wrote down what was behind it, so what the guest has there is said, not judged */
static void tell_disks(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *joined = NULL;

	if (d->carried || !is_storage(d) || v->guest->disks_unknown)
		return;
	for (size_t i = 0; i < v->guest->disks.n && names.n < SAY_MAX; i++)
		if (v->guest->disks.v[i].serial)
			pt_strv_addf(&names, "%s (%s)", v->guest->disks.v[i].name, v->guest->disks.v[i].serial);
	joined = pt_strv_join(&names, ", ");
	pt_findings_add(out, PT_NOTE, "guest-disk", "guest agent", NULL,
			"it is not known which disks were behind %s; the guest has %s", pt_bdf_str(d->bdf).s,
			names.n ? joined : "none with a serial number");
}

static void judge_qmp(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	const char *alias = d->hostdev ? d->hostdev->alias : NULL;

	for (size_t i = 0; alias && i < v->qmp->n; i++) {
		const struct pt_qmp_function *f = &v->qmp->v[i];

		if (!pt_streq(f->alias, alias))
			continue;
		pt_findings_add(
			out, f->bars && !f->bars_mapped ? PT_FAIL : PT_OK, "guest-address", "QMP query-pci", NULL,
			"QEMU shows %s to the guest at %s as %04x:%04x; %u of %u memory regions are placed",
			pt_bdf_str(d->bdf).s, pt_bdf_str(f->bdf).s, f->vendor, f->device, f->bars_mapped, f->bars);
		return;
	}
	pt_findings_add(out, PT_FAIL, "guest-address", "QMP query-pci", NULL,
			"QEMU shows no device for %s to the guest", pt_bdf_str(d->bdf).s);
}

/* a VM that is off proves nothing; what can be said is where its devices are */
static void tell_where(const struct pt_verify *v, struct pt_findings *out)
{
	pt_autofree char *fix = pt_strf("start it: `virsh start %s`", pt_shell(v->vm->name).s);

	pt_findings_add(out, PT_FAIL, "running", "libvirt", fix,
			"%s does not run, so it proves nothing about its devices", v->vm->name);
	for (size_t i = 0; i < v->n_devices; i++) {
		const struct pt_verify_device *d = &v->devices[i];

		if (d->proof->present)
			pt_findings_add(out, PT_NOTE, "host-driver", NULL, NULL,
					"%s is in its definition; now %s holds it", pt_bdf_str(d->bdf).s,
					driver_or_none(d->proof->driver));
		else
			judge_driver(d, out);
	}
}

static void judge_device(const struct pt_verify *v, const struct pt_verify_device *d, struct pt_findings *out)
{
	judge_driver(d, out);
	judge_live(v, d, out);
	if (!d->proof->present)
		return;
	judge_command(d, out);
	judge_interrupts(d, out);
	if (v->qmp)
		judge_qmp(v, d, out);
	if (!v->guest || v->guest->silent)
		return;
	judge_guest_function(v, d, out);
	judge_carried(v, d, out);
	tell_disks(v, d, out);
}

static void judge_agent(const struct pt_verify *v, struct pt_findings *out)
{
	const struct pt_guest *g = v->guest;

	if (g->silent)
		pt_findings_add(out, g->no_channel ? PT_NOTE : PT_UNKNOWN, "guest-agent", "guest agent",
				g->no_channel ? "give it a <channel type='unix'> with <target type='virtio' "
						"name='org.qemu.guest_agent.0'/>, and the guest qemu-guest-agent"
					      : "install and start qemu-guest-agent in the guest, if it has booted",
				"the guest's own word is missing: %s", g->silent);
	else
		pt_findings_add(out, PT_OK, "guest-agent", "guest agent", NULL, "the guest agent of %s answers%s%s",
				v->vm->name, g->os ? ": " : "", g->os ? g->os : "");
}

/* asking has its price, which libvirt notes for whoever has to support this VM; nobody should find it by surprise */
static void tell_taint(const struct pt_verify *v, struct pt_findings *out)
{
	bool agent = v->guest && !v->guest->silent;

	if (agent || v->qmp)
		pt_findings_add(out, PT_NOTE, "tainted", "libvirt", NULL,
				"for these questions libvirt marks %s as tainted until it is shut off: custom %s%s%s "
				"commands",
				v->vm->name, agent ? "guest agent" : "", agent && v->qmp ? " and " : "",
				v->qmp ? "monitor" : "");
}

void pt_decide_verify(const struct pt_verify *v, struct pt_findings *ret_findings)
{
	if (!v->n_devices) {
		pt_findings_add(ret_findings, PT_FAIL, "devices", "libvirt", "`passthru attach` gives it one",
				"%s has no PCI device of this host", v->vm->name);
		return;
	}
	if (v->vm->state == PT_DOMAIN_SHUTOFF) {
		tell_where(v, ret_findings);
		return;
	}
	for (size_t i = 0; i < v->n_devices; i++)
		judge_device(v, &v->devices[i], ret_findings);
	if (v->guest)
		judge_agent(v, ret_findings);
	tell_taint(v, ret_findings);
	if (v->running && v->running->pcie_ports > 0)
		pt_findings_add(ret_findings, PT_NOTE, "root-ports", "libvirt", NULL,
				"%zu of the %d root ports of %s are free for devices while it runs",
				v->running->hotplug_ports.n, v->running->pcie_ports, v->vm->name);
}
