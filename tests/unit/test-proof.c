/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "fakesys.h"
#include "host/proof.h"

#define HBA FAKESYS_HBA

static const struct pt_bdf hba = { 0, 1, 0, 0 };

static void config(struct fakesys *sys, unsigned command, size_t size)
{
	uint8_t raw[64] = { 0x00, 0x10, 0x79, 0x00, (uint8_t)command, (uint8_t)(command >> 8) };
	pt_autofree char *path = pt_strf("%s/config", fakesys_pci_path(sys, HBA));

	fakesys_data(sys, path, raw, size);
}

static void a_device_at_work_shows_in_driver_command_and_interrupts(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };

	config(sys, 0x0406, 64);
	fakesys_file(sys, "proc/interrupts",
		     "           CPU0       CPU1\n"
		     "  0:         35          0   IO-APIC   2-edge      timer\n"
		     " 45:        100         23  IR-PCI-MSIX-0000:01:00.0   0-edge  vfio-msix[0](0000:01:00.0)\n"
		     " 46:          0          7  IR-PCI-MSIX-0000:01:00.0   1-edge  vfio-msix[1](0000:01:00.0)\n"
		     " 47:          5          5  IR-PCI-MSIX-0000:02:00.0   0-edge  vfio-msix[0](0000:02:00.0)\n"
		     "NMI:          0          0   Non-maskable interrupts\n");
	assert_int_equal(pt_proof_read(&sys->root, hba, &p, NULL), 0);
	assert_true(p.present);
	assert_string_equal(p.driver, "vfio-pci");
	assert_true(p.vfio);
	assert_int_equal(p.bus_master, PT_KNOWN_YES);
	assert_int_equal(p.memory_space, PT_KNOWN_YES);
	assert_true(p.interrupts_known);
	assert_int_equal(p.vectors, 2);
	assert_int_equal(p.interrupts, 130);
	assert_string_equal(p.vector_kind, "vfio-msix");
}

static void a_device_that_no_guest_drives_is_no_bus_master(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };

	config(sys, 0x0002, 64);
	fakesys_file(sys, "proc/interrupts", " CPU0\n");
	assert_int_equal(pt_proof_read(&sys->root, hba, &p, NULL), 0);
	assert_int_equal(p.bus_master, PT_KNOWN_NO);
	assert_int_equal(p.vectors, 0);
	assert_null(p.vector_kind);
}

static void what_cannot_be_read_is_unknown(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };

	config(sys, 0x0006, 4);
	fakesys_remove(sys, "proc/interrupts");
	assert_int_equal(pt_proof_read(&sys->root, hba, &p, NULL), 0);
	assert_int_equal(p.bus_master, PT_KNOWN_UNKNOWN);
	assert_false(p.interrupts_known);
}

static void a_device_that_fell_off_the_bus_is_unknown(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };

	config(sys, 0xffff, 64);
	assert_int_equal(pt_proof_read(&sys->root, hba, &p, NULL), 0);
	assert_int_equal(p.bus_master, PT_KNOWN_UNKNOWN);
}

static void a_host_driver_is_not_vfio(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) held = { 0 };
	PT_AUTO(pt_proof) none = { 0 };

	fakesys_driver(sys, HBA, "megaraid_sas");
	assert_int_equal(pt_proof_read(&sys->root, hba, &held, NULL), 0);
	assert_string_equal(held.driver, "megaraid_sas");
	assert_false(held.vfio);
	fakesys_driver(sys, HBA, NULL);
	assert_int_equal(pt_proof_read(&sys->root, hba, &none, NULL), 0);
	assert_null(none.driver);
	assert_false(none.vfio);
}

static void a_variant_driver_is_known_by_its_name_or_its_vfio_device(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };
	PT_AUTO(pt_proof) q = { 0 };

	fakesys_driver(sys, HBA, "mlx5_vfio_pci");
	assert_int_equal(pt_proof_read(&sys->root, hba, &p, NULL), 0);
	assert_true(p.vfio);
	fakesys_driver(sys, HBA, "special");
	fakesys_file(sys, "sys/bus/pci/devices/" HBA "/vfio-dev/vfio0/dev", "240:0\n");
	assert_int_equal(pt_proof_read(&sys->root, hba, &q, NULL), 0);
	assert_true(q.vfio);
}

static void a_missing_function_is_not_present(void **state)
{
	struct fakesys *sys = *state;
	PT_AUTO(pt_proof) p = { 0 };
	const struct pt_bdf none = { 0, 9, 0, 0 };

	assert_int_equal(pt_proof_read(&sys->root, none, &p, NULL), 0);
	assert_false(p.present);
	assert_null(p.driver);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fakesys_setup_hba, fakesys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_at_work_shows_in_driver_command_and_interrupts),
		TEST(a_device_that_no_guest_drives_is_no_bus_master),
		TEST(what_cannot_be_read_is_unknown),
		TEST(a_device_that_fell_off_the_bus_is_unknown),
		TEST(a_host_driver_is_not_vfio),
		TEST(a_variant_driver_is_known_by_its_name_or_its_vfio_device),
		TEST(a_missing_function_is_not_present),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
