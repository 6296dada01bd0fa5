/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/platform.h"
#include "tree.h"

/* the fixture: a made-up host and what was read of it */
struct fixture {
	struct tree *tree;
	struct pt_platform p;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->tree = tree_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_platform_done(&f->p);
	tree_free(f->tree);
	free(f);
	return 0;
}

static const struct pt_platform *read_again(struct fixture *f)
{
	pt_platform_done(&f->p);
	pt_platform_read(&f->tree->root, &f->p);
	return &f->p;
}

static void the_command_line_is_split_as_the_kernel_does(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/cmdline",
		  "quiet  intel_iommu=on dyndbg=\"file a.c +p\" iommu=pt,force "
		  "vfio-pci.ids=10de:1b80 intel_iommu=off -- amd_iommu=off\n");
	p = read_again(f);
	assert_true(p->cmdline_read);
	assert_int_equal(p->cmdline.n, 6);
	assert_string_equal(pt_cmdline_value(&p->cmdline, "intel_iommu"), "off");
	assert_string_equal(pt_cmdline_value(&p->cmdline, "dyndbg"), "file a.c +p");
	assert_string_equal(pt_cmdline_value(&p->cmdline, "quiet"), "");
	assert_string_equal(pt_cmdline_value(&p->cmdline, "vfio_pci.ids"), "10de:1b80");
	assert_null(pt_cmdline_value(&p->cmdline, "amd_iommu"));
	assert_null(pt_cmdline_value(&p->cmdline, "intel_iomm"));
	assert_true(pt_cmdline_has(&p->cmdline, "iommu", "force"));
	assert_false(pt_cmdline_has(&p->cmdline, "iommu", "forc"));
	assert_false(pt_cmdline_has(&p->cmdline, "iommu", "off"));
}

static void an_intel_processor_is_told_by_its_flags(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/cpuinfo",
		  "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\n"
		  "vmx flags\t: vnmi\nflags\t\t: fpu vmxoff vmx\naddress sizes\t: 46 bits physical, 57 bits virtual\n");
	p = read_again(f);
	assert_int_equal(p->cpu.arch, PT_ARCH_X86);
	assert_int_equal(p->cpu.maker, PT_CPU_INTEL);
	assert_int_equal(p->cpu.virt, PT_KNOWN_YES);
	assert_false(p->cpu.guest);
	assert_int_equal(p->cpu.phys_bits, 46);
	assert_string_equal(p->kernel.kvm_module, "kvm_intel");
}

static void a_flag_inside_another_does_not_count(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/cpuinfo",
		  "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm_lock xsvm hypervisor\naddress sizes\t: 999 bits "
		  "physical\n");
	p = read_again(f);
	assert_int_equal(p->cpu.maker, PT_CPU_AMD);
	assert_int_equal(p->cpu.virt, PT_KNOWN_NO);
	assert_true(p->cpu.guest);
	assert_int_equal(p->cpu.phys_bits, 0);
}

static void an_arm_processor_has_no_flag_to_tell(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n");
	p = read_again(f);
	assert_int_equal(p->cpu.arch, PT_ARCH_ARM);
	assert_int_equal(p->cpu.virt, PT_KNOWN_UNKNOWN);
	assert_null(p->kernel.kvm_module);
}

static void a_release_that_is_a_path_is_not_used(void **state)
{
	struct fixture *f = *state;

	tree_file(f->tree, "proc/sys/kernel/osrelease", "../../etc\n");
	assert_null(read_again(f)->kernel.release);
	tree_remove(f->tree, "proc/sys/kernel/osrelease");
	tree_file(f->tree, "proc/version", "Linux version 6.12.9-amd64 (debian-kernel@lists.debian.org)\n");
	assert_string_equal(read_again(f)->kernel.release, "6.12.9-amd64");
}

static void the_kernels_configuration_tells_what_it_does_by_default(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/sys/kernel/osrelease", "6.12.9\n");
	assert_int_equal(read_again(f)->kernel.intel_iommu, PT_KNOWN_UNKNOWN);
	tree_file(f->tree, "boot/config-6.12.9", "#\nCONFIG_AMD_IOMMU=y\n# CONFIG_INTEL_IOMMU is not set\n");
	p = read_again(f);
	assert_int_equal(p->kernel.amd_iommu, PT_KNOWN_YES);
	assert_int_equal(p->kernel.intel_iommu, PT_KNOWN_NO);
	assert_string_equal(p->kernel.config_where, "/boot/config-6.12.9");
	tree_file(f->tree, "boot/config-6.12.9",
		  "#\nCONFIG_INTEL_IOMMU=y\nCONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y\n");
	assert_int_equal(read_again(f)->kernel.intel_iommu_on, PT_KNOWN_YES);
}

static void the_lockdown_in_brackets_is_the_one(void **state)
{
	struct fixture *f = *state;

	assert_null(read_again(f)->kernel.lockdown);
	tree_file(f->tree, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_string_equal(read_again(f)->kernel.lockdown, "integrity");
	tree_file(f->tree, "sys/kernel/security/lockdown", "none ]integrity[\n");
	assert_null(read_again(f)->kernel.lockdown);
}

static void a_module_is_loaded_builtin_available_missing_or_unknown(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "proc/sys/kernel/osrelease", "6.12.9\n");
	assert_int_equal(read_again(f)->kernel.vfio_pci, PT_MODULE_UNKNOWN);
	tree_file(f->tree, "lib/modules/6.12.9/modules.dep",
		  "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/x.ko.xz\n"
		  "kernel/drivers/vfio/vfio_iommu_type1_not.ko: \n");
	tree_file(f->tree, "lib/modules/6.12.9/modules.builtin", "kernel/drivers/vfio/vfio.ko\n");
	p = read_again(f);
	assert_int_equal(p->kernel.vfio_pci, PT_MODULE_AVAILABLE);
	assert_int_equal(p->kernel.vfio, PT_MODULE_BUILTIN);
	assert_int_equal(p->kernel.vfio_type1, PT_MODULE_MISSING);
	tree_file(f->tree, "sys/module/vfio_pci/initstate", "live\n");
	assert_int_equal(read_again(f)->kernel.vfio_pci, PT_MODULE_LOADED);
}

static void a_kernel_whose_modules_were_removed_is_noticed_on_a_running_host_only(void **state)
{
	struct fixture *f = *state;

	tree_file(f->tree, "proc/sys/kernel/osrelease", "6.12.9\n");
	tree_file(f->tree, "lib/modules/6.12.10/modules.dep", "a.ko:\n");
	assert_int_equal(read_again(f)->kernel.modules_gone, PT_KNOWN_UNKNOWN);
	f->tree->root.captured = false;
	assert_int_equal(read_again(f)->kernel.modules_gone, PT_KNOWN_YES);
}

static void modprobe_d_is_read_as_modprobe_does(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "etc/modprobe.d/vfio.conf",
		  "# options vfio-pci ids=1111:1111\noptions vfio-pci disable_vga=1 "
		  "ids=10de:1b80,10de:10f0:1043:8591,x:1\n");
	tree_file(f->tree, "usr/lib/modprobe.d/vfio.conf", "options vfio-pci ids=2222:2222\n");
	tree_file(f->tree, "usr/lib/modprobe.d/unsafe.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n");
	tree_file(f->tree, "etc/modprobe.d/not-read", "options vfio-pci ids=3333:3333\n");
	tree_file(f->tree, "etc/modprobe.d/block.conf", "install vfio-pci /bin/false\n");
	p = read_again(f);
	assert_int_equal(p->vfio_ids.n, 2);
	assert_int_equal(p->vfio_ids.v[0].vendor, 0x10de);
	assert_int_equal(p->vfio_ids.v[1].device, 0x10f0);
	assert_string_equal(p->vfio_ids.v[1].where, "/etc/modprobe.d/vfio.conf");
	assert_int_equal(p->iommu.unsafe_interrupts, PT_KNOWN_YES);
	assert_string_equal(p->iommu.unsafe_where, "/usr/lib/modprobe.d/unsafe.conf");
	assert_string_equal(p->kernel.vfio_blocked, "/etc/modprobe.d/block.conf");
}

static void a_loaded_module_has_the_last_word_over_its_options(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "etc/modprobe.d/unsafe.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n");
	tree_file(f->tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	p = read_again(f);
	assert_int_equal(p->iommu.unsafe_interrupts, PT_KNOWN_NO);
}

static void units_groups_and_their_ties_are_read(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "sys/devices/virtual/iommu/dmar0/intel-iommu/cap", "d2008c222f0606\n");
	tree_file(f->tree, "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f00f4a\n");
	tree_link(f->tree, "sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0");
	tree_file(f->tree, "sys/kernel/iommu_groups/7/type", "DMA-FQ\n");
	tree_file(
		f->tree, "sys/kernel/iommu_groups/7/reserved_regions",
		"0x00000000bf800000 0x00000000bf81ffff direct\n0x0000000000000000 0x000000000fffffff direct-relaxable\n"
		"0x00000000fee00000 0x00000000feefffff msi\n");
	tree_file(f->tree, "sys/kernel/iommu_groups/junk/type", "identity\n");
	p = read_again(f);
	assert_int_equal(p->iommu.active, PT_KNOWN_YES);
	assert_int_equal(p->iommu.units.n, 1);
	assert_int_equal(p->iommu.units.v[0].kind, PT_IOMMU_INTEL);
	assert_true(p->iommu.units.v[0].caps);
	assert_true(p->iommu.units.v[0].ecap == 0xf00f4a);
	assert_int_equal(p->iommu.groups, 1);
	assert_string_equal(p->iommu.default_type, "DMA-FQ");
	assert_int_equal(p->iommu.direct.n, 2);
	assert_int_equal(p->iommu.direct.v[0].group, 7);
	assert_true(p->iommu.direct.v[0].limit == 0xbf81ffff);
	assert_false(p->iommu.direct.v[0].relaxable);
	assert_true(p->iommu.direct.v[1].relaxable);
}

static void an_empty_class_is_a_no_and_a_missing_one_unknown_in_a_capture(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_again(f)->iommu.active, PT_KNOWN_UNKNOWN);
	f->tree->root.captured = false;
	assert_int_equal(read_again(f)->iommu.active, PT_KNOWN_NO);
	f->tree->root.captured = true;
	tree_dir(f->tree, "sys/class/iommu");
	assert_int_equal(read_again(f)->iommu.active, PT_KNOWN_NO);
}

static void remapping_is_told_by_the_chip_not_by_the_devices_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_again(f)->iommu.intremap, PT_KNOWN_UNKNOWN);
	tree_file(f->tree, "proc/interrupts",
		  "           CPU0\n  1:   3  IO-APIC  1-edge  IR-receiver\nNMI: 0 IR-nonsense\n 30: 9 PCI-MSI-0 "
		  "0-edge IR-x\n");
	assert_int_equal(read_again(f)->iommu.intremap, PT_KNOWN_NO);
	tree_file(f->tree, "proc/interrupts",
		  "           CPU0  CPU1\n 24:  3  17  IR-PCI-MSIX-0000:01:00.0 0-edge nvme\n");
	assert_int_equal(read_again(f)->iommu.intremap, PT_KNOWN_YES);
	tree_file(f->tree, "proc/interrupts", " 24:  3  17  ITS-PCI-MSI-0000:01:00.0 0 Edge nvme\n");
	assert_int_equal(read_again(f)->iommu.intremap, PT_KNOWN_YES);
}

/* files that make a kind of boot loader, on top of those before */
struct loader {
	enum pt_boot_kind kind;
	const char *file;
	const char *cmdline;
};

static void each_boot_loader_is_known_by_its_own_signs(void **state)
{
	static const struct loader loaders[] = {
		{ PT_BOOT_EXTLINUX, "boot/extlinux/extlinux.conf", "" },
		{ PT_BOOT_UPDATE_EXTLINUX, "etc/update-extlinux.conf", "" },
		{ PT_BOOT_U_BOOT_MENU, "usr/sbin/u-boot-update", "" },
		{ PT_BOOT_UPDATE_GRUB, "usr/sbin/update-grub", "" },
		{ PT_BOOT_GRUBBY, "usr/sbin/grubby", "" },
		{ PT_BOOT_KERNELSTUB, "usr/bin/kernelstub", "" },
		{ PT_BOOT_PROXMOX_GRUB, "etc/kernel/proxmox-boot-uuids", "" },
		{ PT_BOOT_NIXOS, "etc/NIXOS", "" },
		{ PT_BOOT_BOOTC, "etc/none", "ostree=/ostree/boot.1/x" },
		{ PT_BOOT_RPM_OSTREE, "usr/bin/rpm-ostree", "ostree=/ostree/boot.1/x" },
	};
	struct fixture *f = *state;

	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_UNKNOWN);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(*loaders); i++) {
		tree_file(f->tree, loaders[i].file, "");
		tree_file(f->tree, "proc/cmdline", loaders[i].cmdline);
		assert_int_equal(read_again(f)->boot.kind, loaders[i].kind);
	}
}

static void the_loaders_own_word_goes_before_the_tools_that_are_installed(void **state)
{
	static const char info[] = "\6\0\0\0s\0y\0s\0t\0e\0m\0d\0-\0b\0o\0o\0t\0 \0002\0005\0004\0\0";
	static const char grub[] = "\6\0\0\0G\0R\0U\0B\0 \0002\0.\0001\0002\0\0";
	static const char path[] = "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
	struct fixture *f = *state;

	tree_file(f->tree, "usr/sbin/update-grub", "");
	tree_bytes(f->tree, path, info, sizeof(info));
	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_SYSTEMD_BOOT);
	tree_file(f->tree, "etc/kernel/cmdline", "quiet\n");
	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_KERNEL_INSTALL);
	tree_file(f->tree, "etc/kernel/proxmox-boot-uuids", "0000-0000\n");
	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_PROXMOX);
	tree_bytes(f->tree, path, grub, sizeof(grub));
	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_PROXMOX_GRUB);
	tree_remove(f->tree, "etc/kernel/proxmox-boot-uuids");
	tree_file(f->tree, "boot/loader/loader.conf", "");
	assert_int_equal(read_again(f)->boot.kind, PT_BOOT_UPDATE_GRUB);
}

static void words_of_the_loaders_configuration_are_kept_with_their_file(void **state)
{
	struct fixture *f = *state;
	const struct pt_platform *p;

	tree_file(f->tree, "etc/default/grub",
		  "#GRUB_CMDLINE_LINUX=\"amd_iommu=off\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n");
	tree_file(f->tree, "etc/default/grub.d/50-pt.cfg", "GRUB_CMDLINE_LINUX='iommu=pt'\n");
	p = read_again(f);
	assert_int_equal(p->boot.configured.n, 2);
	assert_true(pt_strv_has(&p->boot.configured, "intel_iommu=on\t/etc/default/grub"));
	assert_true(pt_strv_has(&p->boot.configured, "iommu=pt\t/etc/default/grub.d/50-pt.cfg"));
}

static void a_driver_that_is_part_of_the_kernel_is_told_from_a_module(void **state)
{
	struct fixture *f = *state;
	char name[] = "nvme";
	struct pt_device d = { .bdf = { 0, 1, 0, 0 }, .driver = name };
	struct pt_device_platform more;

	tree_link(f->tree, "sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:00/0000:01:00.0");
	tree_file(f->tree, "sys/devices/pci0000:00/0000:01:00.0/boot_vga", "1\n");
	tree_link(f->tree, "sys/devices/pci0000:00/0000:01:00.0/driver", "../../../bus/pci/drivers/nvme");
	tree_link(f->tree, "sys/bus/pci/drivers/nvme/module", "../../../../module/nvme");
	tree_dir(f->tree, "sys/module/nvme");
	pt_platform_device(&f->tree->root, &d, &more);
	assert_int_equal(more.boot_vga, PT_KNOWN_YES);
	assert_int_equal(more.driver_builtin, PT_KNOWN_YES);
	assert_string_equal(more.builtin, "nvme");
	tree_file(f->tree, "sys/module/nvme/initstate", "live\n");
	pt_platform_device(&f->tree->root, &d, &more);
	assert_int_equal(more.driver_builtin, PT_KNOWN_NO);
	assert_string_equal(more.builtin, "");
	d.driver = NULL;
	pt_platform_device(&f->tree->root, &d, &more);
	assert_int_equal(more.driver_builtin, PT_KNOWN_UNKNOWN);
}

static void a_driver_of_the_image_is_named_for_a_device_that_vfio_has(void **state)
{
	struct fixture *f = *state;
	char name[] = "vfio-pci";
	static const char image[] = "ahci.license=GPL\0ahci.alias=pci:v*d*sv*sd*bc01sc06i01*\0"
				    "megaraid_sas.alias=pci:v00001000d00000079sv*sd*bc*sc*i*";
	char modalias[] = "pci:v00001000d00000079sv00001000sd00009261bc01sc04i00";
	struct pt_device d = { .bdf = { 0, 1, 0, 0 }, .driver = name, .modalias = modalias, .class_code = 0x010400 };
	struct pt_device_platform more;

	tree_file(f->tree, "proc/sys/kernel/osrelease", "6.18.0\n");
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "");
	/* what the image says of itself: strings with a NUL behind each */
	tree_bytes(f->tree, "lib/modules/6.18.0/modules.builtin.modinfo", image, sizeof(image));
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "megaraid_sas");
	d.driver = NULL;
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "megaraid_sas");
}

/* an older kernel does not tell which devices the drivers of its image serve, other than by their class */
static void a_driver_of_the_image_for_a_whole_class_is_named_for_a_device_without_driver(void **state)
{
	struct fixture *f = *state;
	struct pt_device d = { .bdf = { 0, 1, 0, 0 }, .class_code = 0x010802 };
	struct pt_device_platform more;

	tree_dir(f->tree, "sys/bus/pci/drivers/nvme");
	tree_link(f->tree, "sys/bus/pci/drivers/nvme/module", "../../../../module/nvme");
	tree_dir(f->tree, "sys/module/nvme");
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "nvme");
	d.class_code = 0x010400;
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "");
	d.class_code = 0x010802;
	tree_file(f->tree, "sys/module/nvme/initstate", "live\n");
	pt_platform_device(&f->tree->root, &d, &more);
	assert_string_equal(more.builtin, "");
}

static void a_fifo_in_a_capture_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/proc/cpuinfo", f->tree->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/proc/interrupts", f->tree->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(20);
	assert_int_equal(read_again(f)->cpu.arch, PT_ARCH_UNKNOWN);
	assert_int_equal(f->p.iommu.intremap, PT_KNOWN_UNKNOWN);
	(void)alarm(0);
}

static void an_attach_asks_only_for_iommu_and_interrupts(void **state)
{
	struct fixture *f = *state;
	struct pt_host host = { 0 };

	tree_dir(f->tree, "sys/class/iommu/ivhd0");
	tree_file(f->tree, "proc/interrupts", "  1:   3  IO-APIC  1-edge  i8042\n");
	pt_platform_iommu(&f->tree->root, &host);
	assert_int_equal(host.iommu_active, PT_KNOWN_YES);
	assert_int_equal(host.intremap, PT_KNOWN_NO);
	tree_file(f->tree, "proc/cmdline", "vfio_iommu_type1.allow_unsafe_interrupts=1\n");
	pt_platform_iommu(&f->tree->root, &host);
	assert_int_equal(host.intremap, PT_KNOWN_YES);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_command_line_is_split_as_the_kernel_does),
		test(an_intel_processor_is_told_by_its_flags),
		test(a_flag_inside_another_does_not_count),
		test(an_arm_processor_has_no_flag_to_tell),
		test(a_release_that_is_a_path_is_not_used),
		test(the_kernels_configuration_tells_what_it_does_by_default),
		test(the_lockdown_in_brackets_is_the_one),
		test(a_module_is_loaded_builtin_available_missing_or_unknown),
		test(a_kernel_whose_modules_were_removed_is_noticed_on_a_running_host_only),
		test(modprobe_d_is_read_as_modprobe_does),
		test(a_loaded_module_has_the_last_word_over_its_options),
		test(units_groups_and_their_ties_are_read),
		test(an_empty_class_is_a_no_and_a_missing_one_unknown_in_a_capture),
		test(remapping_is_told_by_the_chip_not_by_the_devices_name),
		test(each_boot_loader_is_known_by_its_own_signs),
		test(the_loaders_own_word_goes_before_the_tools_that_are_installed),
		test(words_of_the_loaders_configuration_are_kept_with_their_file),
		test(a_driver_that_is_part_of_the_kernel_is_told_from_a_module),
		test(a_driver_of_the_image_is_named_for_a_device_that_vfio_has),
		test(a_driver_of_the_image_for_a_whole_class_is_named_for_a_device_without_driver),
		test(a_fifo_in_a_capture_is_not_waited_for),
		test(an_attach_asks_only_for_iommu_and_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
