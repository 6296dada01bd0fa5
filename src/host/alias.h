/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel modules say that they serve a device: modules.alias.  Reads only; loads nothing. */
#ifndef PT_HOST_ALIAS_H
#define PT_HOST_ALIAS_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/root.h"

/**
 * struct pt_aliases - the lines of modules.alias that speak of PCI devices
 * @text: the file; @pci: patterns "pci:…", @vfio: patterns "vfio_pci:…" (Documentation/driver-api/vfio.rst: drivers
 * made for one device instead of plain vfio-pci)
 */
struct pt_alias {
	const char *pattern;
	const char *module;
};

struct pt_aliases {
	char *text;
	PT_ARRAY(struct pt_alias) pci;
	PT_ARRAY(struct pt_alias) vfio;
};

/** pt_aliases_read() - of the kernel that runs; 0 with nothing in it when there is no such file (a small capture) */
int pt_aliases_read(const struct pt_root *root, struct pt_aliases *ret_aliases, struct pt_error *err);

/** pt_aliases_modules() - the host's drivers for a device: "pci:v…"; appended in the file's order, each once */
void pt_aliases_modules(const struct pt_aliases *aliases, const char *modalias, struct pt_strv *modules);

/** pt_aliases_vfio() - the VFIO driver made for just this device, the most special pattern's; NULL for none */
const char *pt_aliases_vfio(const struct pt_aliases *aliases, const char *modalias);

/**
 * pt_alias_builtin() - a driver in the image of the kernel that runs that says that it serves @modalias
 * @ret_module: the caller frees
 *
 * modules.builtin.modinfo has the device tables of such drivers only since Linux 6.18: in older kernels (seen
 * with 6.12) none is found.  Return: 1, 0 when none is known; a negative errno when the list cannot be read.
 */
int pt_alias_builtin(const struct pt_root *root, const char *modalias, char **ret_module);

void pt_aliases_done(struct pt_aliases *aliases);

/** pt_alias_match() - does a pattern with * and ? match; linear in time for any input, since captures are hostile */
int pt_alias_match(const char *pattern, const char *text);

#endif
