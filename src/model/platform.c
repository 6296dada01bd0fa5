/* SPDX-License-Identifier: Apache-2.0 */
#include "model/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* the kernel takes '-' and '_' in a parameter's name for the same (kernel/params.c: parameqn) */
static bool same_name(const char *word, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((word[i] == '-' ? '_' : word[i]) != (name[i] == '-' ? '_' : name[i]))
			return false;
	return word[n] == '=' || word[n] == '\0';
}

static const char *value_of(const char *word, const char *name)
{
	size_t n = strlen(name);

	if (strlen(word) < n || !same_name(word, name, n))
		return NULL;
	return word[n] ? word + n + 1 : word + n;
}

const char *pt_cmdline_value(const struct pt_strv *cmdline, const char *name)
{
	for (size_t i = cmdline->n; i-- > 0;) {
		const char *value = value_of(cmdline->v[i], name);

		if (value)
			return value;
	}
	return NULL;
}

static bool list_has(const char *list, const char *option)
{
	size_t n = strlen(option);

	for (;; list++) {
		if (strncmp(list, option, n) == 0 && (list[n] == ',' || list[n] == '\0'))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
	}
}

bool pt_cmdline_has(const struct pt_strv *cmdline, const char *name, const char *option)
{
	for (size_t i = 0; i < cmdline->n; i++) {
		const char *value = value_of(cmdline->v[i], name);

		if (value && list_has(value, option))
			return true;
	}
	return false;
}

const char *pt_acpi_table(const struct pt_acpi *acpi)
{
	if (acpi->dmar == PT_KNOWN_YES)
		return "DMAR";
	if (acpi->ivrs == PT_KNOWN_YES)
		return "IVRS";
	if (acpi->iort == PT_KNOWN_YES)
		return "IORT";
	return acpi->viot == PT_KNOWN_YES ? "VIOT" : NULL;
}

/*
 * The function slot.func on the bus behind @bridge.  A VF sits on the same bridge with a higher bus number, which a
 * firmware table never means: the lowest bus wins, and the list is sorted.
 */
static const struct pt_device *below(const struct pt_devices *devices, struct pt_bdf bridge, uint8_t slot, uint8_t func)
{
	for (size_t i = 0; i < devices->n; i++) {
		const struct pt_device *d = &devices->v[i];

		if (d->has_parent && pt_bdf_eq(d->parent, bridge) && d->bdf.slot == slot && d->bdf.func == func)
			return d;
	}
	return NULL;
}

/*
 * VT-d specification, 8.3.1: the first pair is a function on the start bus, each further one a function on the bus
 * behind the one before.
 */
int pt_scope_resolve(const struct pt_scope *scope, const struct pt_devices *devices, struct pt_bdf *ret_bdf)
{
	struct pt_bdf at = { scope->segment, scope->bus, 0, 0 };

	if (scope->n == 0 || scope->n > PT_SCOPE_PATH_MAX)
		return -ENOENT;
	for (uint8_t i = 0; i < scope->n; i++) {
		const struct pt_device *d;

		if (i == 0) {
			at.slot = scope->path[0].slot;
			at.func = scope->path[0].func;
			d = pt_devices_find(devices, at);
		} else {
			d = below(devices, at, scope->path[i].slot, scope->path[i].func);
		}
		if (!d)
			return -ENOENT;
		at = d->bdf;
	}
	*ret_bdf = at;
	return 0;
}

/* the kernel counts a function behind a named bridge as named (drivers/iommu/intel: device_has_rmrr()) */
static bool scope_names(const struct pt_scope *scope, const struct pt_devices *devices, const struct pt_device *d)
{
	struct pt_bdf named;
	size_t depth = 0;

	if (pt_scope_resolve(scope, devices, &named) < 0)
		return false;
	while (d && depth++ < 256) {
		if (pt_bdf_eq(d->bdf, named))
			return true;
		d = d->has_parent ? pt_devices_find(devices, d->parent) : NULL;
	}
	return false;
}

bool pt_reserved_names(const struct pt_reserved *reserved, const struct pt_devices *devices, const struct pt_device *d)
{
	unsigned id = (unsigned)d->bdf.bus << 8 | (unsigned)d->bdf.slot << 3 | d->bdf.func;

	if (reserved->by_range)
		return d->bdf.domain == reserved->segment && id >= reserved->first && id <= reserved->last;
	for (size_t i = 0; i < reserved->scopes.n; i++)
		if (scope_names(&reserved->scopes.v[i], devices, d))
			return true;
	return false;
}

void pt_acpi_done(struct pt_acpi *a)
{
	for (size_t i = 0; i < a->reserved.n; i++)
		free(a->reserved.v[i].scopes.v);
	free(a->reserved.v);
	free(a->why_not);
	*a = (struct pt_acpi){ 0 };
}

static void iommu_done(struct pt_iommu *i)
{
	for (size_t n = 0; n < i->units.n; n++)
		free(i->units.v[n].name);
	free(i->units.v);
	free(i->unsafe_where);
	free(i->default_type);
	free(i->direct.v);
}

static void kernel_done(struct pt_kernel *k)
{
	free(k->release);
	free(k->lockdown);
	free(k->config_where);
	free(k->vfio_blocked);
}

void pt_platform_done(struct pt_platform *p)
{
	free(p->cpu.model);
	pt_acpi_done(&p->acpi);
	iommu_done(&p->iommu);
	kernel_done(&p->kernel);
	pt_strv_done(&p->boot.configured);
	pt_strv_done(&p->cmdline);
	for (size_t i = 0; i < p->vfio_ids.n; i++)
		free(p->vfio_ids.v[i].where);
	free(p->vfio_ids.v);
	free(p->libvirt.uri);
	free(p->libvirt.version);
	free(p->libvirt.hypervisor);
	free(p->libvirt.error);
	free(p->libvirt.fix);
	*p = (struct pt_platform){ 0 };
}
