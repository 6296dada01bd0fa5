/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel modules that passthrough needs: in the kernel, loaded, on disk or nowhere; and what modprobe is told. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/platform-parts.h"

/* what /lib/modules/RELEASE says; NULL texts when it is not there */
struct module_lists {
	enum pt_known gone;
	char *dep;
	char *builtin;
};

/* "kernel/drivers/vfio/pci/vfio-pci.ko.xz: …" is module vfio_pci: '-' and '_' are the same in a module's name */
static bool line_names(const char *line, const char *module)
{
	size_t n = strcspn(line, ":\n");
	const char *base = line;

	for (size_t i = 0; i < n; i++)
		if (line[i] == '/')
			base = line + i + 1;
	for (; *module; module++, base++)
		if ((*base == '-' ? '_' : *base) != *module)
			return false;
	return strncmp(base, ".ko", 3) == 0;
}

static bool list_names(const char *list, const char *module)
{
	for (const char *line = list; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line_names(line, module))
			return true;
	}
	return false;
}

static void read_lists(const struct pt_root *root, const char *release, struct module_lists *lists)
{
	static const char *const places[] = { "lib/modules", "usr/lib/modules" };

	for (size_t i = 0; release && i < sizeof(places) / sizeof(*places); i++) {
		pt_autofree char *dep = pt_strf("%s/%s/modules.dep", places[i], release);
		pt_autofree char *builtin = pt_strf("%s/%s/modules.builtin", places[i], release);

		if (pt_file_read(root->root_fd, dep, (size_t)16 << 20, &lists->dep, NULL) < 0)
			continue;
		(void)pt_file_read(root->root_fd, builtin, PT_FILE_MAX, &lists->builtin, NULL);
		lists->gone = PT_KNOWN_NO;
		return;
	}
	/* a capture does not carry /lib/modules */
	if (release && !root->captured)
		lists->gone = PT_KNOWN_YES;
}

/*
 * A module that is part of the kernel image has a folder in /sys/module only when it has parameters, and never an
 * initstate (Documentation/ABI/testing/sysfs-module, kernel/module/sysfs.c).
 */
static enum pt_module_state module_state(const struct pt_root *root, const struct module_lists *lists,
					 const char *module)
{
	pt_autofree char *folder = pt_strf("module/%s", module);
	pt_autofree char *initstate = pt_strf("module/%s/initstate", module);

	if (pt_file_exists(root->sys_fd, initstate) == 1)
		return PT_MODULE_LOADED;
	if (pt_file_exists(root->sys_fd, folder) == 1 || list_names(lists->builtin, module))
		return PT_MODULE_BUILTIN;
	if (list_names(lists->dep, module))
		return PT_MODULE_AVAILABLE;
	return lists->dep ? PT_MODULE_MISSING : PT_MODULE_UNKNOWN;
}

/* a boolean parameter: Y, N, 1, 0 */
static enum pt_known parameter(const struct pt_root *root, const char *path)
{
	pt_autofree char *line = NULL;

	if (pt_file_read_line(root->sys_fd, path, &line) < 0)
		return PT_KNOWN_UNKNOWN;
	return line[0] == 'Y' || line[0] == '1' ? PT_KNOWN_YES : PT_KNOWN_NO;
}

void pt_platform_vfio_read(const struct pt_root *root, struct pt_iommu *iommu)
{
	static const char unsafe[] = "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

	iommu->noiommu = parameter(root, "module/vfio/parameters/enable_unsafe_noiommu_mode");
	iommu->unsafe_interrupts = parameter(root, unsafe);
	if (iommu->unsafe_interrupts != PT_KNOWN_UNKNOWN)
		iommu->unsafe_where = pt_strf("/sys/%s", unsafe);
}

void pt_platform_modules_read(const struct pt_root *root, struct pt_platform *p)
{
	struct pt_kernel *k = &p->kernel;
	struct module_lists lists = { 0 };

	read_lists(root, k->release, &lists);
	k->modules_gone = lists.gone;
	k->vfio = module_state(root, &lists, "vfio");
	k->vfio_pci = module_state(root, &lists, "vfio_pci");
	k->vfio_type1 = module_state(root, &lists, "vfio_iommu_type1");
	if (p->cpu.arch == PT_ARCH_X86 && p->cpu.maker != PT_CPU_OTHER)
		k->kvm_module = p->cpu.maker == PT_CPU_AMD ? "kvm_amd" : "kvm_intel";
	if (k->kvm_module) {
		pt_autofree char *nested = pt_strf("module/%s/parameters/nested", k->kvm_module);

		k->kvm = module_state(root, &lists, k->kvm_module);
		k->nested = parameter(root, nested);
	}
	free(lists.dep);
	free(lists.builtin);
}

/* "10de:1b80[:subvendor:subdevice[:class[:mask]]]" */
static bool parse_id(const char *text, struct pt_vfio_id *ret_id)
{
	char *end = NULL;
	unsigned long vendor = strtoul(text, &end, 16);
	unsigned long device;

	if (end == text || *end != ':' || vendor > 0xffff || !isxdigit((unsigned char)end[1]))
		return false;
	device = strtoul(end + 1, NULL, 16);
	if (device > 0xffff)
		return false;
	*ret_id = (struct pt_vfio_id){ .vendor = (uint16_t)vendor, .device = (uint16_t)device };
	return true;
}

/* a comma-separated list of them */
static void add_ids(struct pt_platform *p, const char *list, const char *where)
{
	while (*list) {
		struct pt_vfio_id id;

		if (parse_id(list, &id)) {
			id.where = pt_strdup(where);
			pt_array_push(&p->vfio_ids, id);
		}
		list += strcspn(list, ",");
		list += *list == ',';
	}
}

static bool same_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

static void modprobe_line(struct pt_platform *p, const char *line, const char *where)
{
	PT_AUTO(pt_strv) words = { 0 };

	pt_platform_words(line, &words);
	if (words.n < 3)
		return;
	if (strcmp(words.v[0], "install") == 0 && same_module(words.v[1], "vfio_pci") &&
	    (pt_endswith(words.v[2], "/false") || pt_endswith(words.v[2], "/true")) && !p->kernel.vfio_blocked)
		p->kernel.vfio_blocked = pt_strdup(where);
	if (strcmp(words.v[0], "options") != 0)
		return;
	for (size_t i = 2; i < words.n; i++) {
		const char *value = strchr(words.v[i], '=');

		if (!value)
			continue;
		value++;
		if (same_module(words.v[1], "vfio_pci") && pt_startswith(words.v[i], "ids="))
			add_ids(p, value, where);
		if (same_module(words.v[1], "vfio_iommu_type1") &&
		    pt_startswith(words.v[i], "allow_unsafe_interrupts=") && strchr("1yY", value[0]) && value[0] &&
		    p->iommu.unsafe_interrupts == PT_KNOWN_UNKNOWN) {
			p->iommu.unsafe_interrupts = PT_KNOWN_YES;
			p->iommu.unsafe_where = pt_strdup(where);
		}
	}
}

static void modprobe_file(const struct pt_root *root, struct pt_platform *p, const char *path)
{
	pt_autofree char *where = pt_strf("/%s", path);
	pt_autofree char *text = NULL;
	char *rest = NULL;

	if (pt_file_read(root->root_fd, path, (size_t)1 << 20, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		modprobe_line(p, line, where);
}

static void command_line(struct pt_platform *p)
{
	const char *ids = pt_cmdline_value(&p->cmdline, "vfio-pci.ids");
	const char *unsafe = pt_cmdline_value(&p->cmdline, "vfio_iommu_type1.allow_unsafe_interrupts");

	if (ids)
		add_ids(p, ids, "/proc/cmdline");
	if (unsafe && unsafe[0] && strchr("1yY", unsafe[0]) && p->iommu.unsafe_interrupts == PT_KNOWN_UNKNOWN) {
		p->iommu.unsafe_interrupts = PT_KNOWN_YES;
		p->iommu.unsafe_where = pt_strdup("/proc/cmdline");
	}
}

/* modprobe.d(5): *.conf of each folder; a name in an earlier folder hides the same name in a later one */
void pt_platform_modprobe_read(const struct pt_root *root, struct pt_platform *p)
{
	static const char *const folders[] = { "etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d",
					       "usr/lib/modprobe.d", "lib/modprobe.d" };
	PT_AUTO(pt_strv) seen = { 0 };

	command_line(p);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		PT_AUTO(pt_strv) names = { 0 };

		/* a folder that is not there, or not readable, tells modprobe nothing that we could know */
		(void)pt_file_list(root->root_fd, folders[i], &names);
		for (size_t n = 0; n < names.n; n++) {
			pt_autofree char *path = pt_strf("%s/%s", folders[i], names.v[n]);

			if (!pt_endswith(names.v[n], ".conf") || pt_strv_has(&seen, names.v[n]))
				continue;
			pt_strv_add(&seen, names.v[n]);
			modprobe_file(root, p, path);
		}
	}
}
