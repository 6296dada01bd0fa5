/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "domxml/read.h"

int pt_xml_controller_index(const xmlNode *controller, unsigned *ret_index, struct pt_error *err)
{
	pt_autofree char *text = pt_xml_attr(controller, "index");
	pt_autofree char *type = pt_xml_attr(controller, "type");
	unsigned long long value = 0;

	if (!text) {
		for (const xmlNode *c = controller->prev; c; c = c->prev)
			value += pt_xml_is(c, "controller") && type && pt_xml_attr_is(c, "type", type);
	} else if (pt_xml_number(text, UINT32_MAX, &value) < 0) {
		return pt_xml_bad(err, controller, "index='%.32s' is no number", text);
	}
	*ret_index = (unsigned)value;
	return 0;
}

unsigned pt_xml_boot_order(const xmlNode *device)
{
	pt_autofree char *order = pt_xml_attr(pt_xml_child(device, "boot"), "order");
	unsigned long long value = 0;

	/* libvirt takes no other than a number from 1 */
	return order && pt_xml_number(order, UINT32_MAX, &value) == 0 ? (unsigned)value : 0;
}

static int read_controller(const xmlNode *controller, struct pt_domain *d, struct pt_error *err)
{
	struct pt_domain_controller *c = pt_array_add(&d->controllers);

	c->type = pt_xml_attr(controller, "type");
	c->model = pt_xml_attr(controller, "model");
	if (!c->type)
		return pt_xml_bad(err, controller, "the controller has no type");
	return pt_xml_controller_index(controller, &c->index, err);
}

static int read_balloon(const xmlNode *balloon, struct pt_domain *d, struct pt_error *err)
{
	d->balloon = !pt_xml_attr_is(balloon, "model", "none");
	return 0;
}

void pt_xml_read_viommu(const xmlNode *iommu, struct pt_viommu *ret_viommu)
{
	const xmlNode *driver = pt_xml_child(iommu, "driver");

	ret_viommu->model = pt_xml_attr(iommu, "model");
	for (int i = 0; i < PT_VIOMMU_WORDS; i++)
		ret_viommu->words[i] = pt_xml_attr(driver, pt_viommu_word_str((enum pt_viommu_word)i));
}

static int read_iommu(const xmlNode *iommu, struct pt_domain *d, struct pt_error *err)
{
	pt_viommu_done(&d->viommu);
	pt_xml_read_viommu(iommu, &d->viommu);
	return 0;
}

static int read_channel(const xmlNode *channel, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *target = pt_xml_child(channel, "target");

	if (target && pt_xml_attr_is(target, "name", "org.qemu.guest_agent.0"))
		d->guest_agent = true;
	return 0;
}

static int read_filesystem(const xmlNode *fs, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *source = pt_xml_child(fs, "source");
	char *name;

	if (!pt_xml_attr_is(pt_xml_child(fs, "driver"), "type", "virtiofs"))
		return 0;
	name = pt_xml_attr(source, "dir");
	if (!name)
		name = pt_xml_attr(source, "socket");
	if (!name)
		name = pt_xml_attr(pt_xml_child(fs, "target"), "dir");
	pt_strv_take(&d->virtiofs, name ? name : pt_strdup("a directory"));
	return 0;
}

static int read_shmem(const xmlNode *shmem, struct pt_domain *d, struct pt_error *err)
{
	char *name = pt_xml_attr_is(shmem, "role", "master") ? NULL : pt_xml_attr(shmem, "name");

	if (!pt_xml_attr_is(shmem, "role", "master"))
		pt_strv_take(&d->shmem, name ? name : pt_strdup("without a name"));
	return 0;
}

/* its state is in this host's chip; one that is emulated goes along */
static int read_tpm(const xmlNode *tpm, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *backend = pt_xml_child(tpm, "backend");
	char *path;

	if (!backend || !pt_xml_attr_is(backend, "type", "passthrough") || d->host_tpm)
		return 0;
	path = pt_xml_attr(pt_xml_child(backend, "device"), "path");
	d->host_tpm = path ? path : pt_strdup("/dev/tpm0");
	return 0;
}

static int read_emulator(const xmlNode *emulator, struct pt_domain *d, struct pt_error *err)
{
	free(d->emulator);
	d->emulator = pt_xml_content(emulator);
	return 0;
}

static int read_devices(const xmlNode *devices, struct pt_domain *d, struct pt_error *err)
{
	static const struct {
		const char *name;
		int (*read)(const xmlNode *node, struct pt_domain *d, struct pt_error *err);
	} readers[] = {
		{ "disk", pt_xml_read_disk },
		{ "controller", read_controller },
		{ "hostdev", pt_xml_read_hostdev },
		{ "interface", pt_xml_read_interface },
		{ "memballoon", read_balloon },
		{ "iommu", read_iommu },
		{ "channel", read_channel },
		{ "emulator", read_emulator },
		{ "filesystem", read_filesystem },
		{ "shmem", read_shmem },
		{ "tpm", read_tpm },
	};
	size_t n = 0;

	for (const xmlNode *c = pt_xml_child(devices, NULL); c; c = pt_xml_next(c, NULL)) {
		unsigned order = pt_xml_boot_order(c);

		if (order && (!d->first_boot_order || order < d->first_boot_order))
			d->first_boot_order = order;
		if (++n > PT_XML_DEVICES_MAX)
			return pt_xml_bad(err, devices, "more than %d devices", PT_XML_DEVICES_MAX);
		for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
			int r = pt_xml_is(c, readers[i].name) ? readers[i].read(c, d, err) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static void want_controller(struct pt_domain *d, const char *type, unsigned index)
{
	struct pt_domain_controller *c;

	for (size_t i = 0; i < d->controllers.n; i++)
		if (d->controllers.v[i].index == index && pt_streq(d->controllers.v[i].type, type))
			return;
	c = pt_array_add(&d->controllers);
	c->type = pt_strdup(type);
	c->index = index;
	c->implicit = true;
}

/* libvirt adds the controllers that drives ask for (virDomainDefAddImplicitControllers) */
static void add_implicit(struct pt_domain *d)
{
	static const char *const buses[] = { "scsi", "sata", "ide", "fdc" };

	for (size_t i = 0; i < d->disks.n; i++)
		for (size_t k = 0; k < sizeof(buses) / sizeof(*buses); k++)
			if (pt_streq(d->disks.v[i].bus, buses[k]))
				want_controller(d, buses[k], d->disks.v[i].controller_index);
	for (size_t i = 0; i < d->hostdevs.n; i++)
		if (d->hostdevs.v[i].kind == PT_HOSTDEV_SCSI)
			want_controller(d, "scsi", d->hostdevs.v[i].controller_index);
}

static bool is_port(const xmlNode *controller)
{
	return pt_xml_attr_is(controller, "type", "pci") &&
	       (pt_xml_attr_is(controller, "model", "pcie-root-port") ||
		pt_xml_attr_is(controller, "model", "pcie-switch-downstream-port"));
}

/* the guest's slots, and how many devices are in each; the buses behind ports that know no hot-plug */
struct places {
	unsigned char slots[256][32];
	bool fixed[256];
};

static void count_places(const xmlNode *devices, struct places *p)
{
	for (const xmlNode *c = pt_xml_child(devices, NULL); c; c = pt_xml_next(c, NULL)) {
		unsigned bus;
		unsigned slot;

		if (pt_xml_read_place(c, &bus, &slot) && p->slots[bus][slot] < 2)
			p->slots[bus][slot]++;
	}
}

static bool is_used(const struct places *p, unsigned bus)
{
	for (size_t i = 0; i < 32; i++)
		if (p->slots[bus][i])
			return true;
	return false;
}

static void mark_places(struct pt_domain *d, const struct places *p)
{
	for (size_t i = 0; i < d->hostdevs.n; i++) {
		struct pt_domain_hostdev *h = &d->hostdevs.v[i];

		h->shares_slot = h->has_place && p->slots[h->guest_bus][h->guest_slot] > 1;
		h->fixed = h->has_place && p->fixed[h->guest_bus];
	}
}

/* On q35, virt and their like a device needs a port of its own (docs/pci-hotplug.rst). */
static int read_ports(const xmlNode *devices, struct pt_domain *d, struct pt_error *err)
{
	struct places places = { 0 };
	bool pcie = false;
	int ports = 0;
	int idle = 0;

	count_places(devices, &places);
	for (const xmlNode *c = pt_xml_child(devices, "controller"); c; c = pt_xml_next(c, "controller")) {
		unsigned index = 0;
		bool fixed = pt_xml_attr_is(pt_xml_child(c, "target"), "hotplug", "off");
		int r = pt_xml_controller_index(c, &index, err);

		if (r < 0)
			return r;
		pcie = pcie || (pt_xml_attr_is(c, "type", "pci") && pt_xml_attr_is(c, "model", "pcie-root"));
		if (!is_port(c) || index > 255)
			continue;
		ports++;
		places.fixed[index] = fixed;
		if (is_used(&places, index))
			continue;
		idle++;
		if (!fixed)
			pt_array_push(&d->hotplug_ports, index);
	}
	d->pcie_ports = pcie ? ports : -1;
	d->free_pcie_ports = pcie ? idle : -1;
	if (!pcie)
		d->hotplug_ports.n = 0;
	mark_places(d, &places);
	return 0;
}

static uint64_t read_tsc(const xmlNode *clock)
{
	unsigned long long value = 0;

	for (const xmlNode *t = pt_xml_child(clock, "timer"); t; t = pt_xml_next(t, "timer")) {
		pt_autofree char *frequency = pt_xml_attr_is(t, "name", "tsc") ? pt_xml_attr(t, "frequency") : NULL;

		if (frequency && pt_xml_number(frequency, UINT64_MAX, &value) == 0)
			return value;
	}
	return 0;
}

/* the most that it may have: <vcpu current=> says how many of them it starts with */
static unsigned read_vcpus(const xmlNode *vcpu)
{
	pt_autofree char *text = pt_xml_content(vcpu);
	unsigned long long value = 0;

	return text && pt_xml_number(text, UINT32_MAX, &value) == 0 ? (unsigned)value : 0;
}

static int read_domain(const xmlNode *domain, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *devices = pt_xml_child(domain, "devices");
	const xmlNode *os_type = pt_xml_path(domain, "os", "type");
	int r;

	d->name = pt_xml_content(pt_xml_child(domain, "name"));
	if (!d->name)
		return pt_xml_bad(err, domain, "the domain has no <name>");
	d->uuid = pt_xml_content(pt_xml_child(domain, "uuid"));
	d->type = pt_xml_attr(domain, "type");
	d->arch = pt_xml_attr(os_type, "arch");
	d->machine = pt_xml_attr(os_type, "machine");
	d->boots_kernel = pt_xml_path(domain, "os", "kernel") != NULL;
	d->boot_dev = pt_xml_attr(pt_xml_path(domain, "os", "boot"), "dev");
	d->cpu_cache_passthrough = pt_xml_attr_is(pt_xml_path(domain, "cpu", "cache"), "mode", "passthrough");
	d->ioapic = pt_xml_attr(pt_xml_path(domain, "features", "ioapic"), "driver");
	d->vcpus = read_vcpus(pt_xml_child(domain, "vcpu"));
	d->tsc_hz = read_tsc(pt_xml_child(domain, "clock"));
	d->launch_secured = pt_xml_attr(pt_xml_child(domain, "launchSecurity"), "type");
	r = pt_xml_read_memory(domain, d, err);
	if (r == 0)
		r = pt_xml_read_cpu(pt_xml_child(domain, "cpu"), &d->cpu, err);
	if (r == 0)
		r = read_devices(devices, d, err);
	if (r < 0)
		return r;
	pt_xml_read_commandline(domain, d);
	add_implicit(d);
	d->acpi = pt_xml_path(domain, "features", "acpi") != NULL;
	return read_ports(devices, d, err);
}

int pt_domxml_read(const char *xml, struct pt_domain *ret_domain, struct pt_error *err)
{
	PT_AUTO(pt_domain) d = { 0 };
	PT_AUTO(pt_xml) x = { 0 };
	int r = pt_xml_open(xml, &x, err);

	if (r == 0)
		r = read_domain(xmlDocGetRootElement(x.doc), &d, err);
	if (r < 0)
		return r;
	*ret_domain = d;
	d = (struct pt_domain){ 0 };
	return 0;
}
