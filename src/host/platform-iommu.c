/* SPDX-License-Identifier: Apache-2.0 */
/* What the running kernel made of its IOMMUs: units, groups, reserved regions, interrupt remapping. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/platform-parts.h"
#include "host/platform.h"

/* enough for the IO-APIC's lines, which come first, on a machine with thousands of processors */
#define INTERRUPTS_MAX ((size_t)4 << 20)

/* the capability registers are bare hexadecimal: Documentation/ABI/testing/sysfs-class-iommu-intel-iommu */
static bool read_hex(int dir_fd, const char *path, uint64_t *ret_value)
{
	pt_autofree char *line = NULL;
	char *end = NULL;

	if (pt_file_read_line(dir_fd, path, &line) < 0 || !isxdigit((unsigned char)line[0]))
		return false;
	errno = 0;
	*ret_value = strtoull(line, &end, 16);
	return errno == 0 && *end == '\0';
}

/* an entry of the class is a link into /sys/devices: every path starts at the root of sysfs */
static void read_unit(const struct pt_root *root, const char *name, struct pt_iommu *iommu)
{
	pt_autofree char *intel = pt_strf("class/iommu/%s/intel-iommu", name);
	pt_autofree char *cap = pt_strf("%s/cap", intel);
	pt_autofree char *ecap = pt_strf("%s/ecap", intel);
	pt_autofree char *amd = pt_strf("class/iommu/%s/amd-iommu", name);
	struct pt_iommu_unit *unit = pt_array_add(&iommu->units);

	unit->name = pt_strdup(name);
	if (pt_file_exists(root->sys_fd, intel) == 1)
		unit->kind = PT_IOMMU_INTEL;
	else if (pt_file_exists(root->sys_fd, amd) == 1)
		unit->kind = PT_IOMMU_AMD;
	else if (strstr(name, "smmu"))
		unit->kind = PT_IOMMU_ARM;
	unit->caps = unit->kind == PT_IOMMU_INTEL && read_hex(root->sys_fd, cap, &unit->cap) &&
		     read_hex(root->sys_fd, ecap, &unit->ecap);
}

static void read_units(const struct pt_root *root, struct pt_iommu *iommu)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(root->sys_fd, "class/iommu", &names);

	/* a running kernel without the class has no IOMMU support; a capture may only lack it */
	if (r == 0 || (r == -ENOENT && !root->captured))
		iommu->active = names.n ? PT_KNOWN_YES : PT_KNOWN_NO;
	for (size_t i = 0; i < names.n; i++)
		read_unit(root, names.v[i], iommu);
}

/* "0x00000000bf800000 0x00000000cf9fffff direct": Documentation/ABI/testing/sysfs-kernel-iommu_groups */
static void read_regions(int groups_fd, const char *group, struct pt_iommu *iommu)
{
	pt_autofree char *path = pt_strf("%s/reserved_regions", group);
	pt_autofree char *text = NULL;
	char *rest = NULL;

	if (pt_file_read(groups_fd, path, PT_FILE_MAX, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct pt_region region = { .group = (int)strtol(group, NULL, 10) };
		char *end = NULL;

		region.base = strtoull(line, &end, 16);
		region.limit = strtoull(end, &end, 16);
		end += strspn(end, " ");
		region.relaxable = strcmp(end, "direct-relaxable") == 0;
		if (region.relaxable || strcmp(end, "direct") == 0)
			pt_array_push(&iommu->direct, region);
	}
}

/* counts of default domain types, to tell which most groups have */
struct types {
	size_t identity;
	size_t dma;
	size_t dma_fq;
};

static void read_type(int groups_fd, const char *group, struct types *types)
{
	pt_autofree char *path = pt_strf("%s/type", group);
	pt_autofree char *line = NULL;

	/* without the attribute (before 5.11) the type stays unknown */
	if (pt_file_read_line(groups_fd, path, &line) < 0)
		return;
	types->identity += strcmp(line, "identity") == 0;
	types->dma += strcmp(line, "DMA") == 0;
	types->dma_fq += strcmp(line, "DMA-FQ") == 0;
}

static const char *most_common(const struct types *types)
{
	if (types->identity + types->dma + types->dma_fq == 0)
		return NULL;
	if (types->identity >= types->dma && types->identity >= types->dma_fq)
		return "identity";
	return types->dma >= types->dma_fq ? "DMA" : "DMA-FQ";
}

static bool is_number(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n > 0 && n < 10 && name[n] == '\0';
}

static void read_groups(const struct pt_root *root, struct pt_iommu *iommu)
{
	pt_autoclose int fd = pt_file_open(root->sys_fd, "kernel/iommu_groups", O_RDONLY | O_DIRECTORY);
	PT_AUTO(pt_strv) names = { 0 };
	struct types types = { 0 };

	if (fd < 0 || pt_file_list(fd, ".", &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		if (!is_number(names.v[i]))
			continue;
		iommu->groups++;
		read_regions(fd, names.v[i], iommu);
		read_type(fd, names.v[i], &types);
	}
	iommu->default_type = pt_strdup_opt(most_common(&types));
	/* only an active IOMMU makes groups: that answers when a capture lacks the class */
	if (iommu->groups && iommu->active == PT_KNOWN_UNKNOWN)
		iommu->active = PT_KNOWN_YES;
}

/* the beginning of a file that may be very long */
static char *read_beginning(const struct pt_root *root, const char *path)
{
	pt_autoclose int fd = root->proc_fd < 0 ? -ENOENT : pt_file_open(root->proc_fd, path, O_RDONLY | O_NONBLOCK);
	pt_autofree char *text = NULL;
	size_t n = 0;

	if (fd < 0)
		return NULL;
	text = pt_alloc(INTERRUPTS_MAX + 1);
	while (n < INTERRUPTS_MAX) {
		ssize_t got = read(fd, text + n, INTERRUPTS_MAX - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n ? pt_take_ptr(text) : NULL;
}

/* " 24:   0   12   IR-PCI-MSI-0000:00:02.0   0-edge   eth0": what follows the counts; NULL on any other line */
static const char *chip_of(const char *line)
{
	const char *p = line + strspn(line, " ");
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || p[digits] != ':')
		return NULL;
	p += digits + 1;
	for (;;) {
		p += strspn(p, " ");
		digits = strspn(p, "0123456789");
		if (digits == 0 || p[digits] != ' ')
			return p;
		p += digits;
	}
}

/*
 * The kernel puts IR- before the name of a chip whose interrupts are remapped (x86; both Intel and AMD); on ARM an ITS
 * tells devices apart by their id, which is what VFIO asks for.
 */
static void read_intremap(const struct pt_root *root, struct pt_iommu *iommu)
{
	pt_autofree char *text = read_beginning(root, "interrupts");

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *chip;

		line += *line == '\n';
		chip = chip_of(line);
		if (!chip)
			continue;
		if (pt_startswith(chip, "IR-") || pt_startswith(chip, "ITS-")) {
			iommu->intremap = PT_KNOWN_YES;
			return;
		}
		iommu->intremap = PT_KNOWN_NO;
	}
}

void pt_platform_iommu_read(const struct pt_root *root, struct pt_iommu *iommu)
{
	read_units(root, iommu);
	read_groups(root, iommu);
	read_intremap(root, iommu);
}

/* SAGAW, bits 8 to 12 of the capability register: page tables of 3, 4 and 5 levels (VT-d 11.4.2) */
static unsigned widest(uint64_t cap)
{
	unsigned levels = (unsigned)(cap >> 8) & 0x1f;

	return levels & 8 ? 57 : levels & 4 ? 48 : levels & 2 ? 39 : 0;
}

unsigned pt_platform_iommu_bits(const struct pt_root *root)
{
	struct pt_iommu iommu = { 0 };
	unsigned least = 0;

	read_units(root, &iommu);
	for (size_t i = 0; i < iommu.units.n; i++) {
		unsigned bits = iommu.units.v[i].caps ? widest(iommu.units.v[i].cap) : 0;

		if (bits && (!least || bits < least))
			least = bits;
		free(iommu.units.v[i].name);
	}
	free(iommu.units.v);
	return least;
}
