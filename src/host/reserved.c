/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reserved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/identity.h"
#include "host/pci.h"

#define FILE_MAX ((size_t)64 << 10)
#define CONF	 ".conf"

/* "0000:01:00.0.conf": what is not called so was put there by somebody else, and is left alone */
static bool names_address(const char *name, struct pt_bdf *ret_bdf)
{
	pt_autofree char *text = NULL;

	if (!pt_endswith(name, CONF))
		return false;
	text = pt_strndup(name, strlen(name) - strlen(CONF));
	return pt_bdf_parse(text, ret_bdf) == 0;
}

static int read_one(const struct pt_root *root, const char *name, struct pt_bdf bdf, struct pt_keep *r,
		    struct pt_error *err)
{
	pt_autofree char *path = pt_strf("%s/%s", &PT_RESERVED_DIR[1], name);
	pt_autofree char *mark = pt_strf("run/passthru/" PT_KNOWN_PREFIX "%s", pt_bdf_str(bdf).s);
	pt_autofree char *text = NULL;
	pt_autofree char *lines = NULL;
	pt_autofree char *seen = NULL;
	int code = pt_file_read(root->root_fd, path, FILE_MAX, &text, NULL);

	if (code < 0)
		return pt_fail(err, code, "cannot read %s/%s", PT_RESERVED_DIR, name);
	code = pt_reservation_parse(text, r, err);
	if (code == 0 && !pt_bdf_eq(r->id.last_seen, bdf))
		code = pt_say(err, -EBADMSG, "it is about another address, %s", pt_bdf_str(r->id.last_seen).s);
	if (code < 0)
		return pt_wrap(err, code, "%s/%s cannot be understood", PT_RESERVED_DIR, name);
	lines = pt_identity_lines(&r->id);
	r->known = !root->captured && pt_file_read(root->root_fd, mark, FILE_MAX, &seen, NULL) == 0 &&
		   strcmp(seen, lines) == 0;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_keep *)a)->id.last_seen, ((const struct pt_keep *)b)->id.last_seen);
}

int pt_keep_list(const struct pt_root *root, struct pt_keeps *ret, struct pt_strv *ret_bad, struct pt_error *err)
{
	PT_AUTO(pt_keeps) l = { 0 };
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(root->root_fd, &PT_RESERVED_DIR[1], &names);

	if (r < 0 && r != -ENOENT)
		return pt_fail(err, r, "cannot read %s", PT_RESERVED_DIR);
	for (size_t i = 0; i < names.n; i++) {
		PT_AUTO(pt_keep) one = { 0 };
		struct pt_error why = { 0 };
		struct pt_bdf bdf;

		if (!names_address(names.v[i], &bdf))
			continue;
		if (read_one(root, names.v[i], bdf, &one, &why) == 0) {
			pt_array_push(&l, one);
			one = (struct pt_keep){ 0 };
		} else if (ret_bad) {
			pt_strv_add(ret_bad, why.msg);
		}
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_address);
	*ret = l;
	l = (struct pt_keeps){ 0 };
	return 0;
}

static bool of_a_kind(const struct pt_keeps *known, const struct pt_device *d)
{
	for (size_t i = 0; i < known->n; i++) {
		const struct pt_identity *id = &known->v[i].id;

		if (id->vendor == d->vendor && id->device == d->device && id->subvendor == d->subvendor &&
		    id->subdevice == d->subdevice)
			return true;
	}
	return false;
}

int pt_keep_present(const struct pt_root *root, const struct pt_keeps *known, struct pt_devices *devices,
		    const struct pt_blocks *blocks, struct pt_identities *ret_present, struct pt_error *err)
{
	PT_AUTO(pt_identities) l = { 0 };

	for (size_t i = 0; i < devices->n; i++) {
		struct pt_device *d = &devices->v[i];
		struct pt_identity id;
		int r;

		if (!of_a_kind(known, d))
			continue;
		r = pt_pci_read(root, d, false, err);
		/* pulled meanwhile */
		if (r == -ENODEV)
			continue;
		if (r == 0)
			r = pt_identity_read(root, d, blocks, &id, err);
		if (r < 0)
			return r;
		pt_array_push(&l, id);
	}
	*ret_present = l;
	l = (struct pt_identities){ 0 };
	return 0;
}

/* driverctl(8) keeps an override in a file that is called like the device; older versions left the bus out */
static char *driverctl_file(const struct pt_root *root, struct pt_bdf bdf)
{
	static const char *const buses[] = { "", "pci-" };

	for (size_t i = 0; i < sizeof(buses) / sizeof(*buses); i++) {
		pt_autofree char *file = pt_strf("etc/driverctl.d/%s%s", buses[i], pt_bdf_str(bdf).s);

		if (pt_file_exists(root->root_fd, file) == 1)
			return pt_take_ptr(file);
	}
	return NULL;
}

char *pt_override_owner(const struct pt_root *root, struct pt_bdf bdf)
{
	pt_autofree char *file = driverctl_file(root, bdf);

	return file ? pt_strf("driverctl (/%s)", file) : NULL;
}

char *pt_override_against(const struct pt_root *root, const struct pt_device *d)
{
	pt_autofree char *file = driverctl_file(root, d->bdf);
	pt_autofree char *named = NULL;

	/* its own rule may not have run yet; and where VFIO is its word, too, there is nothing to quarrel about */
	if (file && (pt_file_read_line(root->root_fd, file, &named) < 0 || !strstr(named, "vfio")))
		return pt_strf("driverctl keeps %s for %s (/%s)", pt_bdf_str(d->bdf).s,
			       named && *named ? pt_text_clean(named) : "another driver", file);
	if (!d->driver_override || strstr(d->driver_override, "vfio") ||
	    pt_streq(d->driver_override, PT_DRIVER_UNDECIDED))
		return NULL;
	return pt_strf("driver_override of %s names %s, set by %s%s%s", pt_bdf_str(d->bdf).s, d->driver_override,
		       file ? "driverctl (/" : "an administrator or another tool", file ? file : "", file ? ")" : "");
}
