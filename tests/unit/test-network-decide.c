/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual function a VM gets in a network, with which MAC, what is set for it, and how it is given back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/network.h"
#include "model/reservation.h"
#include "world.h"

#define PF  "0000:41:00.0"
#define VF0 "0000:41:10.0"
#define VF1 "0000:41:10.2"

/* network blue, VLAN 42, is on the world's card, whose two VFs are kept and free */
struct fixture {
	struct world *w;
	struct pt_network network;
	struct pt_sriov pfs[2];
	struct pt_bdf on[8];
	struct pt_network_facts facts;
	struct pt_sriov_state kept;
	char *kept_text;
	struct pt_sriov_facts sriov;
	struct pt_findings findings;
	struct pt_plan plan;
	struct pt_bdf only;
	struct pt_bdf vf;
};

static void look_at(struct fixture *f, unsigned i, const char *pf, const char *netdev, unsigned n_vfs)
{
	f->pfs[i] = (struct pt_sriov){ .pf = world_bdf(pf), .offered = 7, .autoprobe = PT_KNOWN_NO, .bus_end = -1 };
	f->pfs[i].link.name = pt_strdup(netdev);
	f->pfs[i].link.up = true;
	f->pfs[i].link.mtu = 1500;
	for (unsigned k = 0; k < n_vfs; k++)
		pt_array_push(&f->pfs[i].link.vfs, ((struct pt_vf_settings){ .has = PT_VF_ALL, .spoofchk = true }));
	f->facts.n_pfs = i + 1;
}

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->w = world_new();
	f->network = (struct pt_network){ .name = pt_strdup("blue"),
					  .physical_network = pt_strdup("physnet1"),
					  .where = pt_strdup("passthru.conf:7"),
					  .settings = { .has = PT_VF_VLAN, .vlan = 42 } };
	f->on[0] = world_bdf(PF);
	f->on[1] = world_bdf(VF0);
	f->on[2] = world_bdf(VF1);
	f->facts = (struct pt_network_facts){ .host = &f->w->host,
					      .vm = &f->w->vm,
					      .others = &f->w->others,
					      .network = &f->network,
					      .on = f->on,
					      .n_on = 3,
					      .pfs = f->pfs };
	look_at(f, 0, PF, "enp65s0", 2);
	pt_strv_add(&world_device(f->w, VF0)->netdevs, "enp65s0v0");
	pt_strv_add(&world_device(f->w, VF1)->netdevs, "enp65s0v1");
	f->kept_text = pt_strdup("address=" PF "\nid=8086:1009 subsystem=0000:0000\nvfs=2\nautoprobe=off\n");
	assert_int_equal(pt_sriov_state_parse(f->kept_text, &f->kept, NULL), 0);
	f->sriov = (struct pt_sriov_facts){ .host = &f->w->host,
					    .vms = &f->w->others,
					    .sriov = &f->pfs[0],
					    .kept_text = f->kept_text,
					    .kept = &f->kept };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->network.name);
	free(f->network.physical_network);
	free(f->network.where);
	pt_sriov_done(&f->pfs[0]);
	pt_sriov_done(&f->pfs[1]);
	pt_sriov_state_done(&f->kept);
	free(f->kept_text);
	pt_findings_done(&f->findings);
	pt_plan_done(&f->plan);
	world_free(f->w);
	free(f);
	return 0;
}

static int pick(struct fixture *f)
{
	f->w->err = (struct pt_error){ 0 };
	pt_findings_done(&f->findings);
	f->facts.host = &f->w->host;
	return pt_network_pick(&f->facts, &f->vf, &f->findings, &f->w->err);
}

static void picked(struct fixture *f, const char *bdf)
{
	if (pick(f) < 0)
		fail_msg("%s", f->w->err.msg);
	assert_string_equal(pt_bdf_str(f->vf).s, bdf);
}

static void refused(struct fixture *f, const char *what)
{
	assert_int_equal(pick(f), -EPERM);
	assert_int_equal(f->w->err.kind, PT_ERROR_REFUSED);
	if (!strstr(f->w->err.msg, what) && !strstr(f->w->err.hint, what))
		fail_msg("'%s' (%s) says nothing of '%s'", f->w->err.msg, f->w->err.hint, what);
}

static void the_first_free_one_is_picked(void **state)
{
	struct fixture *f = *state;

	picked(f, VF0);
	(void)world_add_hostdev(world_add_vm(f->w, "spare", PT_DOMAIN_SHUTOFF), VF0, true);
	picked(f, VF1);
}

static void what_the_host_uses_or_has_reserved_is_not_free(void **state)
{
	struct fixture *f = *state;
	struct pt_keep *keep;

	(void)world_use(f->w, VF0, PT_USE_ADDRESS);
	picked(f, VF1);
	keep = pt_array_add(&f->w->host.reserved);
	keep->id.last_seen = world_bdf(VF1);
	keep->driver = pt_strdup(PT_DRIVER_LIBVIRT);
	/* remembered of a VM that had it once */
	picked(f, VF1);
	pt_strset(&keep->driver, "vfio-pci");
	refused(f, VF1 ": it is reserved");
	refused(f, VF0 ": this host uses it");
	/* nor is it with its card named; who names the function itself means that one */
	f->only = world_bdf(PF);
	f->facts.only = &f->only;
	refused(f, VF1 ": it is reserved");
	f->only = world_bdf(VF1);
	picked(f, VF1);
}

static void none_free_says_who_has_each(void **state)
{
	struct fixture *f = *state;

	(void)world_add_hostdev(world_add_vm(f->w, "spare", PT_DOMAIN_SHUTOFF), VF0, true);
	(void)world_add_hostdev(&f->w->vm, VF1, true);
	refused(f, "none of the 2 virtual functions of network blue is free");
	refused(f, VF0 ": VM spare has it");
	refused(f, VF1 ": VM cvm has it");
}

static void a_pf_that_a_vm_has_lends_nothing(void **state)
{
	struct fixture *f = *state;

	(void)world_add_hostdev(world_add_vm(f->w, "whole", PT_DOMAIN_SHUTOFF), PF, true);
	refused(f, "VM whole has its physical function " PF " as a whole");
}

static void a_pf_on_vfio_or_without_an_interface_lends_nothing(void **state)
{
	struct fixture *f = *state;

	pt_strset(&world_device(f->w, PF)->driver, "vfio-pci");
	refused(f, "is held for a guest");
	pt_strset(&world_device(f->w, PF)->driver, "igb");
	pt_strset(&f->pfs[0].link.name, NULL);
	refused(f, "has no network interface on this host");
	f->pfs[0].link_why = pt_strdup("the kernel told nothing about enp65s0 within 5000 ms");
	refused(f, "interface of its physical function " PF " tells nothing: the kernel told nothing about enp65s0");
}

static void one_that_a_container_has_is_not_free(void **state)
{
	struct fixture *f = *state;
	struct pt_device *d = world_device(f->w, VF0);

	pt_strv_done(&d->netdevs);
	picked(f, VF1);
	/* without a driver, or held for a guest that none is, there is no interface to miss */
	pt_strset(&d->driver, "vfio-pci");
	picked(f, VF0);
	pt_strset(&d->driver, NULL);
	picked(f, VF0);
	pt_strset(&d->driver, "igbvf");
	(void)world_add_hostdev(world_add_vm(f->w, "spare", PT_DOMAIN_SHUTOFF), VF1, true);
	refused(f, VF0 ": held by igbvf without an interface here: it may be in another network namespace");
}

static void one_that_another_tool_manages_is_taken_only_by_name(void **state)
{
	static const char *const managers[] = { "udev (/etc/udev/rules.d/70-vfs.rules)" };
	struct fixture *f = *state;

	f->facts.managers = managers;
	refused(f, VF1 ": the virtual functions of " PF " are managed by udev (/etc/udev/rules.d/70-vfs.rules)");
	refused(f, "if it is named");
	f->facts.only = &f->only;
	f->only = world_bdf(PF);
	picked(f, VF0);
	assert_int_equal(f->findings.n, 1);
	assert_int_equal(f->findings.v[0].verdict, PT_WARN);
	assert_string_equal(f->findings.v[0].name, "foreign-vfs");
	f->only = world_bdf(VF1);
	picked(f, VF1);
	assert_int_equal(f->findings.n, 1);
}

static void a_network_without_a_card_names_its_cables(void **state)
{
	struct fixture *f = *state;

	f->facts.n_on = 0;
	refused(f, "network blue is on physnet1, and no card of this host is");
	refused(f, "passthru.conf:7");
	pt_strset(&f->network.physical_network, NULL);
	refused(f, "this host has none");
}

static void a_card_without_vfs_says_how_to_make_some(void **state)
{
	struct fixture *f = *state;

	f->facts.n_on = 1;
	refused(f, "no card of network blue has a virtual function: " PF);
	refused(f, "passthru sriov " PF " --vfs N");
}

/* a second card like the first, on node 1; the first is on node 0 */
static void add_second_card(struct fixture *f)
{
	struct pt_device *d = world_add_device(f->w, "0000:81:00.0", 0x020000, "igb", 40);

	d->sriov = PT_SRIOV_PF;
	d = world_add_device(f->w, "0000:81:10.0", 0x020000, NULL, 41);
	d->sriov = PT_SRIOV_VF;
	d->pf = world_bdf("0000:81:00.0");
	d->vf_index = 0;
	d->numa_node = 1;
	world_device(f->w, VF0)->numa_node = 0;
	world_device(f->w, VF1)->numa_node = 0;
	look_at(f, 1, "0000:81:00.0", "enp129s0", 1);
	f->on[3] = world_bdf("0000:81:00.0");
	f->on[4] = world_bdf("0000:81:10.0");
	f->facts.n_on = 5;
}

static void the_vms_numa_node_comes_first(void **state)
{
	struct fixture *f = *state;

	add_second_card(f);
	picked(f, VF0);
	f->w->vm.nodes = pt_strdup("1");
	picked(f, "0000:81:10.0");
	assert_int_equal(f->findings.n, 0);
	pt_strset(&f->w->vm.nodes, "0-3,^1");
	picked(f, VF0);
	/* none free there: the other node, and said */
	pt_strset(&f->w->vm.nodes, "1");
	(void)world_add_hostdev(world_add_vm(f->w, "spare", PT_DOMAIN_SHUTOFF), "0000:81:10.0", true);
	picked(f, VF0);
	assert_int_equal(f->findings.n, 1);
	assert_int_equal(f->findings.v[0].verdict, PT_WARN);
	assert_string_equal(f->findings.v[0].name, "numa");
	/* what is no set of numbers is nobody's node */
	pt_strset(&f->w->vm.nodes, "1,,x-");
	picked(f, VF0);
}

static void a_card_or_function_that_is_named_narrows_the_choice(void **state)
{
	struct fixture *f = *state;

	add_second_card(f);
	f->facts.only = &f->only;
	f->only = world_bdf(VF1);
	picked(f, VF1);
	f->only = world_bdf("0000:81:00.0");
	picked(f, "0000:81:10.0");
	f->facts.n_on = 3;
	assert_int_equal(pick(f), -EINVAL);
	assert_int_equal(f->w->err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(f->w->err.msg, "is not on network blue"));
	f->only = world_bdf("0000:01:00.0");
	assert_int_equal(pick(f), -EINVAL);
	assert_non_null(strstr(f->w->err.msg, "is neither"));
}

static struct pt_mac_text mac_of(const char *uuid, const char *network, const struct pt_strv *taken)
{
	uint8_t mac[6];

	pt_network_mac(uuid, network, taken, mac);
	assert_true(pt_mac_is_station(mac));
	/* locally administered */
	assert_int_equal(mac[0] & 2, 2);
	return pt_mac_str(mac);
}

static void a_vm_has_one_mac_in_a_network_always_the_same(void **state)
{
	struct fixture *f = *state;
	const char *uuid = f->w->vm.uuid;
	struct pt_strv none = { 0 };
	PT_AUTO(pt_strv) taken = { 0 };
	struct pt_mac_text first = mac_of(uuid, "blue", &none);
	struct pt_mac_text second;

	assert_string_equal(mac_of(uuid, "blue", &none).s, first.s);
	assert_string_not_equal(mac_of(uuid, "green", &none).s, first.s);
	assert_string_not_equal(mac_of("f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f22", "blue", &none).s, first.s);
	/* in use already, in whatever letters: the VM's next, also always the same; and the first again when it is free
	 */
	pt_strv_add(&taken, first.s);
	for (char *c = taken.v[0]; *c; c++)
		*c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
	second = mac_of(uuid, "blue", &taken);
	assert_string_not_equal(second.s, first.s);
	assert_string_equal(mac_of(uuid, "blue", &taken).s, second.s);
	pt_strv_add(&taken, second.s);
	assert_string_not_equal(mac_of(uuid, "blue", &taken).s, second.s);
	/* told to the world: it must not change from one version to the next */
	assert_string_equal(first.s, "06:bb:9e:a4:9c:64");
}

static void the_macs_of_ten_thousand_vms_differ(void **state)
{
	struct pt_strv none = { 0 };
	PT_AUTO(pt_strv) all = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		char uuid[40];

		(void)snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012u", i);
		pt_strv_add(&all, mac_of(uuid, "blue", &none).s);
	}
	pt_strv_sort(&all);
	for (size_t i = 1; i < all.n; i++)
		assert_string_not_equal(all.v[i - 1], all.v[i]);
}

static const uint8_t mac[6] = { 6, 0, 0, 0, 0, 1 };

static int settle(struct fixture *f)
{
	f->w->err = (struct pt_error){ 0 };
	pt_plan_done(&f->plan);
	return pt_network_settings(&f->sriov, &f->network, world_bdf(VF0), mac, &f->plan, &f->w->err);
}

static void settled(struct fixture *f)
{
	if (settle(f) < 0)
		fail_msg("%s", f->w->err.msg);
}

static const struct pt_finding *finding(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.findings.n; i++)
		if (strcmp(f->plan.findings.v[i].name, name) == 0)
			return &f->plan.findings.v[i];
	return NULL;
}

static void mac_and_vlan_are_set_and_kept(void **state)
{
	struct fixture *f = *state;

	settled(f);
	assert_int_equal(f->plan.steps.n, 2);
	assert_int_equal(f->plan.steps.v[0].kind, PT_STEP_SRIOV);
	assert_string_equal(pt_bdf_str(f->plan.steps.v[0].bdf).s, PF);
	assert_non_null(strstr(f->plan.steps.v[0].state_before, "mac=00:00:00:00:00:00 vlan=0 qos=0"));
	assert_non_null(strstr(f->plan.steps.v[0].state_after, "mac=06:00:00:00:00:01 vlan=42 qos=0"));
	assert_null(strstr(f->plan.steps.v[0].state_after, "trust"));
	assert_int_equal(f->plan.steps.v[1].kind, PT_STEP_SRIOV_KEEP);
	assert_non_null(strstr(f->plan.steps.v[1].state_after, "vf=0 mac=06:00:00:00:00:01 vlan=42"));
}

static void the_pfs_link_comes_up_first_with_the_mtu_of_the_network(void **state)
{
	struct fixture *f = *state;

	f->pfs[0].link.up = false;
	f->network.mtu = 9000;
	settled(f);
	assert_int_equal(f->plan.steps.v[0].kind, PT_STEP_LINK);
	assert_string_equal(f->plan.steps.v[0].state_before, "up=off mtu=1500");
	assert_string_equal(f->plan.steps.v[0].state_after, "up=on mtu=9000");
	assert_non_null(finding(f, "pf-link"));
	/* more than it needs is left alone, and only what changes is said */
	f->pfs[0].link.mtu = 9216;
	settled(f);
	assert_string_equal(f->plan.steps.v[0].state_after, "up=on");
	f->pfs[0].link.up = true;
	settled(f);
	assert_int_equal(f->plan.steps.v[0].kind, PT_STEP_SRIOV);
}

static void what_a_driver_does_not_know_is_fatal_only_where_it_would_say_something(void **state)
{
	struct fixture *f = *state;

	f->pfs[0].link.vfs.v[0].has &= ~(unsigned)(PT_VF_TRUST | PT_VF_LINK | PT_VF_RATE | PT_VF_SPOOFCHK);
	f->network.settings.has = PT_VF_VLAN | PT_VF_TRUST | PT_VF_LINK | PT_VF_RATE;
	settled(f);
	assert_non_null(finding(f, "not-known"));
	f->network.settings.trust = true;
	assert_int_equal(settle(f), -EPERM);
	assert_non_null(strstr(f->w->err.msg, "tells no trust"));
	f->network.settings.trust = false;
	f->network.settings.has |= PT_VF_SPOOFCHK;
	f->network.settings.spoofchk = true;
	assert_int_equal(settle(f), -EPERM);
	assert_non_null(strstr(f->w->err.msg, "tells no spoof check"));
}

static void a_priority_that_libvirt_would_drop_is_refused(void **state)
{
	struct fixture *f = *state;

	f->network.settings.qos = 3;
	assert_int_equal(settle(f), -EPERM);
	assert_non_null(strstr(f->w->err.msg, "priority 3"));
}

static void what_somebody_set_by_hand_and_the_network_does_not_say_is_told(void **state)
{
	struct fixture *f = *state;

	f->pfs[0].link.vfs.v[0].trust = true;
	f->pfs[0].link.vfs.v[0].spoofchk = false;
	settled(f);
	assert_non_null(finding(f, "trust"));
	assert_non_null(finding(f, "spoofchk"));
}

static void give_back(struct fixture *f, const char *kept_before, char **kept_text)
{
	struct pt_vf_before before = { "vf=0 address=" VF0 " mac=00:00:00:00:00:00 vlan=0 qos=0\n", kept_before, true };
	struct pt_error err = { 0 };

	pt_plan_done(&f->plan);
	f->pfs[0].link.vfs.v[0].vlan = 42;
	memcpy(f->pfs[0].link.vfs.v[0].mac, mac, 6);
	if (pt_network_give_back(&f->sriov, world_bdf(VF0), &before, kept_text, &f->plan, &err) < 0)
		fail_msg("%s", err.msg);
}

static void given_back_a_vf_is_set_and_kept_as_before_and_others_stay(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *kept =
		pt_strf("%svf=0 mac=06:00:00:00:00:01 vlan=42 qos=0\nvf=1 vlan=7 qos=0\n", f->kept_text);
	pt_autofree char *expected = pt_strf("%svf=1 vlan=7 qos=0\n", f->kept_text);

	give_back(f, f->kept_text, &kept);
	assert_int_equal(f->plan.steps.n, 2);
	assert_int_equal(f->plan.steps.v[0].kind, PT_STEP_SRIOV);
	assert_non_null(strstr(f->plan.steps.v[0].state_before, "mac=06:00:00:00:00:01 vlan=42"));
	assert_non_null(strstr(f->plan.steps.v[0].state_after, "mac=00:00:00:00:00:00 vlan=0"));
	assert_string_equal(f->plan.steps.v[1].state_after, expected);
	/* the next VF of the same plan goes on from there */
	assert_string_equal(kept, expected);
}

/* so that `passthru boot` gives the card what the network needs, until the VF leaves it */
static void the_mtu_of_the_network_is_kept_with_its_vf(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *kept = NULL;

	f->network.mtu = 9000;
	settled(f);
	assert_int_equal(f->plan.steps.v[2].kind, PT_STEP_SRIOV_KEEP);
	assert_non_null(strstr(f->plan.steps.v[2].state_after, "vf=0 mtu=9000 mac=06:00:00:00:00:01 vlan=42"));
	assert_null(strstr(finding(f, "pf-link")->fact, "does not outlive a reboot"));
	kept = pt_strdup(f->plan.steps.v[2].state_after);
	pt_plan_done(&f->plan);
	give_back(f, f->kept_text, &kept);
	assert_string_equal(kept, f->kept_text);
}

static void a_network_without_an_mtu_takes_the_one_of_the_last_network_away(void **state)
{
	struct fixture *f = *state;
	PT_AUTO(pt_sriov_state) kept = PT_SRIOV_STATE_UNSAID;

	pt_sriov_state_add(&f->kept, 0)->mtu = 9000;
	pt_sriov_state_add(&f->kept, 1)->mtu = 2000;
	assert_int_equal(pt_sriov_state_mtu(&f->kept), 9000);
	settled(f);
	assert_int_equal(pt_sriov_state_parse(f->plan.steps.v[1].state_after, &kept, NULL), 0);
	assert_int_equal(pt_sriov_state_mtu(&kept), 2000);
}

static void given_back_a_vf_that_was_kept_with_settings_is_kept_with_them_again(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *kept = pt_strf("%svf=0 mac=06:00:00:00:00:01 vlan=42 qos=0\n", f->kept_text);
	pt_autofree char *before = pt_strf("%svf=0 mtu=4000 vlan=9 qos=0\n", f->kept_text);

	give_back(f, before, &kept);
	assert_string_equal(f->plan.steps.v[1].state_after, before);
}

static void a_pf_that_tells_nothing_any_more_is_said(void **state)
{
	struct fixture *f = *state;
	struct pt_vf_before before = { "vf=0 vlan=0 qos=0\n", NULL, false };
	char *kept = NULL;

	f->pfs[0].link.vfs.n = 0;
	assert_int_equal(pt_network_give_back(&f->sriov, world_bdf(VF0), &before, &kept, &f->plan, NULL), 0);
	assert_int_equal(f->plan.steps.n, 0);
	assert_non_null(finding(f, "not-put-back"));
}

static void the_vm_gets_it_as_an_interface_after_the_settings(void **state)
{
	struct fixture *f = *state;
	struct pt_attach_network network = { "blue", { 6, 0, 0, 0, 0, 1 }, 42 };
	pt_autofree char *steps = NULL;
	const struct pt_step *define;

	settled(f);
	world_ask(f->w, VF0);
	f->w->request.network = &network;
	f->w->request.settings = &f->plan;
	if (world_attach(f->w) < 0)
		fail_msg("%s", f->w->err.msg);
	steps = world_steps(f->w);
	assert_string_equal(steps, "vm-stop sriov sriov-keep reserve vm-define vm-start");
	define = world_step(f->w, PT_STEP_VM_DEFINE, 0);
	assert_true(define->edit.add_hostdevs.v[0].is_interface);
	assert_true(define->edit.add_hostdevs.v[0].managed);
	assert_int_equal(define->edit.add_hostdevs.v[0].vlan, 42);
	assert_memory_equal(define->edit.add_hostdevs.v[0].mac, mac, 6);
	assert_non_null(strstr(world_finding(f->w, "network")->fact, "06:00:00:00:00:01, VLAN 42"));
	assert_non_null(strstr(f->w->plan.summary, ", network blue"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_free_one_is_picked),
		TEST(what_the_host_uses_or_has_reserved_is_not_free),
		TEST(none_free_says_who_has_each),
		TEST(a_pf_that_a_vm_has_lends_nothing),
		TEST(a_pf_on_vfio_or_without_an_interface_lends_nothing),
		TEST(one_that_a_container_has_is_not_free),
		TEST(one_that_another_tool_manages_is_taken_only_by_name),
		TEST(a_network_without_a_card_names_its_cables),
		TEST(a_card_without_vfs_says_how_to_make_some),
		TEST(the_vms_numa_node_comes_first),
		TEST(a_card_or_function_that_is_named_narrows_the_choice),
		TEST(a_vm_has_one_mac_in_a_network_always_the_same),
		TEST(the_macs_of_ten_thousand_vms_differ),
		TEST(mac_and_vlan_are_set_and_kept),
		TEST(the_pfs_link_comes_up_first_with_the_mtu_of_the_network),
		TEST(what_a_driver_does_not_know_is_fatal_only_where_it_would_say_something),
		TEST(a_priority_that_libvirt_would_drop_is_refused),
		TEST(what_somebody_set_by_hand_and_the_network_does_not_say_is_told),
		TEST(given_back_a_vf_is_set_and_kept_as_before_and_others_stay),
		TEST(the_mtu_of_the_network_is_kept_with_its_vf),
		TEST(a_network_without_an_mtu_takes_the_one_of_the_last_network_away),
		TEST(given_back_a_vf_that_was_kept_with_settings_is_kept_with_them_again),
		TEST(a_pf_that_tells_nothing_any_more_is_said),
		TEST(the_vm_gets_it_as_an_interface_after_the_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
