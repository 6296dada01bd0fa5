/* SPDX-License-Identifier: Apache-2.0 */
/* verify, attach and detach from outside, as far as they go without a device: what a mistake gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "fakesys.h"
#include "model/use.h"
#include "program.h"

#define NOBODY "qemu:///system?socket=/nonexistent/libvirt-sock"

static void expect(const char *line, int status, const char *out_has, const char *err_has)
{
	PT_AUTO(program) p = { 0 };

	program_run(&p, line, NULL);
	if (p.status != status || (out_has && !strstr(p.out, out_has)) || (err_has && !strstr(p.err, err_has)))
		fail_msg("%s: status %d, said: %s%s", line, p.status, p.out, p.err);
}

static void a_vm_without_a_device_proves_nothing(void **state)
{
	expect("passthru verify test -c test:///default --no-agent", 3, "has no PCI device of this host", NULL);
	expect("passthru verify test -c test:///default --json", 3, "\"verdict\": \"fail\"", NULL);
}

static void a_vm_that_does_not_exist_is_a_usage_error(void **state)
{
	expect("passthru verify nope -c test:///default", 2, NULL, "there is no VM 'nope' at test:///default");
	expect("passthru verify nope -c test:///default", 2, NULL, "there is only test");
}

static void an_escape_sequence_in_a_name_does_not_reach_the_terminal(void **state)
{
	expect("passthru verify \033[31mnope\377 -c test:///default", 2, NULL, "there is no VM '?[31mnope?'");
	expect("passthru verify \377 --json -c test:///default", 2, "\"message\": \"there is no VM '?'", NULL);
}

static void a_libvirt_that_does_not_run_is_a_usage_error_with_advice(void **state)
{
	expect("passthru verify vm -c " NOBODY, 2, NULL, "cannot reach libvirt at");
}

static void another_hosts_libvirt_is_refused_before_it_is_called(void **state)
{
	expect("passthru verify vm -c qemu+ssh://root@other.example/system", 2, NULL, "is another host's libvirt");
}

static void a_processor_is_shown_and_a_mistake_in_asking_for_one_is_told(void **state)
{
	expect("passthru cpu test -c test:///default", 0, "it runs with", NULL);
	expect("passthru cpu test -c test:///default --json", 0, "\"what\": \"host-passthrough\"", NULL);
	expect("passthru cpu nope -c test:///default", 2, NULL, "there is no VM 'nope'");
	expect("passthru cpu baseline", 2, NULL, "no host is named");
	expect("passthru cpu baseline nowhere", 2, NULL, "'nowhere' is no host");
	expect("passthru migrate test -c test:///default", 2, NULL, "a VM moves to one host");
	expect("passthru migrate test --all -c test:///default", 2, NULL, "a VM moves to one host");
	expect("passthru migrate test --to a://b --to a://c -c test:///default", 2, NULL, "a VM moves to one host");
	expect("passthru migrate test --to /dev/null -c test:///default", 2, NULL, "nothing moves there");
	expect("passthru migrate test --check --to a://b --timeout 3 -c test:///default", 2, NULL,
	       "--check only looks");
	expect("passthru migrate test --check -c test:///default", 2, NULL, "no host is named");
	if (access("/etc/passthru/passthru.conf", F_OK) != 0)
		expect("passthru migrate test --check --all -c test:///default", 2, NULL,
		       "the configuration names no host");
	expect("passthru migrate test --check --to test:///default -c test:///default --json", 3, "it is this host",
	       NULL);
	/* one that does not answer does not lose the word of the others */
	expect("passthru migrate test --check --to " NOBODY " --to test:///default -c test:///default", 3,
	       "it is this host", NULL);
	expect("passthru migrate test --check --to " NOBODY " -c test:///default --json", 3, "\"answer\": \"unknown\"",
	       NULL);
	expect("passthru migrate test --check --to nowhere -c test:///default", 2, NULL, "'nowhere' is no host");
	expect("passthru cpu baseline " NOBODY, 2, NULL, "cannot reach libvirt");
	expect("passthru cpu a b c", 2, NULL, "'c' is one argument too many");
	if (geteuid() != 0)
		return;
	expect("passthru cpu test custom -c test:///default", 2, NULL, "name the model itself");
	expect("passthru cpu test ./nothing -c test:///default", 2, NULL, "./nothing:");
	expect("passthru cpu test host-model -c test:///default --dry-run", 3, NULL, "VM test is running");
}

static void a_virtual_iommu_is_shown_and_a_mistake_in_asking_for_one_is_told(void **state)
{
	expect("passthru viommu test -c test:///default", 0, "it is defined with: none", NULL);
	expect("passthru viommu test -c test:///default --json", 0, "\"lock_limit\": null", NULL);
	expect("passthru viommu nope -c test:///default", 2, NULL, "there is no VM 'nope'");
	expect("passthru viommu", 2, NULL, "VM");
	if (geteuid() != 0)
		return;
	expect("passthru viommu test amd -c test:///default", 2, NULL, "'amd' is no virtual IOMMU");
	expect("passthru viommu test intel -c test:///default --dry-run", 3, NULL, "virtual IOMMU is QEMU's");
	expect("passthru viommu test none -c test:///default --dry-run", 0, "says so already", NULL);
}

static void a_captured_host_cannot_be_changed(void **state)
{
	PT_AUTO(program) p = { 0 };

	program_run(&p, "passthru attach vm 01:00.0", "/");
	assert_int_equal(p.status, 2);
	assert_non_null(strstr(p.err, "changes the running host"));
}

static void a_network_or_a_device_is_needed_and_not_many_beside_a_network(void **state)
{
	expect("passthru attach vm", 2, NULL, "no device is named");
	expect("passthru attach vm 01:00.0 02:00.0 --network blue", 2, NULL, "--network gives one virtual function");
	if (geteuid() == 0)
		expect("passthru attach test --network no-such-network -c test:///default --dry-run", 2, NULL,
		       "there is no network 'no-such-network'");
}

static void without_root_nothing_is_attached(void **state)
{
	if (geteuid() == 0) {
		print_message("root: what others are told is not tried here\n");
		return;
	}
	expect("passthru attach vm 01:00.0", 2, NULL, "must be run as root");
	expect("passthru detach vm 01:00.0", 2, NULL, "must be run as root");
}

static void options_are_checked_before_anything_is_looked_at(void **state)
{
	if (geteuid() != 0) {
		print_message("not root: options come after that\n");
		return;
	}
	expect("passthru attach vm 01:00.0 --managed maybe -c " NOBODY, 2, NULL, "--managed maybe: expected yes or no");
	expect("passthru attach vm 01:00.0 --stop-timeout 0 -c " NOBODY, 2, NULL, "--stop-timeout 0: expected");
	expect("passthru attach vm 01:00.0 --force-everything", 2, NULL, "no option '--force-everything'");
	expect("passthru attach vm 01:00.0 -c " NOBODY, 2, NULL, "cannot reach libvirt at");
	expect("passthru detach nope 01:00.0 -c test:///default", 2, NULL, "there is no VM 'nope'");
}

/* a VM that somebody defined, with a card that this host does not have (any more) */
static void a_device_that_is_not_there_is_taken_out_by_its_address(void **state)
{
	static const char xml[] =
		"<node><domain type='test'><name>lost</name><memory>8192</memory><os><type>hvm</type></os><devices>"
		"<hostdev mode='subsystem' type='pci' managed='yes'><source>"
		"<address domain='0xfffe' bus='0x99' slot='0x1e' function='0x7'/></source></hostdev>"
		"</devices></domain></node>";
	struct fakesys *sys = fakesys_new();
	pt_autofree char *its = pt_strf("passthru detach lost fffe:99:1e.7 --dry-run -c test://%s/node.xml", sys->dir);
	pt_autofree char *no = pt_strf("passthru detach lost fffe:98:1e.7 --dry-run -c test://%s/node.xml", sys->dir);

	fakesys_file(sys, "node.xml", "%s", xml);
	if (geteuid() == 0) {
		expect(its, 0, "detach fffe:99:1e.7 from lost", NULL);
		expect(no, 2, NULL, "there is no PCI function fffe:98:1e.7");
	}
	fakesys_free(sys);
}

static bool has_option(const char *name)
{
	for (const struct pt_option *o = pt_command_attach.options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

static void every_use_that_may_be_passed_over_has_its_option(void **state)
{
	for (int kind = 0; kind < PT_USE_KINDS; kind++) {
		pt_autofree char *name = pt_strf("force-%s", pt_use_kind_str((enum pt_use_kind)kind));

		/* an address is a warning, nothing to be passed over */
		if (kind != PT_USE_ADDRESS && !has_option(name))
			fail_msg("attach has no --%s", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_without_a_device_proves_nothing),
		cmocka_unit_test(a_vm_that_does_not_exist_is_a_usage_error),
		cmocka_unit_test(an_escape_sequence_in_a_name_does_not_reach_the_terminal),
		cmocka_unit_test(a_libvirt_that_does_not_run_is_a_usage_error_with_advice),
		cmocka_unit_test(another_hosts_libvirt_is_refused_before_it_is_called),
		cmocka_unit_test(a_processor_is_shown_and_a_mistake_in_asking_for_one_is_told),
		cmocka_unit_test(a_virtual_iommu_is_shown_and_a_mistake_in_asking_for_one_is_told),
		cmocka_unit_test(a_captured_host_cannot_be_changed),
		cmocka_unit_test(a_network_or_a_device_is_needed_and_not_many_beside_a_network),
		cmocka_unit_test(without_root_nothing_is_attached),
		cmocka_unit_test(options_are_checked_before_anything_is_looked_at),
		cmocka_unit_test(a_device_that_is_not_there_is_taken_out_by_its_address),
		cmocka_unit_test(every_use_that_may_be_passed_over_has_its_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
