/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `passthru doctor` on made-up hosts, each well but for one thing, its output compared with tests/data/doctor/NAME.out.
 * PT_UPDATE=1 writes that file anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fakesys.h"

#define OUTPUT_MAX 65536

static void add_table(struct fakesys *sys, const char *name, const char *data)
{
	char path[1024];
	char bytes[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/acpi/%s", getenv("PT_TEST_DATA"), data);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	(void)snprintf(path, sizeof(path), "sys/firmware/acpi/tables/%s", name);
	fakesys_data(sys, path, bytes, n);
}

static void set_cpu(struct fakesys *sys, const char *vendor, const char *model, const char *flags)
{
	fakesys_file(sys, "proc/cpuinfo",
		     "processor\t: 0\nvendor_id\t: %s\nmodel name\t: %s\nflags\t\t: fpu %s lm\n"
		     "address sizes\t: 46 bits physical, 48 bits virtual\n\n",
		     vendor, model, flags);
}

static void set_intremap(struct fakesys *sys, const char *prefix)
{
	fakesys_file(sys, "proc/interrupts",
		     "            CPU0       CPU1       \n   1:          0          9  %sIO-APIC   1-edge      i8042\n"
		     " NMI:          0          0   Non-maskable interrupts\n",
		     prefix);
}

static void set_cmdline(struct fakesys *sys, const char *more)
{
	fakesys_file(sys, "proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.12.9-amd64 root=UUID=0 ro quiet%s%s\n",
		     *more ? " " : "", more);
}

static void add_devices(struct fakesys *sys, bool groups)
{
	fakesys_bridge(sys, "0000:00:01.0", 1, groups ? 1 : -1);
	fakesys_add_pci(sys, "0000:01:00.0", 0x1000, 0x0079, 0x010400, "megaraid_sas", groups ? 14 : -1);
	fakesys_attr(sys, "0000:01:00.0", "reset_method", "pm bus");
	fakesys_attr(sys, "0000:01:00.0", "resource", "0x00000000fe000000 0x00000000fe003fff 0x0000000000140204");
	fakesys_file(sys, "sys/module/megaraid_sas/initstate", "live\n");
	fakesys_add_pci(sys, "0000:00:14.0", 0x8086, 0xa2af, 0x0c0330, "xhci_hcd", groups ? 3 : -1);
}

static void add_groups(struct fakesys *sys)
{
	static const int groups[] = { 1, 3, 14 };
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/type", groups[i]);
		fakesys_file(sys, path, "%s", "identity\n");
		(void)snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/reserved_regions", groups[i]);
		fakesys_file(sys, path, "%s", "0x00000000fee00000 0x00000000feefffff msi\n");
	}
}

static void add_dmar_unit(struct fakesys *sys, const char *ecap)
{
	fakesys_file(sys, "sys/devices/virtual/iommu/dmar0/intel-iommu/cap", "%s", "d2008c222f0606\n");
	fakesys_file(sys, "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "%s\n", ecap);
	fakesys_link(sys, "sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0");
}

/* everything but processor, firmware and IOMMU */
static void add_rest(struct fakesys *sys)
{
	fakesys_file(sys, "proc/sys/kernel/osrelease", "%s", "6.12.9-amd64\n");
	fakesys_file(sys, "proc/meminfo", "%s", "MemTotal: 65806480 kB\nMemAvailable: 61234567 kB\n");
	fakesys_file(sys, "sys/module/vfio/initstate", "%s", "live\n");
	fakesys_file(sys, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "%s", "N\n");
	fakesys_file(sys, "sys/module/vfio_pci/initstate", "%s", "live\n");
	fakesys_file(sys, "sys/module/vfio_iommu_type1/initstate", "%s", "live\n");
	fakesys_file(sys, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "%s", "N\n");
	fakesys_file(sys, "sys/kernel/security/lockdown", "%s", "[none] integrity confidentiality\n");
	fakesys_file(sys, "proc/self/mountinfo", "%s", "22 1 253:0 / / rw - ext4 /dev/mapper/root rw\n");
	fakesys_file(sys, "proc/swaps", "%s", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_mkdir(sys, "proc/1/fd");
	fakesys_file(sys, "dev/vfio/vfio", "%s", "");
	fakesys_file(sys, "dev/kvm", "%s", "");
	fakesys_file(sys, "usr/sbin/update-grub", "%s", "");
	fakesys_file(sys, "etc/default/grub", "%s", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
}

static int intel_well(void **state)
{
	struct fakesys *sys = fakesys_new();

	set_cpu(sys, "GenuineIntel", "Intel(R) Xeon(R) Gold 6338", "vmx");
	add_table(sys, "DMAR", "dmar-well");
	add_dmar_unit(sys, "f020df");
	set_cmdline(sys, "intel_iommu=on iommu=pt");
	set_intremap(sys, "IR-");
	add_devices(sys, true);
	add_groups(sys);
	add_rest(sys);
	*state = sys;
	return 0;
}

static int amd_well(void **state)
{
	struct fakesys *sys = fakesys_new();

	set_cpu(sys, "AuthenticAMD", "AMD EPYC 7543 32-Core Processor", "svm");
	add_table(sys, "IVRS", "ivrs-well");
	fakesys_file(sys, "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/amd-iommu/features", "%s",
		     "f77ef22294ada\n");
	fakesys_link(sys, "sys/class/iommu/ivhd0", "../../devices/pci0000:00/0000:00:00.2/iommu/ivhd0");
	set_cmdline(sys, "");
	set_intremap(sys, "IR-");
	add_devices(sys, true);
	add_groups(sys);
	add_rest(sys);
	*state = sys;
	return 0;
}

/* an Intel host on which no IOMMU came up */
static int intel_dark(void **state)
{
	struct fakesys *sys = fakesys_new();

	set_cpu(sys, "GenuineIntel", "Intel(R) Xeon(R) Gold 6338", "vmx");
	add_table(sys, "DMAR", "dmar-well");
	fakesys_mkdir(sys, "sys/class/iommu");
	fakesys_mkdir(sys, "sys/kernel/iommu_groups");
	set_cmdline(sys, "");
	set_intremap(sys, "");
	add_devices(sys, false);
	add_rest(sys);
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static void run(const struct fakesys *sys, const char *arguments, const char *end, char *output)
{
	char command[1024];
	FILE *p;
	size_t n;

	(void)snprintf(command, sizeof(command), "%s doctor --sysroot %s %s 2>&1%s", getenv("PT_PASSTHRU"), sys->dir,
		       arguments, end);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(output, 1, OUTPUT_MAX - 16, p);
	output[n] = '\0';
	(void)snprintf(output + n, 16, "exit %d\n", WEXITSTATUS(pclose(p)));
}

/* runs `passthru doctor ARGUMENTS` on the made-up host and compares */
static void check(const struct fakesys *sys, const char *arguments, const char *name)
{
	static char output[OUTPUT_MAX];
	static char wanted[OUTPUT_MAX];
	char path[1024];
	FILE *f;

	run(sys, arguments, "", output);
	(void)snprintf(path, sizeof(path), "%s/doctor/%s.out", getenv("PT_TEST_DATA"), name);
	if (getenv("PT_UPDATE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		assert_true(fputs(output, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s is missing; PT_UPDATE=1 writes it:\n%s", path, output);
	wanted[fread(wanted, 1, sizeof(wanted) - 1, f)] = '\0';
	(void)fclose(f);
	assert_string_equal(output, wanted);
}

static void a_host_that_is_well_passes_every_check(void **state)
{
	check(*state, "--verbose", "intel-well");
	check(*state, "01:00.0", "intel-well-device");
}

static void an_amd_host_that_is_well_needs_no_parameter(void **state)
{
	check(*state, "", "amd-well");
}

static void without_a_table_the_firmware_is_to_blame(void **state)
{
	fakesys_remove(*state, "sys/firmware/acpi/tables/DMAR");
	fakesys_file(*state, "sys/firmware/acpi/tables/APIC", "%s", "");
	check(*state, "", "no-dmar");
	check(*state, "01:00.0", "no-dmar-device");
}

static void an_amd_host_without_a_table_is_told_of_amd_vi(void **state)
{
	set_cpu(*state, "AuthenticAMD", "AMD EPYC 7543 32-Core Processor", "svm");
	fakesys_remove(*state, "sys/firmware/acpi/tables/DMAR");
	fakesys_file(*state, "sys/firmware/acpi/tables/APIC", "%s", "");
	check(*state, "", "no-ivrs");
}

static void a_kernel_that_is_told_not_to_is_told_otherwise(void **state)
{
	set_cmdline(*state, "intel_iommu=off");
	check(*state, "", "intel-iommu-off");
}

static void a_kernel_that_is_not_told_is_told(void **state)
{
	fakesys_file(*state, "boot/config-6.12.9-amd64", "%s",
		     "#\nCONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\n");
	check(*state, "", "intel-iommu-not-told");
}

static void a_change_that_waits_for_a_reboot_is_seen(void **state)
{
	fakesys_file(*state, "etc/default/grub", "%s", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n");
	check(*state, "", "waits-for-reboot");
}

static void without_interrupt_remapping_the_choices_are_said(void **state)
{
	add_table(*state, "DMAR", "dmar-no-intremap");
	add_dmar_unit(*state, "f00f42");
	set_intremap(*state, "");
	check(*state, "", "no-intremap");
	fakesys_file(*state, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "%s", "Y\n");
	check(*state, "", "no-intremap-unsafe");
}

static void an_amd_host_whose_table_lacks_the_io_apic_has_its_own_cause(void **state)
{
	add_table(*state, "IVRS", "ivrs-no-ioapic");
	set_intremap(*state, "");
	check(*state, "", "amd-no-ioapic");
}

static void a_device_with_reserved_memory_is_refused_by_the_table(void **state)
{
	add_table(*state, "DMAR", "dmar-rmrr");
	check(*state, "01:00.0", "rmrr-device");
	check(*state, "00:14.0", "rmrr-usb");
}

static void the_others_of_a_shared_group_are_named_with_their_drivers(void **state)
{
	fakesys_add_pci(*state, "0000:01:01.0", 0x8086, 0x100e, 0x020000, "e1000", 14);
	check(*state, "01:00.0", "shared-group");
}

static void a_disk_in_use_behind_the_device_is_named(void **state)
{
	fakesys_add_disk(*state, "0000:01:00.0", "sda", 8, 0, "S455NY0K100001");
	fakesys_file(*state, "proc/self/mountinfo", "%s", "22 1 8:0 / /srv rw - ext4 /dev/sda rw\n");
	check(*state, "01:00.0", "mounted-disk");
}

static void json_has_the_same_findings(void **state)
{
	check(*state, "--json", "intel-dark-json");
}

static void no_line_is_wider_than_80_columns(void **state)
{
	static char output[OUTPUT_MAX];
	char *rest = NULL;

	set_intremap(*state, "");
	fakesys_file(*state, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "%s", "Y\n");
	run(*state, "-v", "", output);
	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t columns = 0;

		for (const char *c = line; *c; c++)
			columns += ((unsigned char)*c & 0xc0) != 0x80;
		if (columns > 80)
			fail_msg("%zu columns: %s", columns, line);
	}
}

static void a_wrong_device_is_a_usage_error(void **state)
{
	static char output[OUTPUT_MAX];

	run(*state, "09:00.0", "", output);
	assert_non_null(strstr(output, "09:00.0"));
	assert_non_null(strstr(output, "exit 2\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_host_that_is_well_passes_every_check, intel_well, teardown),
		cmocka_unit_test_setup_teardown(an_amd_host_that_is_well_needs_no_parameter, amd_well, teardown),
		cmocka_unit_test_setup_teardown(without_a_table_the_firmware_is_to_blame, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(an_amd_host_without_a_table_is_told_of_amd_vi, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(a_kernel_that_is_told_not_to_is_told_otherwise, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(a_kernel_that_is_not_told_is_told, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(a_change_that_waits_for_a_reboot_is_seen, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(without_interrupt_remapping_the_choices_are_said, intel_well, teardown),
		cmocka_unit_test_setup_teardown(an_amd_host_whose_table_lacks_the_io_apic_has_its_own_cause, amd_well,
						teardown),
		cmocka_unit_test_setup_teardown(a_device_with_reserved_memory_is_refused_by_the_table, intel_well,
						teardown),
		cmocka_unit_test_setup_teardown(the_others_of_a_shared_group_are_named_with_their_drivers, intel_well,
						teardown),
		cmocka_unit_test_setup_teardown(a_disk_in_use_behind_the_device_is_named, intel_well, teardown),
		cmocka_unit_test_setup_teardown(json_has_the_same_findings, intel_dark, teardown),
		cmocka_unit_test_setup_teardown(no_line_is_wider_than_80_columns, intel_well, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_device_is_a_usage_error, intel_well, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
