/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formatdomain.rst, Host device assignment; PCI passthrough of network interfaces. */
#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "domxml/read.h"

/* one attribute of an address; absent is 0, as for libvirt */
static int address_part(const xmlNode *address, const char *name, unsigned long long max, unsigned long long *ret,
			struct pt_error *err)
{
	pt_autofree char *text = pt_xml_attr(address, name);

	*ret = 0;
	if (text && pt_xml_number(text, max, ret) < 0)
		return pt_xml_bad(err, address, "%s='%.32s' is no number from 0 to 0x%llx", name, text, max);
	return 0;
}

int pt_xml_read_bdf(const xmlNode *holder, const xmlNode *address, struct pt_bdf *ret_bdf, struct pt_error *err)
{
	static const struct {
		const char *name;
		unsigned long long max;
	} parts[] = { { "domain", UINT32_MAX }, { "bus", 0xff }, { "slot", 0x1f }, { "function", 7 } };
	unsigned long long v[4];

	if (!address)
		return pt_xml_bad(err, holder, "it names no PCI address");
	for (int i = 0; i < 4; i++) {
		int r = address_part(address, parts[i].name, parts[i].max, &v[i], err);

		if (r < 0)
			return r;
	}
	*ret_bdf = (struct pt_bdf){ (uint32_t)v[0], (uint8_t)v[1], (uint8_t)v[2], (uint8_t)v[3] };
	return 0;
}

int pt_xml_read_drive(const xmlNode *device, unsigned *ret_controller, struct pt_error *err)
{
	unsigned long long value = 0;
	const xmlNode *address = pt_xml_child(device, "address");
	int r;

	if (!address || !pt_xml_attr_is(address, "type", "drive"))
		return 0;
	r = address_part(address, "controller", UINT32_MAX, &value, err);
	if (r < 0)
		return r;
	*ret_controller = (unsigned)value;
	return 1;
}

/*
 * An <interface type='network'> gets a VF from a hostdev pool only when the VM starts; the live definition then has
 * <actual type='hostdev'> with the address, or is an <interface type='hostdev'> outright.
 */
static const xmlNode *interface_holder(const xmlNode *interface)
{
	const xmlNode *actual = pt_xml_child(interface, "actual");

	if (pt_xml_attr_is(interface, "type", "hostdev"))
		return interface;
	return actual && pt_xml_attr_is(actual, "type", "hostdev") ? actual : NULL;
}

int pt_xml_hostdev_bdf(const xmlNode *element, struct pt_bdf *ret_bdf, struct pt_error *err)
{
	const xmlNode *holder = NULL;
	int r;

	if (pt_xml_is(element, "interface"))
		holder = interface_holder(element);
	else if (pt_xml_is(element, "hostdev") && pt_xml_attr_is(element, "type", "pci") &&
		 !pt_xml_attr_is(element, "mode", "capabilities"))
		holder = element;
	if (!holder)
		return 0;
	r = pt_xml_read_bdf(holder, pt_xml_path(holder, "source", "address"), ret_bdf, err);
	return r < 0 ? r : 1;
}

static enum pt_hostdev_kind kind_of(const xmlNode *hostdev)
{
	static const struct {
		const char *name;
		enum pt_hostdev_kind kind;
	} kinds[] = { { "pci", PT_HOSTDEV_PCI },
		      { "usb", PT_HOSTDEV_USB },
		      { "scsi", PT_HOSTDEV_SCSI },
		      { "scsi_host", PT_HOSTDEV_SCSI_HOST },
		      { "mdev", PT_HOSTDEV_MDEV } };
	pt_autofree char *type = pt_xml_attr(hostdev, "type");

	if (pt_xml_attr_is(hostdev, "mode", "capabilities"))
		return PT_HOSTDEV_OTHER;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (pt_streq(kinds[i].name, type))
			return kinds[i].kind;
	return PT_HOSTDEV_OTHER;
}

/* <adapter name='scsi_host2'/><address bus='0' target='1' unit='0'/>: "2:0:1:0"; one over iSCSI is not the host's */
static char *scsi_address(const xmlNode *hostdev)
{
	static const char *const parts[] = { "bus", "target", "unit" };
	const xmlNode *address = pt_xml_path(hostdev, "source", "address");
	pt_autofree char *adapter = pt_xml_attr(pt_xml_path(hostdev, "source", "adapter"), "name");
	unsigned long long host;
	unsigned long long v[3] = { 0 };

	if (!adapter || !address || !pt_startswith(adapter, "scsi_host") ||
	    pt_xml_number(adapter + strlen("scsi_host"), UINT32_MAX, &host) < 0)
		return NULL;
	for (int i = 0; i < 3; i++)
		if (address_part(address, parts[i], UINT32_MAX, &v[i], NULL) < 0)
			return NULL;
	return pt_strf("%llu:%llu:%llu:%llu", host, v[0], v[1], v[2]);
}

/* one that is taken away before the guest moves, while the interface of that alias carries on */
static char *team_of(const xmlNode *device)
{
	const xmlNode *teaming = pt_xml_child(device, "teaming");

	return pt_xml_attr_is(teaming, "type", "transient") ? pt_xml_attr(teaming, "persistent") : NULL;
}

bool pt_xml_read_place(const xmlNode *device, unsigned *ret_bus, unsigned *ret_slot)
{
	const xmlNode *address = pt_xml_child(device, "address");
	pt_autofree char *bus = NULL;
	pt_autofree char *slot = NULL;
	unsigned long long b;
	unsigned long long s = 0;

	if (!address || !pt_xml_attr_is(address, "type", "pci"))
		return false;
	bus = pt_xml_attr(address, "bus");
	slot = pt_xml_attr(address, "slot");
	if (!bus || pt_xml_number(bus, 255, &b) < 0 || (slot && pt_xml_number(slot, 31, &s) < 0))
		return false;
	*ret_bus = (unsigned)b;
	*ret_slot = (unsigned)s;
	return true;
}

static void read_place(const xmlNode *device, struct pt_domain_hostdev *h)
{
	h->has_place = pt_xml_read_place(device, &h->guest_bus, &h->guest_slot);
	h->on_root = h->has_place && h->guest_bus == 0;
}

int pt_xml_read_hostdev(const xmlNode *hostdev, struct pt_domain *d, struct pt_error *err)
{
	struct pt_domain_hostdev *h = pt_array_add(&d->hostdevs);
	int r;

	h->kind = kind_of(hostdev);
	h->managed = pt_xml_attr_is(hostdev, "managed", "yes");
	h->alias = pt_xml_attr(pt_xml_child(hostdev, "alias"), "name");
	h->team_of = team_of(hostdev);
	read_place(hostdev, h);
	r = pt_xml_hostdev_bdf(hostdev, &h->bdf, err);
	if (r < 0)
		return r;
	h->has_bdf = r > 0;
	if (h->kind != PT_HOSTDEV_SCSI)
		return 0;
	h->scsi = scsi_address(hostdev);
	r = pt_xml_read_drive(hostdev, &h->controller_index, err);
	h->has_controller_index = r > 0;
	return r < 0 ? r : 0;
}

static void add_once(struct pt_strv *l, char *name)
{
	if (name && !pt_strv_has(l, name))
		pt_strv_take(l, name);
	else
		free(name);
}

static void read_nic(const xmlNode *interface, struct pt_domain *d)
{
	struct pt_domain_nic *n = pt_array_add(&d->nics);
	const xmlNode *source = pt_xml_child(interface, "source");

	n->type = pt_xml_attr(interface, "type");
	n->source = n->type ? pt_xml_attr(source, pt_streq(n->type, "direct") ? "dev" : n->type) : NULL;
	n->mac = pt_xml_attr(pt_xml_child(interface, "mac"), "address");
	n->model = pt_xml_attr(pt_xml_child(interface, "model"), "type");
	n->alias = pt_xml_attr(pt_xml_child(interface, "alias"), "name");
	n->persistent = pt_xml_attr_is(pt_xml_child(interface, "teaming"), "type", "persistent");
}

int pt_xml_read_interface(const xmlNode *interface, struct pt_domain *d, struct pt_error *err)
{
	struct pt_domain_hostdev *h;
	struct pt_bdf bdf;
	char *mac = pt_xml_attr(pt_xml_child(interface, "mac"), "address");
	int r;

	if (mac)
		pt_strv_take(&d->macs, mac);
	if (pt_xml_attr_is(interface, "type", "vdpa"))
		d->vdpa_count++;
	if (pt_xml_attr_is(interface, "type", "direct")) {
		char *dev = pt_xml_attr(pt_xml_child(interface, "source"), "dev");

		if (dev)
			pt_strv_take(&d->macvtap_on, dev);
	}
	if (pt_xml_attr_is(interface, "type", "bridge"))
		add_once(&d->bridges, pt_xml_attr(pt_xml_child(interface, "source"), "bridge"));
	if (pt_xml_attr_is(interface, "type", "network"))
		add_once(&d->networks, pt_xml_attr(pt_xml_child(interface, "source"), "network"));
	r = pt_xml_hostdev_bdf(interface, &bdf, err);
	if (r == 0)
		read_nic(interface, d);
	if (r <= 0)
		return r;
	h = pt_array_add(&d->hostdevs);
	h->kind = PT_HOSTDEV_PCI;
	h->has_bdf = true;
	h->bdf = bdf;
	h->is_interface = true;
	h->managed = pt_xml_attr_is(interface_holder(interface), "managed", "yes");
	h->mac = pt_xml_attr(pt_xml_child(interface, "mac"), "address");
	h->alias = pt_xml_attr(pt_xml_child(interface, "alias"), "name");
	h->team_of = team_of(interface);
	read_place(interface, h);
	return 0;
}

/* QEMU's -device vfio-pci,host=01:00.0 or sysfsdev=/sys/…/0000:01:00.0, as a list or as JSON */
static bool qemu_host(const char *value, struct pt_bdf *ret_bdf)
{
	static const char *const keys[] = { "host", "sysfsdev" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		for (const char *p = strstr(value, keys[i]); p; p = strstr(p + 1, keys[i])) {
			pt_autofree char *word = NULL;
			const char *start = p + strlen(keys[i]);
			const char *slash;

			start += strspn(start, "\"':= ");
			word = pt_strndup(start, strcspn(start, ",\"' }"));
			slash = strrchr(word, '/');
			if (pt_bdf_parse_loose(slash ? slash + 1 : word, ret_bdf) == 0)
				return true;
		}
	}
	return false;
}

/* -drive file=/dev/sda,if=none  -blockdev {"filename":"/dev/sda"}  -hda /dev/sda */
static void add_paths(const char *value, struct pt_strv *ret_paths)
{
	for (const char *p = strstr(value, "/dev/"); p; p = strstr(p + 1, "/dev/"))
		if (p == value || strchr("=:\"' ", p[-1]))
			pt_strv_take(ret_paths, pt_strndup(p, strcspn(p, ",\"' }")));
}

void pt_xml_read_commandline(const xmlNode *domain, struct pt_domain *d)
{
	for (const xmlNode *c = domain->children; c; c = c->next) {
		if (c->type != XML_ELEMENT_NODE || !c->ns || !pt_streq((const char *)c->ns->href, PT_XML_NS_QEMU) ||
		    !pt_streq((const char *)c->name, "commandline"))
			continue;
		for (const xmlNode *arg = c->children; arg; arg = arg->next) {
			pt_autofree char *value = arg->type == XML_ELEMENT_NODE ? pt_xml_attr(arg, "value") : NULL;
			struct pt_domain_hostdev *h;

			if (value)
				add_paths(value, &d->arguments);
			if (!value || !strstr(value, "vfio-pci"))
				continue;
			h = pt_array_add(&d->hostdevs);
			h->kind = PT_HOSTDEV_OTHER;
			h->has_bdf = qemu_host(value, &h->bdf);
		}
	}
}
