/* SPDX-License-Identifier: Apache-2.0 */
#include "host/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lazy-archive.h"
#include "host/capture-parts.h"
#include "host/pci.h"

PT_DEFINE_CLEANUP(struct archive *, archive_write_free)
PT_DEFINE_CLEANUP(struct archive_entry *, archive_entry_free)

void pt_capture_add(struct pt_capture *c, const char *path, const void *data, size_t size)
{
	struct pt_capture_file *f = pt_array_add(&c->files);

	f->path = pt_strdup(path);
	f->data = pt_alloc(size + 1);
	memcpy(f->data, data, size);
	f->size = size;
}

void pt_capture_done(struct pt_capture *c)
{
	for (size_t i = 0; i < c->files.n; i++) {
		free(c->files.v[i].path);
		free(c->files.v[i].data);
	}
	for (size_t i = 0; i < c->devices.n; i++)
		pt_mock_done(&c->devices.v[i]);
	free(c->files.v);
	free(c->devices.v);
	*c = (struct pt_capture){ 0 };
}

static const char *name_or_nothing(const char *name)
{
	return name ? name : "";
}

/* one line for each kind of device; host/names.c reads them */
static int add_names(const struct pt_root *root, struct pt_capture *c, struct pt_error *err)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_strv) lines = { 0 };
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	int r = pt_pci_list(root, &devices, err);

	if (r == 0)
		r = pt_names_fill(root, &devices, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < devices.n; i++) {
		const struct pt_device *d = &devices.v[i];

		pt_strv_addf(&lines, "%04x:%04x:%04x:%04x:%06x\t%s\t%s\t%s", d->vendor, d->device, d->subvendor,
			     d->subdevice, d->class_code, name_or_nothing(d->vendor_name),
			     name_or_nothing(d->device_name), name_or_nothing(d->class_name));
	}
	pt_strv_sort(&lines);
	for (size_t i = 0; i < lines.n; i++)
		if (i == 0 || strcmp(lines.v[i - 1], lines.v[i]) != 0)
			pt_buf_addf(&text, "%s\n", lines.v[i]);
	pt_capture_add(c, "names", text.s ? text.s : "", text.n);
	return 0;
}

int pt_capture_read(const struct pt_root *root, bool raw, struct pt_capture *ret_capture, struct pt_strv *ret_blind,
		    struct pt_error *err)
{
	PT_AUTO(pt_capture) c = { 0 };
	int r = pt_capture_devices(root, &c, err);

	if (r == 0)
		r = add_names(root, &c, err);
	if (r < 0)
		return r;
	pt_capture_files(root, &c, ret_blind);
	if (!raw)
		pt_capture_hide(&c);
	*ret_capture = c;
	c = (struct pt_capture){ 0 };
	return 0;
}

static ssize_t keep(struct archive *a, void *ctx, const void *data, size_t size)
{
	(void)a;
	pt_buf_addn(ctx, data, size);
	return (ssize_t)size;
}

static int choose_filter(struct archive *a, const char *name)
{
	if (pt_endswith(name, ".gz") || pt_endswith(name, ".tgz"))
		return archive_write_add_filter_gzip(a);
	if (pt_endswith(name, ".xz"))
		return archive_write_add_filter_xz(a);
	if (pt_endswith(name, ".zst"))
		return archive_write_add_filter_zstd(a);
	return ARCHIVE_OK;
}

/* no owner, no times: the same host makes the same tar */
static int put_entry(struct archive *a, const char *path, const char *data, size_t size)
{
	PT_CLEANUP(archive_entry_freep) struct archive_entry *entry = archive_entry_new();

	if (!entry)
		abort();
	archive_entry_set_pathname(entry, path);
	archive_entry_set_size(entry, (int64_t)size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	if (archive_write_header(a, entry) != ARCHIVE_OK)
		return -EIO;
	return size == 0 || archive_write_data(a, data, size) == (ssize_t)size ? 0 : -EIO;
}

static int put_all(struct archive *a, const struct pt_capture *c)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf devices = { 0 };
	int r;

	for (size_t i = 0; i < c->devices.n; i++)
		pt_umockdev_print(&devices, &c->devices.v[i]);
	r = put_entry(a, "devices.umockdev", devices.s ? devices.s : "", devices.n);
	for (size_t i = 0; i < c->files.n && r == 0; i++)
		r = put_entry(a, c->files.v[i].path, c->files.v[i].data, c->files.v[i].size);
	return r;
}

int pt_capture_tar(const struct pt_capture *c, const char *name, char **ret_data, size_t *ret_size,
		   struct pt_error *err)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf out = { 0 };
	int loaded = pt_archive_load(err);
	PT_CLEANUP(archive_write_freep) struct archive *a = loaded < 0 ? NULL : archive_write_new();
	int r = -EIO;

	if (loaded < 0)
		return loaded;
	if (!a)
		abort();
	/* no padding: zeros after its end are an error to zstd */
	if (archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
	    archive_write_set_format_ustar(a) == ARCHIVE_OK && choose_filter(a, name) == ARCHIVE_OK &&
	    archive_write_open(a, &out, NULL, keep, NULL) == ARCHIVE_OK)
		r = put_all(a, c);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = -EIO;
	if (r < 0)
		return pt_say(err, r, "cannot make the tar %s: %s", name,
			      archive_error_string(a) ? archive_error_string(a) : "unknown reason");
	*ret_size = out.n;
	*ret_data = pt_buf_take(&out);
	return 0;
}
