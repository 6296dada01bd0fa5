/* SPDX-License-Identifier: Apache-2.0 */
/* How many virtual functions a card may have, who stands in the way, and what is kept; no file, no kernel. */
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
#include "decide/sriov-why.h"
#include "decide/sriov.h"
#include "program.h"
#include "world.h"

#define PF  "0000:41:00.0"
#define VF0 "0000:41:10.0"
#define VF1 "0000:41:10.2"

/* the world's card has 2 of 7 VFs, made by us, without a driver; autoprobe is off */
struct fixture {
	struct world *w;
	struct pt_sriov sriov;
	struct pt_sriov_state kept;
	char *kept_text;
	struct pt_sriov_facts facts;
	struct pt_sriov_request request;
	const char *forced[4];
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->w = world_new();
	world_device(f->w, PF)->vfs_now = 2;
	pt_strset(&world_device(f->w, VF0)->driver, NULL);
	pt_strset(&world_device(f->w, VF1)->driver, NULL);
	f->sriov = (struct pt_sriov){ .pf = world_bdf(PF), .offered = 7, .autoprobe = PT_KNOWN_NO, .bus_end = -1 };
	f->sriov.link.name = pt_strdup("enp65s0");
	for (unsigned i = 0; i < 2; i++)
		pt_array_push(&f->sriov.link.vfs,
			      ((struct pt_vf_settings){ .has = PT_VF_ALL, .mac = { 2, 0, 0, 0, 0, (uint8_t)i } }));
	f->kept_text = pt_strdup("address=" PF "\nid=8086:1009 subsystem=0000:0000\nvfs=2\nautoprobe=off\n"
				 "vf=0 vlan=9 qos=0\nvf=1 vlan=10 qos=0\n");
	assert_int_equal(pt_sriov_state_parse(f->kept_text, &f->kept, NULL), 0);
	f->facts = (struct pt_sriov_facts){ .host = &f->w->host,
					    .vms = &f->w->others,
					    .sriov = &f->sriov,
					    .kept_text = f->kept_text,
					    .kept = &f->kept };
	f->request = (struct pt_sriov_request){ .pf = world_bdf(PF), .vfs = 5, .forced = f->forced };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_sriov_done(&f->sriov);
	pt_sriov_state_done(&f->kept);
	free(f->kept_text);
	world_free(f->w);
	free(f);
	return 0;
}

static int decide(struct fixture *f)
{
	pt_plan_done(&f->w->plan);
	f->w->err = (struct pt_error){ 0 };
	return pt_decide_sriov(&f->facts, &f->request, &f->w->plan, &f->w->err);
}

static void refused(struct fixture *f, const char *name, bool forceable)
{
	assert_int_equal(decide(f), -EPERM);
	assert_string_equal(pt_plan_refusal(&f->w->plan)->name, name);
	assert_int_equal(pt_plan_refusal(&f->w->plan)->forceable, forceable);
	f->forced[0] = name;
	assert_int_equal(decide(f), forceable ? 0 : -EPERM);
	f->forced[0] = NULL;
}

static void five_are_made_and_kept_with_what_was_set(void **state)
{
	struct fixture *f = *state;
	const struct pt_step *s;

	assert_int_equal(decide(f), 0);
	assert_int_equal(f->w->plan.steps.n, 2);
	s = &f->w->plan.steps.v[0];
	assert_int_equal(s->kind, PT_STEP_SRIOV);
	assert_non_null(strstr(s->state_before, "vfs=2\nautoprobe=off\nvf=0 address=" VF0 " mac=02:00:00:00:00:00"));
	assert_non_null(strstr(s->state_after, "vfs=5\nautoprobe=off\nvf=0 mac=02:00:00:00:00:00"));
	s = &f->w->plan.steps.v[1];
	assert_int_equal(s->kind, PT_STEP_SRIOV_KEEP);
	assert_non_null(strstr(s->state_after, "vfs=5\nautoprobe=off\nvf=0 vlan=9 qos=0\nvf=1 vlan=10 qos=0\n"));
	assert_string_equal(s->state_before, f->kept_text);
}

static void a_number_that_is_not_offered_is_told_the_range(void **state)
{
	struct fixture *f = *state;

	f->request.vfs = 16;
	assert_int_equal(decide(f), -ERANGE);
	assert_int_equal(f->w->err.kind, PT_ERROR_USAGE);
	assert_string_equal(f->w->err.msg, "16 asked; " PF " offers 1 to 7 virtual functions");
	assert_int_equal(f->w->plan.steps.n, 0);
}

static void what_has_no_vfs_is_told_so(void **state)
{
	struct fixture *f = *state;

	f->request.pf = world_bdf("0000:05:01.0");
	assert_int_equal(decide(f), -EINVAL);
	assert_non_null(strstr(f->w->err.msg, "SR-IOV is not supported"));
	f->request.pf = world_bdf(VF0);
	assert_int_equal(decide(f), -EINVAL);
	assert_non_null(strstr(f->w->err.hint, PF));
}

static void why_none_can_be_made_is_the_refusal(void **state)
{
	struct fixture *f = *state;

	world_device(f->w, PF)->vfs_now = 0;
	f->sriov.no_room = true;
	refused(f, "sriov-no-room", false);
}

static void a_vf_in_a_vm_stands_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct pt_domain *vm = world_add_vm(f->w, "db", PT_DOMAIN_RUNNING);

	(void)world_add_hostdev(vm, VF1, true);
	refused(f, "other-vm", false);
	assert_non_null(strstr(f->w->err.msg, "VM db, which is running, has VF 1 (" VF1 ")"));
	/* of a VM that is off, it may go through 0 when it comes back; not when it does not */
	vm->state = PT_DOMAIN_SHUTOFF;
	assert_int_equal(decide(f), 0);
	f->request.vfs = 1;
	refused(f, "other-vm", true);
	f->request.vfs = 0;
	refused(f, "other-vm", true);
}

static void a_vf_that_the_host_uses_stands_in_the_way(void **state)
{
	struct fixture *f = *state;

	(void)world_use(f->w, VF0, PT_USE_BRIDGE);
	refused(f, "vf-in-use", true);
	f->w->host.uses.v[0].kind = PT_USE_VFIO;
	refused(f, "vf-in-use", false);
}

static void a_vf_that_is_reserved_does_not_go_one_that_is_remembered_does(void **state)
{
	struct fixture *f = *state;
	struct pt_keep *keep = pt_array_add(&f->w->host.reserved);

	keep->id.last_seen = world_bdf(VF1);
	keep->driver = pt_strdup("vfio-pci");
	f->request.vfs = 1;
	refused(f, "reserved", true);
	pt_strset(&keep->driver, PT_DRIVER_LIBVIRT);
	assert_int_equal(decide(f), 0);
}

static void the_same_number_disturbs_nobody(void **state)
{
	struct fixture *f = *state;

	(void)world_add_hostdev(world_add_vm(f->w, "db", PT_DOMAIN_RUNNING), VF1, true);
	f->request.vfs = 2;
	assert_int_equal(decide(f), 0);
	assert_int_equal(f->w->plan.steps.n, 0);
}

static void somebody_elses_vfs_are_left_alone_unless_told(void **state)
{
	struct fixture *f = *state;

	f->facts.kept = NULL;
	f->facts.kept_text = NULL;
	refused(f, "foreign-vfs", true);
	assert_non_null(strstr(f->w->plan.findings.v[0].fact, "did not make"));
	world_device(f->w, PF)->vfs_now = 0;
	assert_int_equal(decide(f), 0);
	f->facts.manager = "udev (/etc/udev/rules.d/70-vfs.rules)";
	refused(f, "foreign-vfs", true);
}

static void a_pf_in_a_vm_has_no_vfs(void **state)
{
	struct fixture *f = *state;

	(void)world_add_hostdev(world_add_vm(f->w, "db", PT_DOMAIN_RUNNING), PF, true);
	refused(f, "pf-in-use", false);
}

static void none_keeps_nothing_and_lets_drivers_take_new_ones_again(void **state)
{
	struct fixture *f = *state;

	f->request.vfs = 0;
	assert_int_equal(decide(f), 0);
	assert_string_equal(f->w->plan.steps.v[0].state_after, "vfs=0\nautoprobe=on\n");
	assert_null(f->w->plan.steps.v[1].state_after);
}

static void a_vfio_driver_comes_back_with_its_vf(void **state)
{
	struct fixture *f = *state;

	pt_strset(&world_device(f->w, VF1)->driver, "vfio-pci");
	pt_strset(&world_device(f->w, VF1)->driver_override, "vfio-pci");
	assert_int_equal(decide(f), 0);
	assert_non_null(strstr(f->w->plan.steps.v[0].state_after,
			       "vf=1 address=" VF1 " driver=vfio-pci override=vfio-pci mac="));
}

static int set(struct fixture *f, const char *vf, const char *settings)
{
	struct pt_vf_settings want;

	assert_int_equal(pt_vf_settings_parse(settings, &want, NULL), 0);
	pt_plan_done(&f->w->plan);
	f->w->err = (struct pt_error){ 0 };
	return pt_decide_vf(&f->facts, world_bdf(vf), &want, NULL, &f->w->plan, &f->w->err);
}

static void a_vf_gets_what_was_asked_for_and_no_more(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, VF1, "vlan=42 qos=0"), 0);
	assert_int_equal(f->w->plan.steps.n, 2);
	assert_string_equal(f->w->plan.steps.v[0].state_before, "vf=1 address=" VF1 " vlan=0 qos=0\n");
	assert_string_equal(f->w->plan.steps.v[0].state_after, "vf=1 address=" VF1 " vlan=42 qos=0\n");
	assert_non_null(strstr(f->w->plan.steps.v[1].state_after, "vf=0 vlan=9 qos=0\nvf=1 vlan=42 qos=0\n"));
	assert_int_equal(f->w->plan.steps.v[0].bdf.slot, 0);
}

static void a_mac_that_a_sibling_has_is_refused(void **state)
{
	assert_int_equal(set(*state, VF1, "mac=02:00:00:00:00:00"), -EPERM);
	assert_int_equal(set(*state, VF0, "mac=02:00:00:00:00:00"), 0);
}

static void what_the_driver_does_not_tell_is_not_set(void **state)
{
	struct fixture *f = *state;

	f->sriov.link.vfs.v[1].has &= ~(unsigned)PT_VF_TRUST;
	assert_int_equal(set(f, VF1, "trust=on"), -EPERM);
	assert_non_null(strstr(f->w->err.msg, "tells no trust"));
	f->sriov.link.vfs.n = 0;
	f->sriov.link_why = pt_strdup("the kernel told nothing about enp65s0 within 5000 ms");
	assert_int_equal(set(f, VF1, "trust=on"), -EPERM);
	assert_non_null(strstr(f->w->err.msg, "cannot be seen: the kernel told nothing about enp65s0"));
	assert_int_equal(set(f, PF, "trust=on"), -EINVAL);
}

static void what_a_network_demands_is_kept_and_carried_over(void **state)
{
	struct fixture *f = *state;
	const struct pt_step *s;

	/* what is asked for must be had anyway: the step needs no word of it, the file does */
	assert_int_equal(set(f, VF1, "vlan=42 qos=0 min_rate=0 max_rate=100 must=vlan,rate"), 0);
	s = &f->w->plan.steps.v[0];
	assert_null(strstr(s->state_after, "must="));
	s = &f->w->plan.steps.v[1];
	assert_non_null(strstr(s->state_after, "vf=1 vlan=42 qos=0 min_rate=0 max_rate=100 must=vlan,rate\n"));
	pt_sriov_state_done(&f->kept);
	assert_int_equal(pt_sriov_state_parse(s->state_after, &f->kept, NULL), 0);
	assert_int_equal(decide(f), 0);
	assert_non_null(strstr(f->w->plan.steps.v[0].state_after, "must=vlan,rate\n"));
	/* a rate by hand is no network's any more */
	assert_int_equal(set(f, VF1, "min_rate=0 max_rate=50"), 0);
	assert_non_null(strstr(f->w->plan.steps.v[1].state_after, "max_rate=50 must=vlan\n"));
}

static void a_rate_on_a_link_that_is_down_is_said_to_set_it_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, VF1, "min_rate=0 max_rate=100"), 0);
	assert_non_null(world_finding(f->w, "link-down"));
	f->sriov.link.up = f->sriov.link.carrier = true;
	assert_int_equal(set(f, VF1, "min_rate=0 max_rate=100"), 0);
	assert_null(world_finding(f->w, "link-down"));
}

static void settings_of_foreign_vfs_are_said_not_to_last(void **state)
{
	struct fixture *f = *state;

	f->facts.kept = NULL;
	f->facts.kept_text = NULL;
	assert_int_equal(set(f, VF1, "vlan=42"), 0);
	assert_non_null(world_finding(f->w, "not-kept"));
	assert_int_equal(f->w->plan.steps.n, 1);
}

static void assert_usage(const char *line, const char *says)
{
	struct program p;

	program_run(&p, line, "/");
	if (p.status != 2 || !strstr(p.err, says))
		fail_msg("%s: %d %s", line, p.status, p.err);
	program_done(&p);
}

static void bad_settings_are_usage_errors_that_say_why(void **state)
{
	(void)state;
	assert_usage("passthru vf 41:10.2", "nothing to set");
	assert_usage("passthru vf 41:10.2 --mac 52:54:00:12:34", "six bytes");
	assert_usage("passthru vf 41:10.2 --mac 53:54:00:12:34:56", "no card can have");
	assert_usage("passthru vf 41:10.2 --vlan 10,20", "not a list");
	assert_usage("passthru vf 41:10.2 --vlan -1", "--vlan -1: expected a number from 1 to 4094");
	assert_usage("passthru vf 41:10.2 --vlan 4095", "4094");
	assert_usage("passthru vf 41:10.2 --vlan 0", "1");
	assert_usage("passthru vf 41:10.2 --qos 3", "without --vlan");
	assert_usage("passthru vf 41:10.2 --trust yes", "on or off");
	assert_usage("passthru vf 41:10.2 --rate 10 --min-rate 20", "more than");
	assert_usage("passthru vf 41:10.2 --link-state up", "auto, on or off");
	assert_usage("passthru sriov --vfs 3", "one physical function");
	assert_usage("passthru sriov --autoprobe", "without --vfs");
}

/* the names as they stand in the source */
static void every_refusal_that_may_be_forced_has_its_flag(void **state)
{
	pt_autofree char *command = pt_strf("tr -d '\\n\\t' <%s/src/decide/sriov.c | "
					    "grep -oE 'PT_FORCE_BY_NAME[^\"]*\"[a-z-]+\"' | "
					    "grep -oE '\"[a-z-]+\"' | tr -d '\"' | sort -u",
					    getenv("PT_SOURCE"));
	struct program help;
	FILE *p = popen(command, "r");
	char name[64];
	unsigned n = 0;

	(void)state;
	assert_non_null(p);
	program_run(&help, "passthru help sriov", NULL);
	while (fscanf(p, "%63s", name) == 1) {
		pt_autofree char *flag = pt_strf("--force-%s ", name);

		n++;
		if (!strstr(help.out, flag))
			fail_msg("sriov has no %s", flag);
	}
	assert_int_equal(pclose(p), 0);
	program_done(&help);
	assert_in_range(n, 4, 40);
}

static void what_is_kept_and_is_not_so_is_said(void **state)
{
	struct fixture *f = *state;
	struct pt_device *pf = world_device(f->w, PF);
	struct pt_findings said = { 0 };

	f->sriov.link.mtu = 1500;
	pt_sriov_unlike_kept(pf, &f->sriov, NULL, &said);
	pt_sriov_unlike_kept(pf, &f->sriov, &f->kept, &said);
	assert_int_equal(said.n, 0);
	pt_sriov_state_add(&f->kept, 0)->mtu = 9000;
	f->kept.vfs = 7;
	pt_sriov_unlike_kept(pf, &f->sriov, &f->kept, &said);
	assert_int_equal(said.n, 2);
	assert_string_equal(said.v[0].fact, PF " has 2 virtual functions, and 7 are kept across reboots");
	assert_non_null(
		strstr(said.v[1].fact, "has an MTU of 1500, and a network of its virtual functions needs 9000"));
	pt_findings_done(&said);
	f->sriov.link.mtu = 9000;
	f->kept.vfs = 2;
	pt_sriov_unlike_kept(pf, &f->sriov, &f->kept, &said);
	assert_int_equal(said.n, 0);
}

static void a_kept_file_is_not_believed_when_it_is_damaged(void **state)
{
	static const char *const bad[] = { "vfs=65536",
					   "vfs=-1",
					   "vf=1\nvf=1",
					   "autoprobe=yes",
					   "address=41:0",
					   "vf=0 driver=../../x",
					   "vf=x",
					   "id=8086:10c9",
					   "nonsense",
					   "vf=0 vlan=5000",
					   "vf=0 vlan=5 qos=0 must=colour",
					   "vf=0 must=",
					   "vf=0 mtu=67",
					   "vf=0 mtu=65536",
					   "vf=0 mtu=9k",
					   "vf=0 mtu=" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		PT_AUTO(pt_sriov_state) s = PT_SRIOV_STATE_UNSAID;

		if (pt_sriov_state_parse(bad[i], &s, NULL) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(five_are_made_and_kept_with_what_was_set),
		TEST(a_number_that_is_not_offered_is_told_the_range),
		TEST(what_has_no_vfs_is_told_so),
		TEST(why_none_can_be_made_is_the_refusal),
		TEST(a_vf_in_a_vm_stands_in_the_way),
		TEST(a_vf_that_the_host_uses_stands_in_the_way),
		TEST(a_vf_that_is_reserved_does_not_go_one_that_is_remembered_does),
		TEST(the_same_number_disturbs_nobody),
		TEST(somebody_elses_vfs_are_left_alone_unless_told),
		TEST(a_pf_in_a_vm_has_no_vfs),
		TEST(none_keeps_nothing_and_lets_drivers_take_new_ones_again),
		TEST(a_vfio_driver_comes_back_with_its_vf),
		TEST(a_vf_gets_what_was_asked_for_and_no_more),
		TEST(a_mac_that_a_sibling_has_is_refused),
		TEST(what_the_driver_does_not_tell_is_not_set),
		TEST(settings_of_foreign_vfs_are_said_not_to_last),
		TEST(what_a_network_demands_is_kept_and_carried_over),
		TEST(a_rate_on_a_link_that_is_down_is_said_to_set_it_up),
		cmocka_unit_test(bad_settings_are_usage_errors_that_say_why),
		cmocka_unit_test(every_refusal_that_may_be_forced_has_its_flag),
		TEST(what_is_kept_and_is_not_so_is_said),
		cmocka_unit_test(a_kept_file_is_not_believed_when_it_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
