/* SPDX-License-Identifier: Apache-2.0 */
#include "model/use.h"

#include <stdlib.h>
#include <string.h>

const char *pt_use_kind_str(enum pt_use_kind kind)
{
	static const char *const names[PT_USE_KINDS] = {
		[PT_USE_MOUNT] = "mounted",	  [PT_USE_SWAP] = "swap",
		[PT_USE_BOOT] = "booted-from",	  [PT_USE_LVM] = "lvm",
		[PT_USE_DM] = "device-mapper",	  [PT_USE_MD] = "md-raid",
		[PT_USE_MULTIPATH] = "multipath", [PT_USE_ZFS] = "zfs",
		[PT_USE_BTRFS] = "btrfs",	  [PT_USE_BCACHE] = "bcache",
		[PT_USE_EXPORT] = "exported",	  [PT_USE_LOOP] = "loop",
		[PT_USE_OPEN] = "open",		  [PT_USE_BUSY] = "busy",
		[PT_USE_ROUTE] = "default-route", [PT_USE_SESSION] = "session",
		[PT_USE_BRIDGE] = "bridge-port",  [PT_USE_ADDRESS] = "address",
		[PT_USE_CONSOLE] = "console",	  [PT_USE_DRM] = "drm-client",
		[PT_USE_VFIO] = "vfio-open",	  [PT_USE_MEDIATED] = "mediated",
	};

	return names[kind];
}

struct pt_use *pt_uses_add(struct pt_uses *l, struct pt_bdf bdf, enum pt_use_kind kind, const char *where,
			   const char *chain, ...)
{
	struct pt_use *u = pt_array_add(l);
	va_list ap;

	u->bdf = bdf;
	u->kind = kind;
	u->where = pt_strdup_opt(where);
	va_start(ap, chain);
	u->chain = pt_strfv(chain, ap);
	va_end(ap);
	return u;
}

void pt_uses_done(struct pt_uses *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].chain);
		free(l->v[i].where);
		free(l->v[i].comm);
		free(l->v[i].vm_uuid);
	}
	free(l->v);
	*l = (struct pt_uses){ 0 };
}

const struct pt_block *pt_blocks_by_name(const struct pt_blocks *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

const struct pt_block *pt_blocks_by_number(const struct pt_blocks *l, unsigned major, unsigned minor)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].major == major && l->v[i].minor == minor)
			return &l->v[i];
	return NULL;
}

/* a WWN is one of its kind in the world, but cheap bridges have one for all, or nothing but zeros */
bool pt_block_same_disk(const struct pt_block *a, const struct pt_block *b)
{
	const char *x = a->wwn ? strpbrk(a->wwn, "x.") : NULL;

	if (!a->wwn || !pt_streq(a->wwn, b->wwn) || !strpbrk(x ? x + 1 : a->wwn, "123456789abcdefABCDEF"))
		return false;
	return a->size == b->size && (!a->serial || !b->serial || pt_streq(a->serial, b->serial));
}

static bool hangs_on(const struct pt_block *b, struct pt_bdf bdf)
{
	for (size_t i = 0; i < b->further.n; i++)
		if (pt_bdf_eq(b->further.v[i], bdf))
			return true;
	return b->has_controller && pt_bdf_eq(b->controller, bdf);
}

bool pt_block_behind(const struct pt_blocks *l, const struct pt_block *b, struct pt_bdf bdf)
{
	const struct pt_block *disk = pt_blocks_by_name(l, b->disk);

	if (hangs_on(b, bdf))
		return true;
	for (size_t i = 0; i < l->n && disk; i++)
		if (hangs_on(&l->v[i], bdf) && pt_streq(l->v[i].name, l->v[i].disk) &&
		    pt_block_same_disk(&l->v[i], disk))
			return true;
	return false;
}

void pt_blocks_done(struct pt_blocks *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct pt_block *b = &l->v[i];

		free(b->name);
		free(b->disk);
		free(b->vendor);
		free(b->model);
		free(b->serial);
		free(b->wwn);
		free(b->further.v);
		pt_strv_done(&b->links);
	}
	free(l->v);
	*l = (struct pt_blocks){ 0 };
}
