/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/verify.h"

#define CARRIED "disk S455NY0K100001 0x5002538e00000001\ndisk S455NY0K100002 0x5002538e00000002\n"

/* a VM with a RAID controller that is at work, and a guest that says so; each test spoils one thing */
struct fixture {
	struct pt_domain vm;
	struct pt_device device;
	struct pt_proof proof;
	struct pt_domain_hostdev hostdev;
	struct pt_guest guest;
	struct pt_verify_device devices[2];
	struct pt_verify verify;
	struct pt_findings found;
};

static void add_disk(struct fixture *f, const char *name, const char *serial)
{
	pt_array_push(&f->guest.disks,
		      ((struct pt_guest_disk){ .name = pt_strdup(name), .serial = pt_strdup(serial) }));
}

static void add_function(struct fixture *f, unsigned device, const char *driver)
{
	pt_array_push(&f->guest.functions, ((struct pt_guest_function){ .has_bdf = true,
									.bdf = { 0, 5, 0, 0 },
									.vendor = 0x1000,
									.device = (uint16_t)device,
									.driver = pt_strdup_opt(driver) }));
}

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));
	const struct pt_bdf hba = { 0, 1, 0, 0 };

	f->vm.name = pt_strdup("cvm");
	f->vm.state = PT_DOMAIN_RUNNING;
	f->device = (struct pt_device){ .bdf = hba, .vendor = 0x1000, .device = 0x79, .class_code = 0x010400 };
	f->proof = (struct pt_proof){
		.bdf = hba,
		.present = true,
		.driver = pt_strdup("vfio-pci"),
		.vfio = true,
		.bus_master = PT_KNOWN_YES,
		.memory_space = PT_KNOWN_YES,
		.interrupts_known = true,
		.vectors = 1,
		.interrupts = 815,
		.vector_kind = pt_strdup("vfio-msix"),
	};
	f->hostdev = (struct pt_domain_hostdev){ .bdf = hba, .has_bdf = true, .alias = pt_strdup("hostdev0") };
	add_disk(f, "/dev/sda", "35002538e00000001");
	add_disk(f, "/dev/sdb", "SAMSUNG_MZ7LH1T9_S455NY0K100002");
	add_function(f, 0x79, "megaraid_sas");
	f->devices[0] = (struct pt_verify_device){ hba, &f->device, &f->proof, CARRIED, &f->hostdev };
	f->verify = (struct pt_verify){ .vm = &f->vm, .devices = f->devices, .n_devices = 1, .guest = &f->guest };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->vm);
	pt_proof_done(&f->proof);
	free(f->hostdev.alias);
	pt_guest_done(&f->guest);
	pt_findings_done(&f->found);
	free(f);
	return 0;
}

/* the n-th finding of this name */
static const struct pt_finding *nth(const struct fixture *f, const char *name, size_t n)
{
	for (size_t i = 0; i < f->found.n; i++)
		if (strcmp(f->found.v[i].name, name) == 0 && n-- == 0)
			return &f->found.v[i];
	fail_msg("there is no finding '%s'", name);
	return NULL;
}

static void a_device_at_work_is_proved_by_kernel_libvirt_and_guest(void **state)
{
	struct fixture *f = *state;

	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(pt_findings_worst(&f->found), PT_NOTE);
	assert_string_equal(nth(f, "host-driver", 0)->fact, "0000:01:00.0 is held by vfio-pci");
	assert_string_equal(nth(f, "live-definition", 0)->fact, "the running cvm has 0000:01:00.0 as hostdev0");
	assert_string_equal(nth(f, "bus-master", 0)->fact, "DMA of 0000:01:00.0 is on: bus mastering is set");
	assert_string_equal(nth(f, "interrupts", 0)->fact,
			    "0000:01:00.0: vfio-msix with 1 vector, 815 interrupts so far");
	assert_string_equal(nth(f, "guest-driver", 0)->fact, "the guest has 1000:0079 at 0000:05:00.0 on megaraid_sas");
	assert_string_equal(nth(f, "guest-disk", 0)->fact, "the guest has disk S455NY0K100001 as /dev/sda");
	assert_string_equal(nth(f, "guest-disk", 1)->fact, "the guest has disk S455NY0K100002 as /dev/sdb");
	assert_int_equal(nth(f, "guest-agent", 0)->verdict, PT_OK);
	assert_string_equal(nth(f, "tainted", 0)->fact,
			    "for these questions libvirt marks cvm as tainted until it is shut off: custom guest agent "
			    "commands");
}

static void a_device_that_the_host_drives_is_no_proof(void **state)
{
	struct fixture *f = *state;

	free(f->proof.driver);
	f->proof.driver = pt_strdup("megaraid_sas");
	f->proof.vfio = false;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "host-driver", 0)->verdict, PT_FAIL);
	assert_string_equal(nth(f, "host-driver", 0)->fact,
			    "0000:01:00.0 is held by megaraid_sas, not by a VFIO driver");
}

static void a_device_only_in_the_definition_waits_for_the_next_start(void **state)
{
	struct fixture *f = *state;

	f->devices[0].hostdev = NULL;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "live-definition", 0)->verdict, PT_FAIL);
}

static void a_guest_without_a_driver_shows_in_dma_and_interrupts(void **state)
{
	struct fixture *f = *state;

	f->proof.bus_master = PT_KNOWN_NO;
	f->proof.vectors = 0;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "bus-master", 0)->verdict, PT_FAIL);
	assert_int_equal(nth(f, "interrupts", 0)->verdict, PT_FAIL);
}

static void the_interrupt_line_that_qemu_takes_at_the_start_is_no_proof(void **state)
{
	struct fixture *f = *state;

	free(f->proof.vector_kind);
	f->proof.vector_kind = pt_strdup("vfio-intx");
	f->proof.interrupts = 0;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "interrupts", 0)->verdict, PT_FAIL);
	f->proof.interrupts = 1;
	pt_findings_done(&f->found);
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "interrupts", 0)->verdict, PT_OK);
}

static void a_network_card_without_interrupts_is_a_warning(void **state)
{
	struct fixture *f = *state;

	f->device.class_code = 0x020000;
	f->proof.vectors = 0;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "interrupts", 0)->verdict, PT_WARN);
}

static void a_missing_disk_is_named(void **state)
{
	struct fixture *f = *state;

	f->devices[0].carried = CARRIED "disk S455NY0K100003 -\n";
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-disk", 2)->verdict, PT_FAIL);
	assert_non_null(strstr(nth(f, "guest-disk", 2)->fact, "S455NY0K100003"));
}

static void disks_that_nobody_wrote_down_are_told_not_judged(void **state)
{
	struct fixture *f = *state;

	f->devices[0].carried = NULL;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-disk", 0)->verdict, PT_NOTE);
	assert_non_null(strstr(nth(f, "guest-disk", 0)->fact, "/dev/sda (35002538e00000001)"));
}

static void one_of_two_equal_cards_does_not_stand_for_both(void **state)
{
	struct fixture *f = *state;

	f->devices[1] = f->devices[0];
	f->verify.n_devices = 2;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-driver", 0)->verdict, PT_FAIL);
	assert_string_equal(nth(f, "guest-driver", 0)->fact, "the guest has 1 of 2 PCI functions 1000:0079");
}

static void a_function_without_a_driver_in_the_guest_is_told_apart_from_a_missing_one(void **state)
{
	struct fixture *f = *state;

	free(f->guest.functions.v[0].driver);
	f->guest.functions.v[0].driver = NULL;
	pt_decide_verify(&f->verify, &f->found);
	assert_string_equal(nth(f, "guest-driver", 0)->fact,
			    "in the guest 0 of 1 PCI functions 1000:0079 have a driver");
}

static void a_silent_guest_is_unknown_once_and_fails_nothing(void **state)
{
	struct fixture *f = *state;

	pt_guest_keep_silent(&f->guest, "no agent");
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(pt_findings_worst(&f->found), PT_UNKNOWN);
	assert_string_equal(nth(f, "guest-agent", 0)->fact, "the guest's own word is missing: no agent");
	assert_non_null(nth(f, "guest-agent", 0)->fix);
}

static void a_vm_without_a_channel_is_told_how_to_get_one_and_waited_for_no_longer(void **state)
{
	struct fixture *f = *state;

	pt_guest_keep_silent(&f->guest, "the VM has no channel for a guest agent");
	f->guest.no_channel = true;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-agent", 0)->verdict, PT_NOTE);
	assert_non_null(strstr(nth(f, "guest-agent", 0)->fix, "org.qemu.guest_agent.0"));
}

static void an_interface_is_looked_for_by_its_mac(void **state)
{
	struct fixture *f = *state;

	f->devices[0].carried = "mac 52:54:00:AA:00:01\nmac 52:54:00:aa:00:02\n";
	pt_array_push(&f->guest.nics, ((struct pt_guest_nic){ pt_strdup("ens5"), pt_strdup("52:54:00:aa:00:01") }));
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-interface", 0)->verdict, PT_OK);
	assert_int_equal(nth(f, "guest-interface", 1)->verdict, PT_FAIL);
}

static void a_vm_that_is_off_proves_nothing_but_tells_where_its_devices_are(void **state)
{
	struct fixture *f = *state;

	f->vm.state = PT_DOMAIN_SHUTOFF;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "running", 0)->verdict, PT_FAIL);
	assert_string_equal(nth(f, "host-driver", 0)->fact, "0000:01:00.0 is in its definition; now vfio-pci holds it");
}

static void a_vm_without_devices_proves_nothing(void **state)
{
	struct fixture *f = *state;

	f->verify.n_devices = 0;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(pt_findings_worst(&f->found), PT_FAIL);
}

static void a_device_that_is_gone_is_told_once(void **state)
{
	struct fixture *f = *state;

	f->proof.present = false;
	f->devices[0].device = NULL;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "host-driver", 0)->verdict, PT_FAIL);
	assert_int_equal(f->found.n, 4);
}

static void qemus_word_counts_placed_regions(void **state)
{
	struct fixture *f = *state;
	struct pt_qmp_function q = { .alias = f->hostdev.alias, .vendor = 0x1000, .device = 0x79, .bars = 3 };
	struct pt_qmp_functions l = { &q, 1, 1 };

	f->verify.qmp = &l;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-address", 0)->verdict, PT_FAIL);
	pt_findings_done(&f->found);
	q.bars_mapped = 3;
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-address", 0)->verdict, PT_OK);
	l.n = 0;
	pt_findings_done(&f->found);
	pt_decide_verify(&f->verify, &f->found);
	assert_int_equal(nth(f, "guest-address", 0)->verdict, PT_FAIL);
}

static void serial_numbers_match_in_the_forms_that_guests_tell(void **state)
{
	assert_true(pt_disk_is("SAMSUNG_MZ7LH1T9HMLT-00005_S455NY0K100001", "S455NY0K100001", NULL));
	assert_true(pt_disk_is("35002538e00000001", NULL, "0x5002538E00000001"));
	assert_true(pt_disk_is("eui.0025385b71b00001", NULL, "eui.0025385b71b00001"));
	assert_false(pt_disk_is("35002538e00000002", "S455NY0K100001", "0x5002538e00000001"));
	assert_false(pt_disk_is(NULL, "S455NY0K100001", NULL));
	assert_false(pt_disk_is("S455NY0K100001", NULL, NULL));
	assert_false(pt_disk_is("S455NY0K100001", "", "0x"));
	/* a short number would be found in any text */
	assert_false(pt_disk_is("QEMU_DISK_1234", "1234", NULL));
	assert_true(pt_disk_is("1234", "1234", NULL));
}

static void what_is_behind_a_device_is_written_down_and_read_back(void **state)
{
	const struct pt_bdf hba = { 0, 1, 0, 0 };
	struct pt_host host = { 0 };
	pt_autofree char *text = NULL;
	const char *at;
	char *w[3];

	pt_array_push(&host.blocks, ((struct pt_block){ .name = pt_strdup("sda"),
							.disk = pt_strdup("sda"),
							.has_controller = true,
							.controller = hba,
							.serial = pt_strdup("A B\n1"),
							.wwn = NULL }));
	pt_array_push(&host.blocks, ((struct pt_block){ .name = pt_strdup("sda1"),
							.disk = pt_strdup("sda"),
							.has_controller = true,
							.controller = hba,
							.serial = pt_strdup("A") }));
	pt_array_push(&host.nics, ((struct pt_host_nic){ hba, pt_strdup("eth0"), pt_strdup("52:54:00:00:00:01") }));
	text = pt_carried(&host, hba);
	assert_string_equal(text, "disk A_B_1 -\nmac 52:54:00:00:00:01\n");
	at = text;
	assert_true(pt_carried_next(&at, &w[0], &w[1], &w[2]));
	assert_string_equal(w[1], "A_B_1");
	assert_null(w[2]);
	free(w[0]);
	free(w[1]);
	assert_true(pt_carried_next(&at, &w[0], &w[1], &w[2]));
	assert_string_equal(w[0], "mac");
	free(w[0]);
	free(w[1]);
	assert_false(pt_carried_next(&at, &w[0], &w[1], &w[2]));
	assert_null(pt_carried(&host, (struct pt_bdf){ 0, 2, 0, 0 }));
	pt_host_done(&host);
}

static void the_free_root_ports_of_what_runs_are_counted(void **state)
{
	struct fixture *f = *state;
	unsigned free_ones[] = { 3, 5 };
	struct pt_domain running = { .pcie_ports = 7, .hotplug_ports = { free_ones, 2, 2 } };
	const struct pt_finding *note = NULL;

	f->verify.running = &running;
	pt_decide_verify(&f->verify, &f->found);
	for (size_t i = 0; i < f->found.n; i++)
		if (strcmp(f->found.v[i].name, "root-ports") == 0)
			note = &f->found.v[i];
	assert_non_null(note);
	assert_int_equal(note->verdict, PT_NOTE);
	assert_non_null(strstr(note->fact, "2 of the 7 root ports"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_device_at_work_is_proved_by_kernel_libvirt_and_guest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_device_that_the_host_drives_is_no_proof, setup, teardown),
		cmocka_unit_test_setup_teardown(the_free_root_ports_of_what_runs_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_only_in_the_definition_waits_for_the_next_start, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_guest_without_a_driver_shows_in_dma_and_interrupts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_interrupt_line_that_qemu_takes_at_the_start_is_no_proof, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_network_card_without_interrupts_is_a_warning, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_disk_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(disks_that_nobody_wrote_down_are_told_not_judged, setup, teardown),
		cmocka_unit_test_setup_teardown(one_of_two_equal_cards_does_not_stand_for_both, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_function_without_a_driver_in_the_guest_is_told_apart_from_a_missing_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_guest_is_unknown_once_and_fails_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_without_a_channel_is_told_how_to_get_one_and_waited_for_no_longer,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_interface_is_looked_for_by_its_mac, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_is_off_proves_nothing_but_tells_where_its_devices_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_vm_without_devices_proves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_that_is_gone_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(qemus_word_counts_placed_regions, setup, teardown),
		cmocka_unit_test(serial_numbers_match_in_the_forms_that_guests_tell),
		cmocka_unit_test(what_is_behind_a_device_is_written_down_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
