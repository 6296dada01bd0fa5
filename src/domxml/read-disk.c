/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formatdomain.rst, Hard drives, floppy disks, CDROMs. */
#include "base/cleanup.h"
#include "domxml/read.h"

static enum pt_disk_source source_type(const char *type)
{
	static const struct {
		const char *name;
		enum pt_disk_source type;
	} types[] = {
		{ "block", PT_DISK_BLOCK },	    { "file", PT_DISK_FILE },		{ "dir", PT_DISK_DIR },
		{ "network", PT_DISK_NETWORK },	    { "volume", PT_DISK_VOLUME },	{ "nvme", PT_DISK_NVME },
		{ "vhostuser", PT_DISK_VHOSTUSER }, { "vhostvdpa", PT_DISK_VHOSTVDPA },
	};

	if (!type)
		return PT_DISK_FILE;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].type;
	return PT_DISK_OTHER;
}

/* the host's name for what a <source> of this type is: a path, pool/volume, or NULL */
static char *source_path(const xmlNode *source, enum pt_disk_source type)
{
	pt_autofree char *pool = NULL;
	pt_autofree char *volume = NULL;

	switch (type) {
	case PT_DISK_BLOCK:
		return pt_xml_attr(source, "dev");
	case PT_DISK_FILE:
		return pt_xml_attr(source, "file");
	case PT_DISK_DIR:
		return pt_xml_attr(source, "dir");
	case PT_DISK_VOLUME:
		pool = pt_xml_attr(source, "pool");
		volume = pt_xml_attr(source, "volume");
		return pool && volume ? pt_strf("%s/%s", pool, volume) : NULL;
	default:
		return NULL;
	}
}

static void add_hidden(struct pt_domain *d, struct pt_bdf bdf)
{
	struct pt_domain_hostdev *h = pt_array_add(&d->hostdevs);

	h->kind = PT_HOSTDEV_OTHER;
	h->has_bdf = true;
	h->bdf = bdf;
}

/* the source of a <mirror>, <backingStore> or <dataStore>: one more path, or one more function, that the disk holds */
static int read_further(const xmlNode *holder, struct pt_strv *also, struct pt_domain *d, struct pt_error *err)
{
	pt_autofree char *type_name = pt_xml_attr(holder, "type");
	enum pt_disk_source type = source_type(type_name);
	const xmlNode *source = pt_xml_child(holder, "source");
	char *path = source_path(source, type);
	struct pt_bdf bdf;
	int r = 0;

	/* <mirror file='…'> is how libvirt before 1.2.6 wrote it */
	if (!path && !source)
		path = pt_xml_attr(holder, "file");
	if (path)
		pt_strv_take(also, path);
	if (source && type == PT_DISK_NVME) {
		r = pt_xml_read_bdf(source, pt_xml_child(source, "address"), &bdf, err);
		if (r == 0)
			add_hidden(d, bdf);
	}
	return r;
}

/* @holder is the disk, its mirror, or a level of the backing chain: all that stands below it */
static int read_chain(const xmlNode *holder, struct pt_strv *also, struct pt_domain *d, struct pt_error *err)
{
	int r = 0;

	for (; holder && r == 0; holder = pt_xml_child(holder, "backingStore")) {
		const xmlNode *data = pt_xml_path(holder, "source", "dataStore");
		const xmlNode *next = pt_xml_child(holder, "backingStore");

		if (data)
			r = read_further(data, also, d, err);
		if (r == 0 && next)
			r = read_further(next, also, d, err);
	}
	return r;
}

/* libvirt's guess from the name where the definition does not tell */
static char *bus_of(const xmlNode *target, const char *device, const char *name)
{
	static const struct {
		const char *prefix;
		const char *bus;
	} guesses[] = { { "hd", "ide" },  { "sd", "scsi" }, { "vd", "virtio" },
			{ "xvd", "xen" }, { "ubd", "uml" }, { "fd", "fdc" } };
	char *bus = pt_xml_attr(target, "bus");

	if (bus)
		return bus;
	if (pt_streq(device, "floppy"))
		return pt_strdup("fdc");
	for (size_t i = 0; name && i < sizeof(guesses) / sizeof(*guesses); i++)
		if (pt_startswith(name, guesses[i].prefix))
			return pt_strdup(guesses[i].bus);
	return NULL;
}

static int read_source(const xmlNode *disk, struct pt_domain_disk *k, struct pt_error *err)
{
	const xmlNode *source = pt_xml_child(disk, "source");
	int r = 0;

	if (k->type == PT_DISK_NVME)
		r = pt_xml_read_bdf(source ? source : disk, pt_xml_child(source, "address"), &k->nvme, err);
	k->source = source_path(source, k->type);
	if (!source || ((k->type == PT_DISK_BLOCK || k->type == PT_DISK_FILE) && !k->source))
		k->type = PT_DISK_NONE;
	return r;
}

int pt_xml_read_disk(const xmlNode *disk, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *target = pt_xml_child(disk, "target");
	const xmlNode *mirror = pt_xml_child(disk, "mirror");
	struct pt_domain_disk *k = pt_array_add(&d->disks);
	pt_autofree char *type = pt_xml_attr(disk, "type");
	int r;

	k->type = source_type(type);
	k->device = pt_xml_attr(disk, "device");
	if (!k->device)
		k->device = pt_strdup("disk");
	k->target = pt_xml_attr(target, "dev");
	if (!k->target)
		return pt_xml_bad(err, disk, "the disk has no <target dev=…>");
	k->bus = bus_of(target, k->device, k->target);
	k->serial = pt_xml_content(pt_xml_child(disk, "serial"));
	k->wwn = pt_xml_content(pt_xml_child(disk, "wwn"));
	k->transient = pt_xml_child(disk, "transient") != NULL;
	k->readonly = pt_streq(k->device, "cdrom") || pt_xml_child(disk, "readonly");
	k->mirrored = mirror != NULL;
	k->boot_order = pt_xml_boot_order(disk);
	r = pt_xml_read_drive(disk, &k->controller_index, err);
	if (r >= 0) {
		k->has_controller_index = r > 0;
		r = read_source(disk, k, err);
	}
	if (r == 0)
		r = read_chain(disk, &k->also, d, err);
	if (r == 0 && mirror)
		r = read_further(mirror, &k->also, d, err);
	if (r == 0 && mirror)
		r = read_chain(mirror, &k->also, d, err);
	return r;
}
