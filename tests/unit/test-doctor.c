/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor decides, fact by fact; tests/golden/test-doctor.c holds whole answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/bootfix.h"
#include "decide/doctor.h"

#define MEM64 0x00140200
#define GIB   (UINT64_C(1) << 30)

static char svm_model[] = "AMD EPYC";
static char unit_name[] = "dmar0";
static char ahci[] = "ahci";
static char lpc[] = "lpc_ich";
static char pcieport[] = "pcieport";
static char vfio[] = "vfio-pci";
static char flr[] = "flr";
static char empty[] = "";

/* facts, the device they are about, and what was found */
struct fixture {
	struct pt_platform p;
	struct pt_host host;
	struct pt_iommu_unit unit;
	struct pt_device devices[4];
	struct pt_device_platform more;
	struct pt_findings found;
};

/* a host on which nothing stands against anything, with two devices in groups of their own */
static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->p.cpu = (struct pt_cpu){ .arch = PT_ARCH_X86, .maker = PT_CPU_INTEL, .virt = PT_KNOWN_YES, .phys_bits = 46 };
	f->p.cpu.model = svm_model;
	f->p.acpi.dmar = PT_KNOWN_YES;
	f->p.acpi.ivrs = PT_KNOWN_NO;
	f->p.acpi.read = true;
	f->p.acpi.intremap = true;
	f->unit = (struct pt_iommu_unit){ .name = unit_name, .kind = PT_IOMMU_INTEL, .caps = true, .ecap = 8 };
	f->p.iommu.units.v = &f->unit;
	f->p.iommu.units.n = 1;
	f->p.iommu.active = PT_KNOWN_YES;
	f->p.iommu.groups = 2;
	f->p.iommu.intremap = PT_KNOWN_YES;
	f->p.kernel.vfio = f->p.kernel.vfio_pci = f->p.kernel.vfio_type1 = PT_MODULE_LOADED;
	f->p.kernel.dev_vfio = f->p.kernel.dev_kvm = PT_KNOWN_YES;
	f->p.boot.kind = PT_BOOT_UPDATE_GRUB;
	f->devices[0] = (struct pt_device){ .bdf = { 0, 0, 0x1f, 0 }, .class_code = 0x060100, .iommu_group = 9 };
	f->devices[1] = (struct pt_device){ .bdf = { 0, 1, 0, 0 }, .class_code = 0x010601, .iommu_group = 14 };
	f->devices[2] = (struct pt_device){ .bdf = { 0, 1, 0, 1 }, .class_code = 0x020000, .iommu_group = 15 };
	f->devices[3] = (struct pt_device){ .bdf = { 0, 2, 0, 0 }, .class_code = 0x030000, .iommu_group = 16 };
	f->devices[1].reset_methods = flr;
	f->host.devices = (struct pt_devices){ .v = f->devices, .n = 4 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_findings_done(&f->found);
	pt_strv_done(&f->p.cmdline);
	pt_strv_done(&f->p.boot.configured);
	free(f->p.vfio_ids.v);
	free(f->p.iommu.direct.v);
	pt_uses_done(&f->host.uses);
	free(f);
	return 0;
}

static const struct pt_finding *named(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->found.n; i++)
		if (strcmp(f->found.v[i].name, name) == 0)
			return &f->found.v[i];
	return NULL;
}

static const struct pt_finding *of_host(struct fixture *f, const char *name)
{
	pt_findings_done(&f->found);
	pt_doctor_host(&f->p, &f->host, true, &f->found);
	return named(f, name);
}

static const struct pt_finding *of_device(struct fixture *f, size_t index, const char *name)
{
	pt_findings_done(&f->found);
	pt_doctor_device(&f->p, &f->host, &f->devices[index], &f->more, &f->found);
	return named(f, name);
}

static void assert_says(const struct pt_finding *finding, enum pt_verdict verdict, const char *fact, const char *fix)
{
	assert_non_null(finding);
	if (finding->verdict != verdict || !strstr(finding->fact, fact))
		fail_msg("%s: %s (wanted: %s)", pt_verdict_str(finding->verdict), finding->fact, fact);
	if (fix && (!finding->fix || !strstr(finding->fix, fix)))
		fail_msg("fix: %s (wanted: %s)", finding->fix ? finding->fix : "none", fix);
}

static void each_boot_loader_gets_its_own_words(void **state)
{
	static const struct {
		enum pt_boot_kind kind;
		const char *words;
	} wanted[] = {
		{ PT_BOOT_UNKNOWN,
		  "replace a=off by a=on in the kernel's command line in the boot loader's configuration "
		  "and reboot" },
		{ PT_BOOT_UPDATE_GRUB, "replace a=off by a=on in GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run "
				       "`update-grub` and reboot" },
		{ PT_BOOT_GRUBBY,
		  "run `grubby --update-kernel=ALL --remove-args=\"a=off\" --args=\"a=on\"` and reboot" },
		{ PT_BOOT_RPM_OSTREE, "run `rpm-ostree kargs --delete=\"a=off\" --append=\"a=on\"` and reboot" },
		{ PT_BOOT_PROXMOX,
		  "replace a=off by a=on in /etc/kernel/cmdline, run `proxmox-boot-tool refresh` and reboot" },
		{ PT_BOOT_EXTLINUX,
		  "replace a=off by a=on in the APPEND line in /boot/extlinux/extlinux.conf and reboot" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		char *words;

		f->p.boot.kind = wanted[i].kind;
		words = pt_bootfix(&f->p, "a=on", "a=off");
		assert_string_equal(words, wanted[i].words);
		free(words);
	}
}

static void no_boot_loader_is_without_words(void **state)
{
	struct fixture *f = *state;

	for (int kind = 0; kind < PT_BOOT_KINDS; kind++) {
		char *words;

		f->p.boot.kind = (enum pt_boot_kind)kind;
		words = pt_bootfix(&f->p, "a=on", NULL);
		assert_non_null(strstr(words, "a=on"));
		assert_non_null(strstr(words, "reboot"));
		assert_null(strstr(words, "(null)"));
		free(words);
	}
}

static void a_word_is_taken_out_of_the_file_that_has_it(void **state)
{
	struct fixture *f = *state;
	char *words;

	pt_strv_add(&f->p.boot.configured, "a=off\t/etc/default/grub.d/50-x.cfg");
	words = pt_bootfix(&f->p, NULL, "a=off");
	assert_string_equal(words, "take a=off out of /etc/default/grub.d/50-x.cfg, run `update-grub` and reboot");
	free(words);
}

static void a_host_that_is_well_has_no_first_thing_to_fix(void **state)
{
	struct fixture *f = *state;

	(void)of_host(f, "kvm");
	assert_int_equal(named(f, "kvm")->verdict, PT_OK);
	assert_null(pt_doctor_first(&f->found));
}

static void what_nobody_saw_is_not_promised(void **state)
{
	struct fixture *f = *state;

	assert_null(pt_doctor_undecided(&f->found));
	f->p.iommu.active = PT_KNOWN_UNKNOWN;
	assert_says(of_host(f, "iommu-active"), PT_UNKNOWN, "does not tell", NULL);
	assert_null(pt_doctor_first(&f->found));
	assert_ptr_equal(pt_doctor_undecided(&f->found), named(f, "iommu-active"));
}

static void each_reason_for_a_dark_iommu_is_told_apart(void **state)
{
	struct fixture *f = *state;

	f->p.iommu.active = PT_KNOWN_NO;
	f->p.iommu.units.n = 0;
	f->p.iommu.groups = 0;
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "nothing tells the kernel to use it", "add intel_iommu=on");
	f->p.kernel.intel_iommu_on = PT_KNOWN_YES;
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "the kernel did not accept it", "journalctl -k -g 'DMAR'");
	pt_strv_add(&f->p.cmdline, "iommu=off");
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "told not to use it: iommu=off", "take iommu=off out of");
	f->p.kernel.intel_iommu_on = PT_KNOWN_NO;
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "iommu=off", "replace iommu=off by intel_iommu=on");
	f->p.kernel.intel_iommu = PT_KNOWN_NO;
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "built without CONFIG_INTEL_IOMMU", "CONFIG_INTEL_IOMMU");
	assert_null(named(f, "interrupt-remapping"));
	assert_null(named(f, "iommu-mode"));
}

static void amds_iommu_needs_no_parameter_and_amd_iommu_on_is_none(void **state)
{
	struct fixture *f = *state;

	f->p.acpi.dmar = PT_KNOWN_NO;
	f->p.acpi.ivrs = PT_KNOWN_YES;
	f->p.iommu.active = PT_KNOWN_NO;
	pt_strv_add(&f->p.cmdline, "amd_iommu=on");
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "amd_iommu=on is no option", "AMD-Vi");
	pt_strv_add(&f->p.cmdline, "amd_iommu=off");
	assert_says(of_host(f, "iommu-active"), PT_FAIL, "amd_iommu=off", "take amd_iommu=off out of");
}

static void a_virtual_machine_is_not_sent_into_a_firmware_set_up(void **state)
{
	struct fixture *f = *state;

	f->p.acpi.dmar = PT_KNOWN_NO;
	f->p.acpi.read = false;
	f->p.iommu.active = PT_KNOWN_NO;
	assert_says(of_host(f, "firmware-table"), PT_FAIL, "DMAR", "firmware's set-up");
	assert_null(named(f, "iommu-active"));
	f->p.cpu.guest = true;
	assert_says(of_host(f, "firmware-table"), PT_FAIL, "DMAR", "its hypervisor must give it an IOMMU");
	assert_null(strstr(named(f, "firmware-table")->fix, "set-up"));
}

static void each_reason_against_interrupt_remapping_is_told_apart(void **state)
{
	struct fixture *f = *state;

	f->p.iommu.intremap = PT_KNOWN_NO;
	assert_says(of_host(f, "interrupt-remapping"), PT_FAIL, "the kernel has left it off", "journalctl");
	f->p.acpi.intremap = false;
	assert_says(of_host(f, "interrupt-remapping"), PT_FAIL, "flags of the DMAR table", "allow_unsafe_interrupts=1");
	f->unit.ecap = 0;
	assert_says(of_host(f, "interrupt-remapping"), PT_FAIL, "dmar0 cannot", "firmware's set-up");
	pt_strv_add(&f->p.cmdline, "intremap=off");
	assert_says(of_host(f, "interrupt-remapping"), PT_FAIL, "intremap=off", "take intremap=off out of");
	f->p.iommu.unsafe_interrupts = PT_KNOWN_YES;
	assert_says(of_host(f, "interrupt-remapping"), PT_WARN, "any interrupt", "take intremap=off out of");
}

static void an_override_of_acs_and_noiommu_are_warned_of(void **state)
{
	struct fixture *f = *state;

	assert_null(of_host(f, "acs-override"));
	pt_strv_add(&f->p.cmdline, "pcie_acs_override=downstream,multifunction");
	f->p.iommu.noiommu = PT_KNOWN_YES;
	assert_says(of_host(f, "acs-override"), PT_WARN, "patched kernel", "take pcie_acs_override=");
	assert_says(named(f, "vfio-noiommu"), PT_WARN, "without an IOMMU", NULL);
}

static void an_id_that_takes_several_devices_is_warned_of_with_their_names(void **state)
{
	struct fixture *f = *state;
	char where[] = "/proc/cmdline";
	struct pt_vfio_id id = { 0x1000, 0x79, where };

	f->devices[1].vendor = f->devices[3].vendor = 0x1000;
	f->devices[1].device = f->devices[3].device = 0x79;
	pt_array_push(&f->p.vfio_ids, id);
	assert_says(of_host(f, "vfio-ids"), PT_WARN, "here: 0000:01:00.0, 0000:02:00.0", "passthru reserve");
	f->devices[3].device = 0x80;
	assert_says(of_host(f, "vfio-ids"), PT_NOTE, "here: 0000:01:00.0", NULL);
}

static void modules_that_cannot_come_are_told_apart(void **state)
{
	struct fixture *f = *state;
	char where[] = "/etc/modprobe.d/x.conf";

	f->p.kernel.vfio_pci = PT_MODULE_AVAILABLE;
	assert_says(of_host(f, "vfio-modules"), PT_OK, "when it is needed", NULL);
	f->p.kernel.vfio_blocked = where;
	assert_says(of_host(f, "vfio-modules"), PT_FAIL, "told not to load it", where);
	f->p.kernel.modules_disabled = true;
	assert_says(of_host(f, "vfio-modules"), PT_FAIL, "loads no modules any more", "modules-load.d");
	f->p.kernel.vfio_pci = PT_MODULE_MISSING;
	assert_says(of_host(f, "vfio-modules"), PT_FAIL, "has no module vfio-pci", NULL);
	f->p.kernel.vfio_pci = PT_MODULE_UNKNOWN;
	f->p.kernel.modules_gone = PT_KNOWN_YES;
	assert_says(of_host(f, "vfio-modules"), PT_FAIL, "no modules for the running kernel", "reboot");
	assert_null(named(f, "vfio-node"));
}

static void a_kernel_with_iommufd_alone_is_told_from_one_whose_node_is_missing(void **state)
{
	struct fixture *f = *state;

	f->p.kernel.vfio = PT_MODULE_LOADED;
	f->p.kernel.dev_vfio = PT_KNOWN_NO;
	f->p.kernel.dev_iommu = PT_KNOWN_NO;
	assert_says(of_host(f, "vfio-node"), PT_FAIL, "its node is not there", "devtmpfs");
	f->p.kernel.dev_iommu = PT_KNOWN_YES;
	assert_says(of_host(f, "vfio-node"), PT_FAIL, "only /dev/iommu", "CONFIG_VFIO_GROUP");
}

static void kvm_is_not_blamed_for_what_the_processor_lacks(void **state)
{
	struct fixture *f = *state;

	f->p.kernel.dev_kvm = PT_KNOWN_NO;
	f->p.kernel.kvm_module = "kvm_intel";
	f->p.kernel.kvm = PT_MODULE_AVAILABLE;
	assert_says(of_host(f, "kvm"), PT_FAIL, "kvm_intel is not loaded", "modprobe kvm_intel");
	f->p.cpu.virt = PT_KNOWN_NO;
	assert_null(of_host(f, "kvm"));
	assert_says(named(f, "cpu-virtualisation"), PT_FAIL, "shows no vmx", "VT-x");
	f->p.kernel.dev_kvm = PT_KNOWN_YES;
	assert_says(of_host(f, "cpu-virtualisation"), PT_NOTE, "KVM works by other means", NULL);
}

static void a_device_alone_in_its_group_may_go(void **state)
{
	struct fixture *f = *state;

	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "group 14, alone in it", NULL);
	assert_says(named(f, "users"), PT_OK, "nothing", NULL);
	assert_null(pt_doctor_first(&f->found));
}

static void who_else_is_in_the_group_decides(void **state)
{
	struct fixture *f = *state;

	f->devices[2].iommu_group = 14;
	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "0000:01:00.1", NULL);
	f->devices[2].driver = vfio;
	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "0000:01:00.1 (vfio-pci)", NULL);
	f->devices[2].driver = ahci;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "0000:01:00.1 (ahci)", "together");
	f->devices[3].iommu_group = 14;
	f->devices[3].driver = ahci;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "0000:01:00.1 (ahci), 0000:02:00.0 (ahci)", "together");
	f->devices[0].iommu_group = 14;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "0000:02:00.0 (ahci)", NULL);
	f->devices[0].driver = lpc;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "0000:00:1f.0 (lpc_ich)", "slot with a group of its own");
}

static void a_member_that_is_no_pci_function_counts_too(void **state)
{
	struct fixture *f = *state;
	char name[] = "HISI0162:00";
	struct pt_host_other other = { .group = 14, .name = name };

	f->host.group_others.v = &other;
	f->host.group_others.n = 1;
	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "group 14, alone in it", NULL);
	other.driver = ahci;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "HISI0162:00 (ahci)", "take its driver off");
}

static void a_port_in_the_group_stays_and_does_not_count(void **state)
{
	struct fixture *f = *state;

	f->devices[0].class_code = 0x060400;
	f->devices[0].driver = pcieport;
	f->devices[0].iommu_group = 14;
	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "alone in it but for bridges", NULL);
}

static void a_device_behind_vmd_goes_with_its_controller_only(void **state)
{
	struct fixture *f = *state;

	f->devices[2].iommu_group = 14;
	f->devices[2].driver = ahci;
	f->devices[2].has_parent = true;
	f->devices[2].parent = f->devices[1].bdf;
	assert_says(of_device(f, 2, "iommu-group"), PT_FAIL, "behind the controller 0000:01:00.0", "pass that");
	assert_says(of_device(f, 1, "iommu-group"), PT_OK, "goes along: 0000:01:00.1 (ahci)", NULL);
}

static void a_device_outside_all_groups_cannot_go(void **state)
{
	struct fixture *f = *state;

	f->devices[1].iommu_group = PT_GROUP_NONE;
	assert_says(of_device(f, 1, "iommu-group"), PT_FAIL, "no group", NULL);
	f->p.iommu.active = PT_KNOWN_NO;
	assert_says(of_device(f, 1, "iommu-group"), PT_UNKNOWN, "not judged", NULL);
}

static void a_bridge_is_refused_and_nothing_else_said(void **state)
{
	struct fixture *f = *state;

	assert_says(of_device(f, 0, "bridge"), PT_FAIL, "0000:00:1f.0 is a bridge", NULL);
	assert_int_equal(f->found.n, 1);
}

static void without_a_reset_there_is_a_warning(void **state)
{
	struct fixture *f = *state;

	f->devices[1].reset_methods = empty;
	assert_says(of_device(f, 1, "reset"), PT_WARN, "cannot be reset", "trusted");
	f->devices[1].reset_methods = NULL;
	assert_says(of_device(f, 1, "reset"), PT_UNKNOWN, "does not tell", NULL);
}

static void a_bar_is_held_against_what_a_guest_can_map(void **state)
{
	struct fixture *f = *state;

	assert_null(of_device(f, 1, "largest-bar"));
	f->devices[1].bars[1] = (struct pt_bar){ .size = 16 * GIB, .flags = MEM64 };
	assert_says(of_device(f, 1, "largest-bar"), PT_OK, "BAR 1, 16 GiB", NULL);
	f->devices[1].bars[3] = (struct pt_bar){ .size = 32 << 20, .flags = MEM64 };
	assert_says(of_device(f, 1, "largest-bar"), PT_WARN, "BAR 1, 16 GiB", "string=65536");
	f->devices[1].bars[1].size = 128 * GIB;
	assert_says(of_device(f, 1, "largest-bar"), PT_WARN, "a window of 8 TiB", "maxphysaddr mode='passthrough'");
	f->p.cpu.phys_bits = 39;
	assert_says(of_device(f, 1, "largest-bar"), PT_FAIL, "more than the 64 GiB", NULL);
	f->p.cpu.phys_bits = 0;
	assert_says(of_device(f, 1, "largest-bar"), PT_WARN, "cannot be seen", NULL);
	f->devices[1].bars[1].size = UINT64_MAX;
	f->devices[1].bars[3].size = UINT64_MAX;
	f->p.cpu.phys_bits = 52;
	assert_says(of_device(f, 1, "largest-bar"), PT_FAIL, "more than the 8 TiB", NULL);
}

static void an_io_bar_is_no_memory(void **state)
{
	struct fixture *f = *state;

	f->devices[1].bars[0] = (struct pt_bar){ .size = 256, .flags = 0x00040101 };
	assert_null(of_device(f, 1, "largest-bar"));
}

static void the_kernels_word_on_reserved_memory_needs_no_table(void **state)
{
	struct fixture *f = *state;
	struct pt_region region = { .group = 14, .base = 0xbf800000, .limit = 0xbf81ffff, .relaxable = true };

	f->p.acpi.read = false;
	pt_array_push(&f->p.iommu.direct, region);
	assert_says(of_device(f, 1, "reserved-memory"), PT_OK, "no memory", NULL);
	f->p.iommu.direct.v[0].relaxable = false;
	assert_says(of_device(f, 1, "reserved-memory"), PT_FAIL, "0xbf800000-0xbf81ffff", "firmware");
	assert_says(of_device(f, 3, "reserved-memory"), PT_OK, "no memory", NULL);
}

static void a_pf_goes_only_without_its_vfs(void **state)
{
	struct fixture *f = *state;

	f->devices[2].sriov = PT_SRIOV_PF;
	f->devices[2].vfs_total = 7;
	assert_says(of_device(f, 2, "sriov"), PT_NOTE, "up to 7 virtual functions", NULL);
	f->devices[3].sriov = PT_SRIOV_VF;
	f->devices[3].pf = f->devices[2].bdf;
	assert_says(of_device(f, 2, "sriov"), PT_FAIL, "1 of its 7", "--vfs 0");
	assert_says(of_device(f, 3, "sriov"), PT_NOTE, "of 0000:01:00.1", NULL);
}

static void the_display_that_the_host_started_on_is_warned_of(void **state)
{
	struct fixture *f = *state;

	f->more.boot_vga = PT_KNOWN_YES;
	assert_says(of_device(f, 3, "boot-display"), PT_WARN, "console goes with it", "ROM");
	assert_null(of_device(f, 1, "boot-display"));
}

static void a_driver_in_the_kernel_image_is_warned_of(void **state)
{
	struct fixture *f = *state;

	f->devices[1].driver = ahci;
	f->more.driver_builtin = PT_KNOWN_NO;
	assert_says(of_device(f, 1, "driver"), PT_OK, "ahci", NULL);
	f->more.driver_builtin = PT_KNOWN_YES;
	assert_says(of_device(f, 1, "driver"), PT_WARN, "part of the kernel", NULL);
	f->devices[1].driver = vfio;
	assert_says(of_device(f, 1, "driver"), PT_OK, "vfio-pci holds it already", NULL);
	(void)snprintf(f->more.builtin, sizeof(f->more.builtin), "ahci");
	assert_says(of_device(f, 1, "driver"), PT_WARN, "vfio-pci holds it now, and ahci, part of the kernel",
		    "module");
	f->devices[1].driver = NULL;
	assert_says(of_device(f, 1, "driver"), PT_WARN, "no driver holds it now, and ahci", "module");
}

static void what_the_host_uses_is_refused_by_name_and_an_address_warned_of(void **state)
{
	struct fixture *f = *state;

	(void)pt_uses_add(&f->host.uses, f->devices[1].bdf, PT_USE_MOUNT, "/proc/self/mountinfo",
			  "sda1 > mounted on /");
	(void)pt_uses_add(&f->host.uses, f->devices[3].bdf, PT_USE_ADDRESS, "netlink", "eth0 has 192.0.2.1/24");
	assert_says(of_device(f, 1, pt_use_kind_str(PT_USE_MOUNT)), PT_FAIL, "mounted on /", NULL);
	assert_true(named(f, pt_use_kind_str(PT_USE_MOUNT))->forceable);
	assert_null(named(f, "users"));
	assert_says(of_device(f, 3, pt_use_kind_str(PT_USE_ADDRESS)), PT_WARN, "eth0", NULL);
}

static void a_vm_without_a_free_root_port_is_named(void **state)
{
	struct pt_domain vms[] = {
		{ .name = (char *)(uintptr_t) "old", .pcie_ports = -1, .free_pcie_ports = -1 },
		{ .name = (char *)(uintptr_t) "web", .pcie_ports = 4, .free_pcie_ports = 0 },
		{ .name = (char *)(uintptr_t) "db", .pcie_ports = 4, .free_pcie_ports = 3 },
	};
	struct pt_findings f = { 0 };

	(void)state;
	pt_doctor_ports(&(struct pt_domains){ .v = vms, .n = 1 }, &f);
	assert_int_equal(f.n, 0);
	pt_doctor_ports(&(struct pt_domains){ .v = vms, .n = 3 }, &f);
	assert_int_equal(f.v[0].verdict, PT_NOTE);
	assert_string_equal(f.v[0].fact,
			    "1 of 2 VMs with PCI Express has no free root port, so no device can come while "
			    "it runs: web");
	assert_non_null(strstr(f.v[0].fix, "--spare-ports"));
	vms[1].free_pcie_ports = 1;
	pt_doctor_ports(&(struct pt_domains){ .v = vms, .n = 3 }, &f);
	assert_int_equal(f.v[1].verdict, PT_OK);
	pt_findings_done(&f);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(each_boot_loader_gets_its_own_words),
		test(no_boot_loader_is_without_words),
		test(a_word_is_taken_out_of_the_file_that_has_it),
		test(a_host_that_is_well_has_no_first_thing_to_fix),
		test(what_nobody_saw_is_not_promised),
		test(each_reason_for_a_dark_iommu_is_told_apart),
		test(amds_iommu_needs_no_parameter_and_amd_iommu_on_is_none),
		test(a_virtual_machine_is_not_sent_into_a_firmware_set_up),
		test(each_reason_against_interrupt_remapping_is_told_apart),
		test(an_override_of_acs_and_noiommu_are_warned_of),
		test(an_id_that_takes_several_devices_is_warned_of_with_their_names),
		test(a_kernel_with_iommufd_alone_is_told_from_one_whose_node_is_missing),
		test(modules_that_cannot_come_are_told_apart),
		test(kvm_is_not_blamed_for_what_the_processor_lacks),
		test(a_device_alone_in_its_group_may_go),
		test(who_else_is_in_the_group_decides),
		test(a_member_that_is_no_pci_function_counts_too),
		test(a_port_in_the_group_stays_and_does_not_count),
		test(a_device_behind_vmd_goes_with_its_controller_only),
		test(a_device_outside_all_groups_cannot_go),
		test(a_bridge_is_refused_and_nothing_else_said),
		test(without_a_reset_there_is_a_warning),
		test(a_bar_is_held_against_what_a_guest_can_map),
		test(an_io_bar_is_no_memory),
		test(the_kernels_word_on_reserved_memory_needs_no_table),
		test(a_pf_goes_only_without_its_vfs),
		test(the_display_that_the_host_started_on_is_warned_of),
		test(a_driver_in_the_kernel_image_is_warned_of),
		test(what_the_host_uses_is_refused_by_name_and_an_address_warned_of),
		test(a_vm_without_a_free_root_port_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
