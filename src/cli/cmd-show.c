/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/owners.h"
#include "cli/print.h"
#include "cli/vfs.h"
#include "decide/sriov-why.h"
#include "host/alias.h"
#include "host/block.h"
#include "host/group-others.h"
#include "host/pci.h"
#include "host/reserved.h"
#include "host/resolve.h"
#include "host/sriov.h"
#include "host/users.h"
#include "model/host.h"
#include "shape/device.h"
#include "shape/finding.h"

#define LABEL_WIDTH 14
/* include/linux/ioport.h */
#define RESOURCE_IO	  0x00000100
#define RESOURCE_PREFETCH 0x00002000
#define RESOURCE_64	  0x00100000
#define ROM_INDEX	  6

/* everything that is said of one device */
struct shown {
	struct pt_host host;
	struct pt_device *device;
	struct pt_strv modules;
	struct pt_uses uses;
	struct pt_strv blind;
	struct pt_owners owners;
	struct pt_sriov sriov; /* of it; of a VF, its PF's */
	struct pt_findings why;
	struct pt_keeps reserved;
	char *override_owner;
};

static void shown_done(struct shown *s)
{
	pt_host_done(&s->host);
	pt_strv_done(&s->modules);
	pt_uses_done(&s->uses);
	pt_strv_done(&s->blind);
	pt_owners_done(&s->owners);
	pt_keeps_done(&s->reserved);
	free(s->override_owner);
	pt_sriov_done(&s->sriov);
	pt_findings_done(&s->why);
}

static void look_sriov(const struct pt_cli *cli, struct shown *s)
{
	const struct pt_device *d = s->device;
	const struct pt_device *pf = d->sriov == PT_SRIOV_VF ? pt_devices_find(&s->host.devices, d->pf) : d;

	if (!pf)
		return;
	pt_sriov_read(&cli->root, pf, &s->sriov);
	pt_sriov_why(d, &s->sriov, &s->why);
}

static int look(struct pt_cli *cli, struct shown *s, struct pt_error *err)
{
	PT_AUTO(pt_aliases) aliases = { 0 };
	struct pt_bdf bdf = { 0 };
	int r = pt_look_devices(cli, &s->host.devices, err);

	if (r == 0)
		r = pt_resolve_device(&cli->root, &s->host.devices, cli->operands[0], &bdf, err);
	if (r < 0)
		return r;
	s->device = pt_devices_find(&s->host.devices, bdf);
	pt_group_others(&cli->root, s->device->iommu_group, &s->host);
	r = pt_pci_read(&cli->root, s->device, false, err);
	if (r == 0)
		r = pt_block_list(&cli->root, &s->host.blocks, err);
	if (r == 0)
		r = pt_aliases_read(&cli->root, &aliases, err);
	if (r == 0)
		r = pt_users_find(&cli->root, &s->host, &bdf, 1, &s->uses, &s->blind, err);
	if (r < 0)
		return r;
	if (s->device->modalias)
		pt_aliases_modules(&aliases, s->device->modalias, &s->modules);
	s->override_owner = pt_override_owner(&cli->root, bdf);
	pt_owners_find(cli, &s->owners);
	look_sriov(cli, s);
	return pt_keep_list(&cli->root, &s->reserved, &s->blind, err);
}

/* one line; the label stands only before the first of several */
static void line(const struct pt_cli *cli, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void line(const struct pt_cli *cli, const char *label, const char *format, ...)
{
	va_list ap;

	(void)fprintf(cli->out, "  %-*s ", LABEL_WIDTH, label);
	va_start(ap, format);
	(void)vfprintf(cli->out, format, ap);
	va_end(ap);
	(void)fputc('\n', cli->out);
}

static void print_identity(const struct pt_cli *cli, const struct pt_device *d)
{
	pt_autofree char *name = pt_device_name(d);

	(void)fprintf(cli->out, "%s  %s\n", pt_cli_bold(cli, pt_bdf_str(d->bdf).s), name);
	line(cli, "Class", "%s (%06x)", d->class_name ? d->class_name : "unknown", d->class_code);
	line(cli, "Ids", "%04x:%04x, subsystem %04x:%04x, revision %02x", d->vendor, d->device, d->subvendor,
	     d->subdevice, d->revision);
	if (d->serial)
		line(cli, "Serial number", "%s", d->serial);
	line(cli, "Place", "%s", d->slot_path ? d->slot_path : "unknown");
	if (d->numa_node >= 0)
		line(cli, "NUMA node", "%d", d->numa_node);
	else
		line(cli, "NUMA node", "unknown");
}

/* kept for guests across reboots; what is only remembered is told with its VM */
static void print_reserved(const struct pt_cli *cli, const struct shown *s)
{
	const struct pt_keep *k = pt_keep_by_bdf(&s->reserved, s->device->bdf);

	if (!k || !pt_keep_at_boot(k))
		return;
	line(cli, "Reserved", "for %s, by change %lld; known by %s", k->vm ? k->vm : "guests", k->change,
	     k->id.serial ? k->id.serial : "its ids and its slot");
	if (k->id.vendor != s->device->vendor || k->id.device != s->device->device)
		line(cli, "", "but another device is here now: `passthru repair`");
}

static void print_driver(const struct pt_cli *cli, const struct shown *s)
{
	const struct pt_device *d = s->device;
	pt_autofree char *modules = pt_strv_join(&s->modules, ", ");

	line(cli, "Driver", "%s", d->driver ? d->driver : "none");
	if (d->stuck)
		line(cli, "", "the device does not answer: an unbind or a change of its VFs hangs");
	if (d->driver_override)
		line(cli, "", "override: only %s may hold it%s%s", d->driver_override, s->override_owner ? ", by " : "",
		     s->override_owner ? s->override_owner : "");
	print_reserved(cli, s);
	if (s->modules.n)
		line(cli, "Modules", "%s", modules);
	line(cli, "For a guest", "%s", d->vfio_variant ? d->vfio_variant : "vfio-pci");
	if (!d->reset_methods)
		line(cli, "Reset", "unknown");
	else
		line(cli, "Reset", "%s", *d->reset_methods ? d->reset_methods : "none: it cannot be reset");
}

static void print_bars(const struct pt_cli *cli, const struct pt_device *d)
{
	const char *label = "Memory";

	for (size_t i = 0; i < sizeof(d->bars) / sizeof(*d->bars); i++) {
		const struct pt_bar *b = &d->bars[i];
		pt_autofree char *size = pt_print_size(b->size);

		if (!b->size)
			continue;
		if (i == ROM_INDEX)
			line(cli, label, "ROM    %s", size);
		else
			line(cli, label, "BAR %zu  %s, %s%s", i, size,
			     b->flags & RESOURCE_IO   ? "I/O ports"
			     : b->flags & RESOURCE_64 ? "64 bit"
						      : "32 bit",
			     b->flags & RESOURCE_PREFETCH ? ", prefetchable" : "");
		label = "";
	}
}

static void print_vf(const struct pt_cli *cli, const struct shown *s, const struct pt_device *vf)
{
	pt_autofree char *vm = pt_owners_of(&s->owners, vf->bdf);
	pt_autofree char *nets = pt_strv_join(&vf->netdevs, ", ");
	pt_autofree char *settings = pt_vf_text(pt_pf_link_vf(&s->sriov.link, vf->vf_index));

	line(cli, "", "VF %d  %s  group %d  %s%s%s%s%s", vf->vf_index, pt_bdf_str(vf->bdf).s, vf->iommu_group,
	     vf->driver ? vf->driver : "no driver", *nets ? "  " : "", nets, vm ? "  VM " : "", vm ? vm : "");
	if (*settings)
		line(cli, "", "      %s", settings);
}

static void print_sriov(const struct pt_cli *cli, const struct shown *s)
{
	pt_autofree char *status = pt_sriov_status(s->device, &s->sriov);
	pt_autofree char *own = s->device->sriov == PT_SRIOV_VF
					? pt_vf_text(pt_pf_link_vf(&s->sriov.link, s->device->vf_index))
					: pt_strdup("");

	line(cli, "SR-IOV", "%s", status);
	if (*own)
		line(cli, "", "%s", own);
	for (size_t i = 0; i < s->why.n; i++) {
		line(cli, "", "%s", s->why.v[i].fact);
		if (s->why.v[i].fix)
			line(cli, "", "→ %s", s->why.v[i].fix);
	}
	for (size_t i = 0; i < s->host.devices.n; i++) {
		const struct pt_device *vf = &s->host.devices.v[i];

		if (vf->sriov == PT_SRIOV_VF && pt_bdf_eq(vf->pf, s->device->bdf))
			print_vf(cli, s, vf);
	}
}

static size_t count_group(const struct shown *s)
{
	size_t n = s->host.group_others.n;

	for (size_t i = 0; i < s->host.devices.n; i++)
		n += s->host.devices.v[i].iommu_group == s->device->iommu_group;
	return n;
}

static void print_group(const struct pt_cli *cli, const struct shown *s)
{
	const struct pt_device *d = s->device;
	size_t n = count_group(s);

	if (d->iommu_group < 0) {
		line(cli, "IOMMU group", "none: no IOMMU is at work for it (`passthru doctor %s`)",
		     pt_bdf_str(d->bdf).s);
		return;
	}
	if (n == 1) {
		line(cli, "IOMMU group", "%d, alone in it", d->iommu_group);
		return;
	}
	line(cli, "IOMMU group", "%d, together with:", d->iommu_group);
	for (size_t i = 0; i < s->host.devices.n; i++) {
		const struct pt_device *m = &s->host.devices.v[i];
		pt_autofree char *name = pt_device_name(m);

		if (m->iommu_group == d->iommu_group && m != d)
			line(cli, "", "%s  %s (%s)", pt_bdf_str(m->bdf).s, name,
			     pt_device_is_bridge(m) ? "a bridge: it stays"
			     : m->driver	    ? m->driver
						    : "no driver");
	}
	for (size_t i = 0; i < s->host.group_others.n; i++)
		line(cli, "", "%s  no PCI function (%s)", s->host.group_others.v[i].name,
		     s->host.group_others.v[i].driver ? s->host.group_others.v[i].driver : "no driver");
}

static void print_carried(const struct pt_cli *cli, const struct shown *s)
{
	pt_autofree char *nets = pt_strv_join(&s->device->netdevs, ", ");
	const char *label = "Disks";

	if (s->device->netdevs.n)
		line(cli, "Network", "%s", nets);
	for (size_t i = 0; i < s->host.blocks.n; i++) {
		const struct pt_block *b = &s->host.blocks.v[i];
		pt_autofree char *size = pt_print_size(b->size);

		if (!b->has_controller || !pt_bdf_eq(b->controller, s->device->bdf) || strcmp(b->name, b->disk) != 0)
			continue;
		line(cli, label, "%s  %s%s%s%s%s%s%s", b->name, size, b->vendor ? "  " : "", b->vendor ? b->vendor : "",
		     b->model ? "  " : "", b->model ? b->model : "", b->serial ? "  serial " : "",
		     b->serial ? b->serial : "");
		for (size_t j = 0; j < b->links.n; j++)
			line(cli, "", "  /dev/%s", b->links.v[j]);
		label = "";
	}
}

static void print_uses(const struct pt_cli *cli, const struct shown *s)
{
	const char *label = "Used by host";
	pt_autofree char *vm = pt_owners_of(&s->owners, s->device->bdf);

	for (size_t i = 0; i < s->uses.n; i++) {
		const struct pt_use *u = &s->uses.v[i];

		line(cli, label, "%s  [%s]", u->chain, pt_use_kind_str(u->kind));
		label = "";
	}
	if (!s->uses.n)
		line(cli, label, "%s", s->blind.n ? "nothing that could be seen" : "no");
	for (size_t i = 0; i < s->blind.n; i++)
		line(cli, i ? "" : "Not seen", "%s", s->blind.v[i]);
	if (vm || s->owners.asked)
		line(cli, "Given to VM", "%s", vm ? vm : "none");
	else
		line(cli, "Given to VM", "unknown: %s", s->owners.why);
}

static json_t *members_json(const struct shown *s, bool vfs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->host.devices.n; i++) {
		const struct pt_device *d = &s->host.devices.v[i];
		bool is_vf = d->sriov == PT_SRIOV_VF && pt_bdf_eq(d->pf, s->device->bdf);
		bool in_group = s->device->iommu_group >= 0 && d->iommu_group == s->device->iommu_group;

		if (vfs && is_vf)
			json_array_append_new(list, pt_vf_device_json(d, &s->sriov, &s->owners));
		else if (!vfs && in_group)
			json_array_append_new(list, pt_device_to_json(d, false));
	}
	return list;
}

static json_t *blocks_json(const struct shown *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->host.blocks.n; i++) {
		const struct pt_block *b = &s->host.blocks.v[i];

		if (b->has_controller && pt_bdf_eq(b->controller, s->device->bdf))
			json_array_append_new(list, pt_block_to_json(b));
	}
	return list;
}

/* of a VF: what its PF sets for it */
static json_t *settings_json(const struct shown *s)
{
	if (s->device->sriov != PT_SRIOV_VF)
		return json_null();
	return pt_vf_to_json(pt_pf_link_vf(&s->sriov.link, s->device->vf_index));
}

static int print_json(struct pt_cli *cli, const struct shown *s, struct pt_error *err)
{
	json_t *uses = json_array();

	for (size_t i = 0; i < s->uses.n; i++)
		json_array_append_new(uses, pt_use_to_json(&s->uses.v[i]));
	return pt_print_json(cli,
			     json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "device",
				       pt_device_to_json(s->device, true), "modules", pt_json_strv(&s->modules),
				       "group_members", members_json(s, false), "virtual_functions",
				       members_json(s, true), "disks", blocks_json(s), "uses", uses, "not_seen",
				       pt_json_strv(&s->blind), "vms", pt_vms_json(&s->owners, s->device->bdf),
				       "sriov_why", pt_findings_json(&s->why), "settings", settings_json(s)),
			     err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(shown_done) struct shown s = { 0 };
	int r = look(cli, &s, err);

	if (r < 0)
		return r;
	if (cli->json)
		return print_json(cli, &s, err);
	print_identity(cli, s.device);
	print_driver(cli, &s);
	print_bars(cli, s.device);
	print_sriov(cli, &s);
	print_group(cli, &s);
	print_carried(cli, &s);
	print_uses(cli, &s);
	return PT_EXIT_DONE;
}

const struct pt_command pt_command_show = {
	.name = "show",
	.args = "DEVICE",
	.group = "Look",
	.summary = "Show everything about one device",
	.description = "Names, ids and place; its driver, which modules are made for it and what would hold it for a "
		       "guest; how\n"
		       "it can be reset; memory; virtual functions; its IOMMU group and who else is in it; the "
		       "interfaces and\n"
		       "disks on it; what this host uses them for; and the VM that has it.\n\n"
		       "Without root some uses cannot be seen; it then says which.",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
