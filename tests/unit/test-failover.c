/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface stands in for a device that comes and goes, and what becomes of the definition. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/failover.h"
#include "domxml/domxml.h"
#include "world.h"

#define NIC   "0000:05:01.0"
#define MAC_A "52:54:00:00:00:0A"
#define MAC_B "52:54:00:00:00:0b"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 0x0a };

static int setup(void **state)
{
	struct world *w = world_new();

	w->vm.pcie_ports = 4;
	w->vm.free_pcie_ports = 2;
	*state = w;
	return 0;
}

static struct pt_domain_nic *add_nic(struct pt_domain *vm, const char *mac, const char *model)
{
	struct pt_domain_nic *n = pt_array_add(&vm->nics);

	n->type = pt_strdup("bridge");
	n->source = pt_strdup("br0");
	n->mac = pt_strdup(mac);
	n->model = pt_strdup(model);
	return n;
}

static void the_only_virtio_interface_stands_in(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };

	add_nic(&w->vm, MAC_B, "e1000e");
	add_nic(&w->vm, MAC_A, "virtio");
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), 0);
	assert_memory_equal(f.mac, mac_a, 6);
	assert_string_equal(f.alias, "ua-standby-52540000000a");
	assert_string_equal(f.where, "bridge br0");
	assert_null(f.type);
	assert_false(f.paired);
}

static void of_several_one_has_to_be_named(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };

	add_nic(&w->vm, MAC_A, "virtio");
	add_nic(&w->vm, MAC_B, "virtio-non-transitional");
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), -EPERM);
	assert_non_null(strstr(w->err.msg, MAC_A));
	assert_non_null(strstr(w->err.msg, MAC_B));
	assert_int_equal(pt_failover_pick(&w->vm, "52:54:00:00:00:0a", &f, &w->err), 0);
	assert_memory_equal(f.mac, mac_a, 6);
}

/* its pair is away: it is that one's, by the alias that it has */
static void one_that_stood_in_before_is_taken_before_all_others(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };
	struct pt_domain_nic *n;

	add_nic(&w->vm, MAC_B, "virtio");
	n = add_nic(&w->vm, MAC_A, "virtio");
	n->alias = pt_strdup("ua-mine");
	n->persistent = true;
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), 0);
	assert_string_equal(f.alias, "ua-mine");
	assert_true(f.paired);
}

static void one_that_stands_in_for_another_device_does_not_fit(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };

	add_nic(&w->vm, MAC_A, "virtio")->alias = pt_strdup("ua-mine");
	world_add_hostdev(&w->vm, NIC, true)->team_of = pt_strdup("ua-mine");
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), -EPERM);
	assert_non_null(strstr(w->err.hint, "bridge:NAME"));
	assert_int_equal(pt_failover_pick(&w->vm, MAC_A, &f, &w->err), -EPERM);
	assert_non_null(strstr(w->err.msg, "for another"));
}

static void what_cannot_be_understood_is_usage(void **state)
{
	static const char *const wrong[] = { "br0", "bridge:", "user:x", "", ":br0" };
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(pt_failover_pick(&w->vm, wrong[i], &f, &w->err), -EINVAL);
		assert_int_equal(w->err.kind, PT_ERROR_USAGE);
	}
	assert_int_equal(pt_failover_pick(&w->vm, MAC_A, &f, &w->err), -ENOENT);
	assert_int_equal(w->err.kind, PT_ERROR_USAGE);
	add_nic(&w->vm, MAC_A, "rtl8139");
	assert_int_equal(pt_failover_pick(&w->vm, MAC_A, &f, &w->err), -EPERM);
	assert_non_null(strstr(w->err.msg, "model virtio"));
}

static void a_new_one_goes_to_the_bridge_that_is_named(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };

	assert_int_equal(pt_failover_pick(&w->vm, "network:default", &f, &w->err), 0);
	assert_string_equal(f.type, "network");
	assert_string_equal(f.source, "default");
}

static void the_plan_pairs_both(void **state)
{
	struct world *w = *state;
	PT_AUTO(pt_failover) f = { 0 };
	const struct pt_domain_edit *e;

	add_nic(&w->vm, MAC_A, "virtio");
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), 0);
	w->request.failover = &f;
	world_ask(w, NIC);
	world_ask(w, "0000:05:02.0");
	if (world_attach(w) < 0)
		fail_msg("%s", w->err.msg);
	e = &world_step(w, PT_STEP_VM_DEFINE, 0)->edit;
	assert_string_equal(e->add_hostdevs.v[0].team_of, f.alias);
	assert_true(e->standby.wanted);
	assert_memory_equal(e->standby.mac, mac_a, 6);
	assert_null(e->standby.type);
	assert_non_null(world_finding(w, "failover"));
	/* QEMU: only on PCI Express */
	w->vm.pcie_ports = -1;
	assert_int_equal(world_attach(w), -EPERM);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, "failover-machine");
}

static void a_running_vm_must_have_been_started_with_it(void **state)
{
	struct world *w = *state;
	unsigned ports[] = { 3, 4 };
	struct pt_domain running = { .pcie_ports = 4, .free_pcie_ports = 2, .hotplug_ports = { ports, 2, 2 } };
	struct pt_domain_nic *n = add_nic(&w->vm, MAC_A, "virtio");
	struct pt_domain_nic there = { .alias = (char *)(uintptr_t) "ua-standby-52540000000a", .persistent = true };
	PT_AUTO(pt_failover) f = { 0 };

	running.memory_kib = w->vm.memory_kib;
	running.state = PT_DOMAIN_RUNNING;
	w->running = &running;
	w->request.live = true;
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), 0);
	w->request.failover = &f;
	world_ask(w, NIC);
	world_ask(w, "0000:05:02.0");
	assert_int_equal(world_attach(w), -EPERM);
	assert_string_equal(pt_plan_refusal(&w->plan)->name, "failover-live");
	running.nics.v = &there;
	running.nics.n = 1;
	if (world_attach(w) < 0)
		fail_msg("%s", w->err.msg);
	/* as it is after a detach: nothing but the device comes back */
	n->alias = pt_strdup("ua-standby-52540000000a");
	n->persistent = true;
	pt_failover_done(&f);
	assert_int_equal(pt_failover_pick(&w->vm, NULL, &f, &w->err), 0);
	if (world_attach(w) < 0)
		fail_msg("%s", w->err.msg);
	assert_false(world_step(w, PT_STEP_VM_DEFINE, 0)->edit.standby.wanted);
}

static const char with_nic[] = "<domain type='kvm'><name>a</name><devices>\n"
			       "    <interface type='bridge'>\n"
			       "      <mac address='52:54:00:00:00:0A'/>\n"
			       "      <source bridge='br0'/>\n"
			       "      <model type='virtio'/>\n"
			       "    </interface>\n"
			       "  </devices></domain>";

static void make_edit(struct pt_domain_edit *e)
{
	struct pt_hostdev_add add = { .bdf = { .bus = 5 }, .managed = true, .team_of = "ua-x" };

	pt_array_push(&e->add_hostdevs, add);
	e->standby = (struct pt_standby){ .wanted = true, .alias = "ua-x" };
	memcpy(e->standby.mac, mac_a, 6);
}

static void an_interface_that_is_there_gets_teaming_and_alias_and_nothing_else(void **state)
{
	PT_AUTO(pt_domain_edit) e = { 0 };
	pt_autofree char *after = NULL;
	PT_AUTO(pt_domain) d = { 0 };
	struct pt_error err = { 0 };

	(void)state;
	make_edit(&e);
	if (pt_domxml_edit(with_nic, &e, &after, &err) < 0)
		fail_msg("%s", err.msg);
	assert_non_null(strstr(after, "      <mac address='52:54:00:00:00:0A'/>\n"
				      "      <teaming type='persistent'/>\n"
				      "      <alias name='ua-x'/>\n"
				      "      <source bridge='br0'/>\n"));
	assert_non_null(strstr(after, "<teaming type='transient' persistent='ua-x'/>"));
	assert_int_equal(pt_domxml_read(after, &d, &err), 0);
	assert_int_equal(d.nics.n, 1);
	assert_true(d.nics.v[0].persistent);
	assert_string_equal(d.nics.v[0].alias, "ua-x");
	assert_string_equal(d.nics.v[0].source, "br0");
	assert_string_equal(d.hostdevs.v[0].team_of, "ua-x");
	/* one with another user's alias is not the one that was planned with */
	e.add_hostdevs.v[0].bdf.bus = 6;
	(void)strcpy(e.standby.alias, "ua-y");
	free(after);
	after = NULL;
	assert_int_equal(pt_domxml_edit(with_nic, &e, &after, &err), 0);
	e.add_hostdevs.v[0].bdf.bus = 7;
	(void)strcpy(e.standby.alias, "ua-z");
	{
		pt_autofree char *again = NULL;

		assert_int_equal(pt_domxml_edit(after, &e, &again, &err), -EBADMSG);
	}
	e.standby.mac[5] = 9;
	free(after);
	after = NULL;
	assert_int_equal(pt_domxml_edit(with_nic, &e, &after, &err), -ENOENT);
}

static void a_new_interface_is_written_whole(void **state)
{
	PT_AUTO(pt_domain_edit) e = { 0 };
	pt_autofree char *after = NULL;
	char *twice = NULL;
	struct pt_error err = { 0 };

	(void)state;
	make_edit(&e);
	e.standby.type = pt_strdup("bridge");
	e.standby.source = pt_strdup("br<1>");
	if (pt_domxml_edit("<domain type='kvm'><name>a</name><devices/></domain>", &e, &after, &err) < 0)
		fail_msg("%s", err.msg);
	assert_non_null(strstr(after, "<interface type='bridge'><mac address='52:54:00:00:00:0a'/>"
				      "<source bridge='br&lt;1&gt;'/><model type='virtio'/>"
				      "<teaming type='persistent'/><alias name='ua-x'/></interface>"));
	assert_int_equal(pt_domxml_edit(with_nic, &e, &twice, &err), -EEXIST);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_only_virtio_interface_stands_in),
		T(of_several_one_has_to_be_named),
		T(one_that_stood_in_before_is_taken_before_all_others),
		T(one_that_stands_in_for_another_device_does_not_fit),
		T(what_cannot_be_understood_is_usage),
		T(a_new_one_goes_to_the_bridge_that_is_named),
		T(the_plan_pairs_both),
		T(a_running_vm_must_have_been_started_with_it),
		cmocka_unit_test(an_interface_that_is_there_gets_teaming_and_alias_and_nothing_else),
		cmocka_unit_test(a_new_interface_is_written_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
