/* SPDX-License-Identifier: Apache-2.0 */
/* Names of vendors, devices and classes.  Part of host/pci.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libudev.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/pci.h"

#define NAMES_MAX 4096 /* bytes of one name, many times what the longest in pci.ids has */

static char *hwdb_modalias(const struct pt_device *d)
{
	return pt_strf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", d->vendor, d->device, d->subvendor, d->subdevice,
		       d->class_code >> 16 & 0xff, d->class_code >> 8 & 0xff, d->class_code & 0xff);
}

static void set_name(char **name, const char *value)
{
	if (!value || !*value)
		return;
	free(*name);
	*name = pt_text_clean(pt_strndup(value, NAMES_MAX));
}

/* one walk through the trie answers for vendor, model and class at once */
static void fill_one(struct udev_hwdb *hwdb, struct pt_device *d)
{
	pt_autofree char *modalias = hwdb_modalias(d);
	struct udev_list_entry *entry;
	const char *class_name = NULL;
	const char *subclass = NULL;

	/* none when the database has nothing about it, or cannot be read: numbers have to do */
	udev_list_entry_foreach(entry, udev_hwdb_get_properties_list_entry(hwdb, modalias, 0))
	{
		const char *key = udev_list_entry_get_name(entry);
		const char *value = udev_list_entry_get_value(entry);

		if (strcmp(key, "ID_VENDOR_FROM_DATABASE") == 0)
			set_name(&d->vendor_name, value);
		else if (strcmp(key, "ID_MODEL_FROM_DATABASE") == 0)
			set_name(&d->device_name, value);
		else if (strcmp(key, "ID_PCI_CLASS_FROM_DATABASE") == 0)
			class_name = value;
		else if (strcmp(key, "ID_PCI_SUBCLASS_FROM_DATABASE") == 0)
			subclass = value;
	}
	set_name(&d->class_name, subclass ? subclass : class_name);
}

static bool same_ids(const struct pt_device *a, const struct pt_device *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->subvendor == b->subvendor &&
	       a->subdevice == b->subdevice && a->class_code == b->class_code;
}

static void copy_names(struct pt_device *to, const struct pt_device *from)
{
	pt_strset(&to->vendor_name, from->vendor_name);
	pt_strset(&to->device_name, from->device_name);
	pt_strset(&to->class_name, from->class_name);
}

static int compare_ids(const void *a, const void *b)
{
	const struct pt_device *x = *(const struct pt_device *const *)a;
	const struct pt_device *y = *(const struct pt_device *const *)b;

	if (x->vendor != y->vendor)
		return x->vendor < y->vendor ? -1 : 1;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->subvendor != y->subvendor)
		return x->subvendor < y->subvendor ? -1 : 1;
	if (x->subdevice != y->subdevice)
		return x->subdevice < y->subdevice ? -1 : 1;
	return x->class_code < y->class_code ? -1 : x->class_code > y->class_code;
}

/* devices in order of their ids, so that thousands of the same VF are looked up once; caller frees */
static struct pt_device **by_ids(struct pt_devices *devices)
{
	struct pt_device **order = pt_alloc((devices->n + 1) * sizeof(struct pt_device *));

	for (size_t i = 0; i < devices->n; i++)
		order[i] = &devices->v[i];
	qsort(order, devices->n, sizeof(struct pt_device *), compare_ids);
	return order;
}

static void fill_from_hwdb(struct pt_devices *devices)
{
	pt_autofree struct pt_device **order = by_ids(devices);
	struct udev_hwdb *hwdb = udev_hwdb_new(NULL);

	/* a small or broken installation */
	if (!hwdb)
		return;
	for (size_t i = 0; i < devices->n; i++) {
		if (i && same_ids(order[i - 1], order[i]))
			copy_names(order[i], order[i - 1]);
		else
			fill_one(hwdb, order[i]);
	}
	(void)udev_hwdb_unref(hwdb);
}

/* "vvvv:dddd:vvvv:dddd:cccccc<TAB>vendor<TAB>device<TAB>class"; an empty name is an unknown one; cuts @line in place */
static void fill_from_line(struct pt_device *const *order, bool *named, size_t n, char *line)
{
	struct pt_device wanted = { 0 };
	const struct pt_device *key = &wanted;
	char *fields[4] = { NULL };
	unsigned ids[5];
	size_t first = 0;

	for (size_t i = 0; i < 4; i++)
		fields[i] = strsep(&line, "\t");
	if (!fields[3] || sscanf(fields[0], "%4x:%4x:%4x:%4x:%6x", &ids[0], &ids[1], &ids[2], &ids[3], &ids[4]) != 5)
		return;
	wanted.vendor = (uint16_t)ids[0];
	wanted.device = (uint16_t)ids[1];
	wanted.subvendor = (uint16_t)ids[2];
	wanted.subdevice = (uint16_t)ids[3];
	wanted.class_code = ids[4];
	for (size_t high = n; first < high;) {
		size_t middle = first + (high - first) / 2;

		if (compare_ids(&order[middle], &key) < 0)
			first = middle + 1;
		else
			high = middle;
	}
	/* the first line about an id counts; so a file that repeats one cannot cost time for each device again */
	for (; first < n && same_ids(order[first], key) && !named[first]; first++) {
		named[first] = true;
		set_name(&order[first]->vendor_name, fields[1]);
		set_name(&order[first]->device_name, fields[2]);
		set_name(&order[first]->class_name, fields[3]);
	}
}

int pt_names_fill(const struct pt_root *root, struct pt_devices *devices, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	pt_autofree struct pt_device **order = NULL;
	pt_autofree bool *named = NULL;
	char *save = NULL;
	int r = root->captured ? pt_file_read(root->root_fd, "names", PT_FILE_MAX, &text, NULL) : -ENOENT;

	if (r == -ENOENT) {
		fill_from_hwdb(devices);
		return 0;
	}
	if (r < 0)
		return pt_fail(err, r, "cannot read %s/names", root->path);
	order = by_ids(devices);
	named = pt_alloc(devices->n + 1);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fill_from_line(order, named, devices->n, line);
	return 0;
}
