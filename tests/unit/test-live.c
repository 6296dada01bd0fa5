/* SPDX-License-Identifier: Apache-2.0 */
/* What a running VM can be given and can lose, and what is refused before anything is touched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define NIC  "0000:05:01.0"
#define NIC2 "0000:05:02.0"
#define HBA  "0000:01:00.0"

struct live {
	struct world *w;
	struct pt_domain running;
};

static void add_port(struct pt_domain *d, unsigned bus)
{
	d->pcie_ports++;
	d->free_pcie_ports++;
	pt_array_push(&d->hotplug_ports, bus);
}

static void make_pcie(struct pt_domain *d)
{
	d->pcie_ports = 2;
	d->free_pcie_ports = 0;
	add_port(d, 3);
	add_port(d, 4);
}

static int setup(void **state)
{
	struct live *l = pt_alloc(sizeof(*l));

	l->w = world_new();
	make_pcie(&l->w->vm);
	make_pcie(&l->running);
	l->running.name = pt_strdup("cvm");
	l->running.uuid = pt_strdup(l->w->vm.uuid);
	l->running.memory_kib = l->w->vm.memory_kib;
	l->running.state = PT_DOMAIN_RUNNING;
	l->w->running = &l->running;
	l->w->request.live = true;
	l->w->request.unplug_timeout_ms = 7000;
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct live *l = *state;

	pt_domain_done(&l->running);
	world_free(l->w);
	free(l);
	return 0;
}

static void steps_are(struct world *w, const char *expected)
{
	char *steps = world_steps(w);

	assert_string_equal(steps, expected);
	free(steps);
}

static void ask_nics(struct world *w)
{
	world_ask(w, NIC);
	world_ask(w, NIC2);
}

static void must(int r, const struct world *w)
{
	if (r < 0)
		fail_msg("%s (%s)", w->err.msg, w->err.hint);
}

static void refused(struct world *w, int r, const char *name)
{
	if (r != -EPERM)
		fail_msg("not refused: %d %s", r, w->err.msg);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, name);
	assert_string_not_equal(w->err.hint, "");
	assert_false(pt_plan_refusal(&w->plan)->forceable);
}

static void a_running_vm_gets_devices_without_being_stopped(void **state)
{
	struct live *l = *state;
	const struct pt_step *define;
	const struct pt_step *plug;

	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	steps_are(l->w, "reserve reserve vm-define vm-plug vm-plug");
	assert_non_null(strstr(l->w->plan.summary, "while it runs"));
	define = world_step(l->w, PT_STEP_VM_DEFINE, 0);
	assert_int_equal(define->edit.add_hostdevs.v[0].guest_bus, 3);
	assert_int_equal(define->edit.add_hostdevs.v[1].guest_bus, 4);
	plug = world_step(l->w, PT_STEP_VM_PLUG, 1);
	assert_true(pt_bdf_eq(plug->bdf, world_bdf(NIC2)));
	assert_string_equal(plug->vm_uuid, l->w->vm.uuid);
	assert_int_equal(plug->timeout_ms, 7000);
	assert_int_not_equal(plug->vendor, 0);
	assert_non_null(strstr(world_finding(l->w, "root-ports")->fact, "2 of the 4 root ports"));
}

static void an_unmanaged_device_is_bound_before_it_is_plugged_in(void **state)
{
	struct live *l = *state;

	l->w->request.managed = 0;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	steps_are(l->w, "reserve reserve driver driver vm-define vm-plug vm-plug");
}

static void a_port_that_only_one_of_both_has_free_leaves_the_choice_to_libvirt(void **state)
{
	struct live *l = *state;

	l->w->vm.hotplug_ports.n = 0;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_hostdevs.v[0].guest_bus, 0);
	l->w->vm.hotplug_ports.n = 2;
	l->w->vm.hotplug_ports.v[0] = 9;
	must(world_attach(l->w), l->w);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_hostdevs.v[0].guest_bus, 4);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_hostdevs.v[1].guest_bus, 0);
}

static void too_few_root_ports_are_refused_with_their_count(void **state)
{
	struct live *l = *state;

	l->running.hotplug_ports.n = 1;
	ask_nics(l->w);
	refused(l->w, world_attach(l->w), "root-ports");
	assert_non_null(strstr(l->w->err.msg, "2 devices need as many"));
	assert_non_null(strstr(l->w->err.msg, "1 of the 4"));
	assert_non_null(strstr(l->w->err.hint, "--spare-ports 2"));
}

static void a_machine_without_pcie_needs_acpi(void **state)
{
	struct live *l = *state;

	l->running.pcie_ports = -1;
	l->running.hotplug_ports.n = 0;
	ask_nics(l->w);
	refused(l->w, world_attach(l->w), "no-hotplug");
	l->running.acpi = true;
	must(world_attach(l->w), l->w);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_hostdevs.v[0].guest_bus, 0);
}

static void a_controller_whose_disks_the_guest_uses_is_refused(void **state)
{
	struct live *l = *state;

	world_ask(l->w, HBA);
	refused(l->w, world_attach(l->w), "disks-in-use");
	assert_non_null(strstr(l->w->err.msg, "sda, sdb, sdc"));
	assert_non_null(strstr(l->w->err.hint, "leave --live out"));
}

static void a_controller_without_disks_of_the_vm_can_be_plugged_in(void **state)
{
	struct live *l = *state;

	for (size_t i = 0; i < WORLD_DISKS_MAX; i++)
		l->w->disk_of[i] = -1;
	world_ask(l->w, HBA);
	must(world_attach(l->w), l->w);
	steps_are(l->w, "reserve driver vm-define vm-plug");
}

static void a_vm_that_does_not_run_is_refused(void **state)
{
	struct live *l = *state;

	l->w->running = NULL;
	l->w->vm.state = PT_DOMAIN_SHUTOFF;
	ask_nics(l->w);
	refused(l->w, world_attach(l->w), "vm-off");
	l->w->vm.state = PT_DOMAIN_PAUSED;
	l->w->running = &l->running;
	refused(l->w, world_attach(l->w), "vm-paused");
	world_add_hostdev(&l->w->vm, NIC, true);
	world_add_hostdev(&l->w->vm, NIC2, true);
	refused(l->w, world_detach(l->w), "vm-paused");
	l->w->vm.state = PT_DOMAIN_SHUTOFF;
	l->w->running = NULL;
	refused(l->w, world_detach(l->w), "vm-off");
}

static void a_virtual_iommu_without_caching_mode_is_never_passed_over(void **state)
{
	struct live *l = *state;

	l->w->vm.viommu.model = pt_strdup("intel");
	l->running.viommu.model = pt_strdup("intel");
	world_force(l->w, "viommu");
	ask_nics(l->w);
	refused(l->w, world_attach(l->w), "viommu");
	assert_non_null(strstr(l->w->err.hint, "caching_mode='on'"));
	/* mended in the definition since: the QEMU that runs is the old one */
	l->w->vm.viommu.words[PT_VIOMMU_CACHING_MODE] = pt_strdup("on");
	refused(l->w, world_attach(l->w), "viommu");
	assert_non_null(strstr(l->w->err.hint, "leave --live out"));
	/* or broken there since: it runs, and its next start is the user's affair */
	l->running.viommu.words[PT_VIOMMU_CACHING_MODE] = pt_strdup("on");
	pt_strset(&l->w->vm.viommu.words[PT_VIOMMU_CACHING_MODE], "off");
	must(world_attach(l->w), l->w);
}

/* a definition that was edited since says nothing of what runs */
static void the_memory_of_what_runs_counts(void **state)
{
	struct live *l = *state;
	struct pt_memory *m = &l->w->host.memory;

	m->total_kib = 32u << 20;
	m->available_kib = 8u << 20;
	l->running.held_kib = 14u << 20;
	l->w->vm.memory_kib = 1u << 20;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	l->w->vm.hugepages = true;
	l->w->vm.state = PT_DOMAIN_RUNNING;
	l->running.held_kib = 2u << 20;
	assert_int_equal(world_attach(l->w), -EPERM);
	assert_string_equal(pt_plan_refusal(&l->w->plan)->name, "memory");
}

/* what the VM holds need not be found again; the rest of its memory does, at once */
static void only_memory_that_the_guest_never_touched_has_to_be_found(void **state)
{
	struct live *l = *state;
	struct pt_memory *m = &l->w->host.memory;

	m->total_kib = 32u << 20;
	m->available_kib = 8u << 20;
	l->running.held_kib = 14u << 20;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	l->running.held_kib = 2u << 20;
	assert_int_equal(world_attach(l->w), -EPERM);
	assert_string_equal(pt_plan_refusal(&l->w->plan)->name, "memory");
	assert_non_null(strstr(l->w->err.msg, "2048 MiB it has already"));
}

static void a_lock_limit_of_what_runs_counts(void **state)
{
	struct live *l = *state;

	l->running.hard_limit_kib = 1u << 20;
	ask_nics(l->w);
	assert_int_equal(world_attach(l->w), -EPERM);
	assert_string_equal(pt_plan_refusal(&l->w->plan)->name, "memory-limit");
}

static void what_only_the_definition_has_is_only_plugged_in(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->w->vm, NIC, true);
	world_add_hostdev(&l->w->vm, NIC2, true);
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	steps_are(l->w, "vm-plug vm-plug");
}

static void what_only_the_running_vm_has_is_named(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->running, NIC, true);
	ask_nics(l->w);
	assert_int_equal(world_attach(l->w), -EEXIST);
	assert_int_equal(l->w->err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(l->w->err.hint, "detach cvm " NIC " --live"));
}

static void a_detach_asks_the_guest_first(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->w->vm, NIC, false);
	world_add_hostdev(&l->w->vm, NIC2, false);
	world_add_hostdev(&l->running, NIC, false);
	world_add_hostdev(&l->running, NIC2, false);
	world_device(l->w, NIC)->driver_override = pt_strdup("vfio-pci");
	ask_nics(l->w);
	must(world_detach(l->w), l->w);
	steps_are(l->w, "vm-unplug vm-unplug vm-define unreserve driver unreserve");
	assert_int_equal(world_step(l->w, PT_STEP_VM_UNPLUG, 0)->timeout_ms, 7000);
}

static void what_the_running_vm_does_not_have_its_guest_is_not_asked_for(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->w->vm, NIC, true);
	world_ask(l->w, NIC);
	must(world_detach(l->w), l->w);
	steps_are(l->w, "vm-define");
	assert_non_null(world_finding(l->w, "not-running-with"));
}

static void what_only_runs_is_taken_without_a_new_definition(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->running, NIC, true);
	world_ask(l->w, NIC);
	must(world_detach(l->w), l->w);
	steps_are(l->w, "vm-unplug");
}

static void a_device_on_the_root_bus_is_refused(void **state)
{
	struct live *l = *state;

	world_add_hostdev(&l->w->vm, NIC, true);
	world_add_hostdev(&l->running, NIC, true)->on_root = true;
	world_ask(l->w, NIC);
	refused(l->w, world_detach(l->w), "no-hotplug");
	/* a bus of conventional PCI takes and gives all the same */
	l->running.pcie_ports = -1;
	must(world_detach(l->w), l->w);
}

static void a_place_from_which_libvirt_takes_nothing_is_refused(void **state)
{
	struct live *l = *state;
	struct pt_domain_hostdev *h;

	world_add_hostdev(&l->w->vm, NIC, true);
	h = world_add_hostdev(&l->running, NIC, true);
	h->shares_slot = true;
	world_ask(l->w, NIC);
	refused(l->w, world_detach(l->w), "no-hotplug");
	assert_non_null(strstr(l->w->err.msg, "shares its slot"));
	h->shares_slot = false;
	h->fixed = true;
	refused(l->w, world_detach(l->w), "no-hotplug");
	assert_non_null(strstr(l->w->err.msg, "hotplug='off'"));
	h->fixed = false;
	must(world_detach(l->w), l->w);
}

static void a_stranger_where_the_definition_names_a_device_is_not_plugged_in(void **state)
{
	struct live *l = *state;
	struct pt_keep *k = pt_array_add(&l->w->host.reserved);
	const struct pt_device *d = world_device(l->w, NIC);

	k->id.last_seen = d->bdf;
	k->id.vendor = d->vendor;
	k->id.device = d->device + 1;
	k->id.subvendor = d->subvendor;
	k->id.subdevice = d->subdevice;
	world_add_hostdev(&l->w->vm, NIC, true);
	world_add_hostdev(&l->w->vm, NIC2, true);
	ask_nics(l->w);
	refused(l->w, world_attach(l->w), "identity");
	k->id.device--;
	must(world_attach(l->w), l->w);
	steps_are(l->w, "vm-plug vm-plug");
}

static void a_definition_that_is_changed_while_the_vm_runs_is_changed_back_so(void **state)
{
	struct live *l = *state;

	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	assert_true(world_step(l->w, PT_STEP_VM_DEFINE, 0)->flag);
	l->w->running = NULL;
	l->w->request.live = false;
	must(world_attach(l->w), l->w);
	assert_false(world_step(l->w, PT_STEP_VM_DEFINE, 0)->flag);
}

static void spare_ports_are_counted_beside_what_is_given(void **state)
{
	struct live *l = *state;

	l->w->request.spare_ports = 2;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	/* two are free, and both go to the NICs */
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_ports, 2);
	assert_non_null(strstr(world_finding(l->w, "spare-ports")->fact, "shut off and is started again"));
	l->w->request.live = false;
	l->w->running = NULL;
	l->w->vm.free_pcie_ports = 1;
	must(world_attach(l->w), l->w);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_ports, 3);
	assert_null(strstr(world_finding(l->w, "spare-ports")->fact, "shut off"));
	l->w->vm.free_pcie_ports = 4;
	must(world_attach(l->w), l->w);
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_ports, 0);
}

static void spare_ports_alone_stop_nothing(void **state)
{
	struct live *l = *state;

	l->w->request.live = false;
	l->w->running = NULL;
	l->w->request.spare_ports = 3;
	must(world_attach(l->w), l->w);
	steps_are(l->w, "vm-define");
	assert_int_equal(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.add_ports, 1);
	assert_false(world_step(l->w, PT_STEP_VM_DEFINE, 0)->edit.drop_balloon);
	assert_true(world_step(l->w, PT_STEP_VM_DEFINE, 0)->flag);
	assert_string_equal(l->w->plan.summary, "give cvm 3 spare root ports");
	l->w->request.spare_ports = 2;
	must(world_attach(l->w), l->w);
	steps_are(l->w, "");
	l->w->vm.pcie_ports = -1;
	refused(l->w, world_attach(l->w), "no-root-ports");
	l->w->vm.pcie_ports = 4;
	l->w->vm.managed_save = true;
	refused(l->w, world_attach(l->w), "managed-save");
}

/* what an agent asks for: a VM that was started since it looked is not shut down for it */
static void with_no_stop_it_is_as_the_vm_is_and_never_stops_it(void **state)
{
	struct live *l = *state;

	l->w->request.live = false;
	l->w->request.no_stop = true;
	ask_nics(l->w);
	must(world_attach(l->w), l->w);
	steps_are(l->w, "reserve reserve vm-define vm-plug vm-plug");
	l->w->vm.state = PT_DOMAIN_SHUTOFF;
	l->w->running = NULL;
	l->w->vm.memory_kib = 1u << 20;
	must(world_attach(l->w), l->w);
	steps_are(l->w, "reserve reserve vm-define");
	/* it was seen to run, and stopped before it was asked what it runs with */
	l->w->vm.state = PT_DOMAIN_RUNNING;
	refused(l->w, world_attach(l->w), "vm-off");
	assert_null(strstr(l->w->err.hint, "--live"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_running_vm_gets_devices_without_being_stopped),
		T(an_unmanaged_device_is_bound_before_it_is_plugged_in),
		T(a_port_that_only_one_of_both_has_free_leaves_the_choice_to_libvirt),
		T(too_few_root_ports_are_refused_with_their_count),
		T(a_machine_without_pcie_needs_acpi),
		T(a_controller_whose_disks_the_guest_uses_is_refused),
		T(a_controller_without_disks_of_the_vm_can_be_plugged_in),
		T(a_vm_that_does_not_run_is_refused),
		T(a_virtual_iommu_without_caching_mode_is_never_passed_over),
		T(the_memory_of_what_runs_counts),
		T(a_place_from_which_libvirt_takes_nothing_is_refused),
		T(a_stranger_where_the_definition_names_a_device_is_not_plugged_in),
		T(a_definition_that_is_changed_while_the_vm_runs_is_changed_back_so),
		T(only_memory_that_the_guest_never_touched_has_to_be_found),
		T(a_lock_limit_of_what_runs_counts),
		T(what_only_the_definition_has_is_only_plugged_in),
		T(what_only_the_running_vm_has_is_named),
		T(a_detach_asks_the_guest_first),
		T(what_the_running_vm_does_not_have_its_guest_is_not_asked_for),
		T(what_only_runs_is_taken_without_a_new_definition),
		T(a_device_on_the_root_bus_is_refused),
		T(spare_ports_are_counted_beside_what_is_given),
		T(spare_ports_alone_stop_nothing),
		T(with_no_stop_it_is_as_the_vm_is_and_never_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
