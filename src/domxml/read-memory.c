/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as libvirt reads them: docs/formatdomain.rst, Memory Allocation. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <strings.h>

#include "base/cleanup.h"
#include "domxml/read.h"

/* 1 EiB: more than any host has, and far enough from the end for sums in bytes */
#define KIB_MAX ((uint64_t)1 << 50)

/* "bytes", "k" and "KiB" (1024), "KB" (1000), … in any case; 0 for what is no unit */
static uint64_t unit_bytes(const char *unit)
{
	static const char prefixes[] = "kmgtpe";
	const char *p;
	uint64_t bytes = 1;
	uint64_t step;

	if (!unit)
		return 1024;
	if (!strcasecmp(unit, "b") || !strcasecmp(unit, "byte") || !strcasecmp(unit, "bytes"))
		return 1;
	if (!unit[0])
		return 0;
	if (!unit[1] || !strcasecmp(unit + 1, "iB"))
		step = 1024;
	else if (!strcasecmp(unit + 1, "B"))
		step = 1000;
	else
		return 0;
	p = strchr(prefixes, tolower((unsigned char)unit[0]));
	if (!p || !*p)
		return 0;
	for (int i = 0; i <= p - prefixes; i++)
		bytes *= step;
	return bytes;
}

/* rounded up to whole KiB, as libvirt does */
static int scale(const xmlNode *node, const char *text, const char *unit, uint64_t *ret_kib, struct pt_error *err)
{
	uint64_t bytes = unit_bytes(unit);
	unsigned long long value;
	uint64_t total;

	if (!bytes)
		return pt_xml_bad(err, node, "'%.32s' is no unit of memory", unit);
	if (!text || pt_xml_number(text, UINT64_MAX, &value) < 0)
		return pt_xml_bad(err, node, "'%.32s' is no size", text ? text : "");
	if (__builtin_mul_overflow(value, bytes, &total))
		total = UINT64_MAX;
	*ret_kib = total / 1024 + (total % 1024 != 0);
	return 0;
}

/* the size in an element's text; above what a host can have it is an error only if @bounded */
static int size_of(const xmlNode *node, bool bounded, uint64_t *ret_kib, struct pt_error *err)
{
	pt_autofree char *text = pt_xml_content(node);
	pt_autofree char *unit = pt_xml_attr(node, "unit");
	uint64_t kib = 0;
	int r = scale(node, text, unit, &kib, err);

	if (r == 0 && bounded && kib > KIB_MAX)
		r = pt_xml_bad(err, node, "%.32s is more than any host has", text);
	if (r == 0)
		*ret_kib = kib;
	return r;
}

/* sum of cpu/numa/cell memory=; 0 when the cells name none */
static int cells(const xmlNode *domain, uint64_t *ret_kib, struct pt_error *err)
{
	uint64_t sum = 0;

	for (xmlNode *c = pt_xml_child(pt_xml_path(domain, "cpu", "numa"), "cell"); c; c = pt_xml_next(c, "cell")) {
		pt_autofree char *memory = pt_xml_attr(c, "memory");
		pt_autofree char *unit = pt_xml_attr(c, "unit");
		uint64_t kib = 0;
		int r = memory ? scale(c, memory, unit, &kib, err) : 0;

		if (r < 0)
			return r;
		sum += kib > KIB_MAX ? KIB_MAX : kib;
		if (sum > KIB_MAX)
			return pt_xml_bad(err, c, "the cells together are more than any host has");
	}
	*ret_kib = sum;
	return 0;
}

/* sum of the memory devices; a virtio-mem counts with its whole size, as for libvirt */
static int modules(const xmlNode *domain, uint64_t *ret_kib, struct pt_error *err)
{
	uint64_t sum = 0;

	for (xmlNode *m = pt_xml_path(domain, "devices", "memory"); m; m = pt_xml_next(m, "memory")) {
		const xmlNode *size = pt_xml_path(m, "target", "size");
		uint64_t kib = 0;
		int r = size ? size_of(size, true, &kib, err) : 0;

		if (r < 0)
			return r;
		sum += kib;
		if (sum > KIB_MAX)
			return pt_xml_bad(err, m, "the memory devices together are more than any host has");
	}
	*ret_kib = sum;
	return 0;
}

static int read_sizes(const xmlNode *domain, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *memory = pt_xml_child(domain, "memory");
	const xmlNode *max = pt_xml_child(domain, "maxMemory");
	uint64_t plugged = 0;
	uint64_t numa = 0;
	int r;

	r = memory ? size_of(memory, true, &d->memory_kib, err) : 0;
	if (r == 0 && max)
		r = size_of(max, true, &d->max_memory_kib, err);
	if (r == 0)
		r = cells(domain, &numa, err);
	if (r == 0)
		r = modules(domain, &plugged, err);
	/* libvirt overrides <memory> in this case, virDomainDefPostParseMemory */
	if (r == 0 && numa)
		d->memory_kib = numa + plugged;
	return r;
}

/* the page size for the whole guest: the <page> without a nodeset, or the first */
static int read_pages(const xmlNode *hugepages, struct pt_domain *d, struct pt_error *err)
{
	bool for_all = false;

	d->hugepages = true;
	for (xmlNode *p = pt_xml_child(hugepages, "page"); p && !for_all; p = pt_xml_next(p, "page")) {
		pt_autofree char *size = pt_xml_attr(p, "size");
		pt_autofree char *unit = pt_xml_attr(p, "unit");
		pt_autofree char *nodeset = pt_xml_attr(p, "nodeset");
		uint64_t kib = 0;
		int r = scale(p, size, unit, &kib, err);

		if (r < 0)
			return r;
		for_all = !nodeset;
		if (!d->hugepage_kib || for_all)
			d->hugepage_kib = kib;
	}
	return 0;
}

int pt_xml_read_memory(const xmlNode *domain, struct pt_domain *d, struct pt_error *err)
{
	const xmlNode *backing = pt_xml_child(domain, "memoryBacking");
	const xmlNode *hugepages = pt_xml_child(backing, "hugepages");
	const xmlNode *limit = pt_xml_path(domain, "memtune", "hard_limit");
	uint64_t kib = 0;
	int r = read_sizes(domain, d, err);

	d->memory_locked = pt_xml_child(backing, "locked") != NULL;
	if (r == 0 && hugepages)
		r = read_pages(hugepages, d, err);
	if (r == 0 && limit)
		r = size_of(limit, false, &kib, err);
	/* libvirt writes "unlimited" as a very large number */
	if (r == 0 && kib < KIB_MAX)
		d->hard_limit_kib = kib;
	free(d->nodes);
	d->nodes = pt_xml_attr(pt_xml_path(domain, "numatune", "memory"), "nodeset");
	return r;
}
