/* SPDX-License-Identifier: Apache-2.0 */
/* A plan goes to JSON and comes back the same; anything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shape/plan.h"

static const struct pt_bdf hba = { 0, 1, 0, 0 };
static const char uuid[] = "c7a5fdbd-edaf-9455-926a-d65c16db1809";

static void fill(struct pt_plan *plan)
{
	struct pt_hostdev_add add = { { 0, 1, 0, 0 }, false };
	struct pt_controller_ref ref = { pt_strdup("scsi"), 0 };
	struct pt_step *s;

	plan->verb = pt_strdup("attach");
	plan->summary = pt_strdup("attach 0000:01:00.0 to cvm \"the first\" \xc3\xbc");
	pt_findings_add(&plan->findings, PT_WARN, "memory", "proc/meminfo", NULL, "little memory")->forceable = true;
	s = pt_plan_step(plan, PT_STEP_VM_STOP);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
	s->timeout_ms = 5000;
	s = pt_plan_step(plan, PT_STEP_DRIVER);
	s->bdf = hba;
	s->vendor = 0x1000;
	s->device = 0x79;
	s->driver_before = pt_strdup("megaraid_sas");
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
	s = pt_plan_step(plan, PT_STEP_VM_DEFINE);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
	s->xml_before = pt_strdup("<domain passwd='secret'/>");
	s->xml_after = pt_strdup("<domain/>");
	pt_strv_add(&s->edit.remove_disks, "sda");
	pt_array_push(&s->edit.remove_controllers, ref);
	pt_array_push(&s->edit.remove_hostdevs, hba);
	pt_array_push(&s->edit.add_hostdevs, add);
	s->edit.add_hostdevs.v[0].guest_bus = 5;
	s->edit.add_ports = 2;
	(void)strcpy(s->edit.add_hostdevs.v[0].team_of, "ua-x");
	s->edit.standby = (struct pt_standby){ .wanted = true,
					       .mac = { 6, 0, 0, 0, 0, 1 },
					       .alias = "ua-x",
					       .type = pt_strdup("bridge"),
					       .source = pt_strdup("br0") };
	s = pt_plan_step(plan, PT_STEP_VM_PLUG);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
	s->bdf = hba;
	s->vendor = 0x1000;
	s->device = 0x79;
	s->element = pt_strdup("<hostdev mode='subsystem'/>");
	s = pt_plan_step(plan, PT_STEP_VM_AUTOSTART);
	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(uuid);
}

static int make(void **state)
{
	struct pt_plan *plan = pt_alloc(sizeof(*plan));

	fill(plan);
	*state = plan;
	return 0;
}

static int unmake(void **state)
{
	struct pt_plan *plan = *state;

	pt_plan_done(plan);
	free(plan);
	return 0;
}

static char *text_of(const struct pt_plan *plan, bool secrets)
{
	json_t *o = pt_plan_to_json(plan, secrets, NULL);
	char *text;

	assert_non_null(o);
	text = json_dumps(o, JSON_SORT_KEYS);
	json_decref(o);
	assert_non_null(text);
	return text;
}

static void a_plan_comes_back_as_it_went(void **state)
{
	struct pt_plan back = { 0 };
	struct pt_error err = { 0 };
	json_t *o = pt_plan_to_json(*state, true, NULL);
	char *before = text_of(*state, true);
	char *after;

	assert_int_equal(pt_plan_from_json(o, &back, &err), 0);
	json_decref(o);
	after = text_of(&back, true);
	assert_string_equal(before, after);
	assert_int_equal(back.steps.n, 5);
	assert_int_equal(back.steps.v[2].edit.add_ports, 2);
	assert_string_equal(back.steps.v[2].edit.add_hostdevs.v[0].team_of, "ua-x");
	assert_string_equal(back.steps.v[2].edit.standby.source, "br0");
	assert_int_equal(back.steps.v[2].edit.standby.mac[5], 1);
	assert_string_equal(back.steps.v[3].element, "<hostdev mode='subsystem'/>");
	assert_string_equal(back.steps.v[2].xml_before, "<domain passwd='secret'/>");
	assert_string_equal(back.steps.v[2].edit.remove_controllers.v[0].type, "scsi");
	assert_int_equal(back.steps.v[1].device, 0x79);
	assert_null(back.steps.v[1].override_before);
	assert_true(back.findings.v[0].forceable);
	pt_plan_done(&back);
	free(before);
	free(after);
}

static void what_is_shown_holds_no_definitions(void **state)
{
	char *shown = text_of(*state, false);

	assert_null(strstr(shown, "secret"));
	assert_null(strstr(shown, "xml_"));
	assert_non_null(strstr(shown, "megaraid_sas"));
	free(shown);
}

static void refused(const char *text, const char *why)
{
	struct pt_step step;
	struct pt_error err = { 0 };

	assert_int_equal(pt_step_from_text(text, &step, &err), -EBADMSG);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' says nothing of '%s'", text, err.msg, why);
}

static void a_step_that_is_half_understood_is_refused(void **state)
{
	(void)state;
	refused("", "no JSON");
	refused("[]", "kind");
	refused("{}", "kind");
	refused("{\"kind\":\"format-disk\"}", "kind");
	refused("{\"kind\":7}", "kind");
	refused("{\"kind\":\"vm-stop\"}", "UUID");
	refused("{\"kind\":\"vm-stop\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"gently\":true}", "gently");
	refused("{\"kind\":\"vm-stop\",\"vm\":\"a\",\"vm\":\"b\"}", "no JSON");
	refused("{\"kind\":\"vm-stop\",\"vm\":1}", "no text");
	refused("{\"kind\":\"vm-stop\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"timeout_ms\":-1}", "timeout_ms");
	refused("{\"kind\":\"vm-autostart\",\"vm\":\"a\",\"vm_uuid\":\"b\"}", "flag");
	refused("{\"kind\":\"driver\",\"device\":\"0000:01:00.0\"}", "ids");
	refused("{\"kind\":\"driver\",\"device\":\"../../x\",\"vendor_id\":\"1000\"}", "PCI address");
	refused("{\"kind\":\"driver\",\"device\":\"0000:01:00.0\",\"vendor_id\":\"10x0\"}", "hexadecimal");
	refused("{\"kind\":\"vm-define\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"edit\":{}}", "four members");
	refused("{\"kind\":\"vm-migrate\",\"vm\":\"a\",\"vm_uuid\":\"b\"}", "state_after");
	refused("{\"kind\":\"vm-plug\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"element\":\"<hostdev/>\"}", "ids");
	refused("{\"kind\":\"vm-unplug\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"device\":\"0000:01:00.0\","
		"\"vendor_id\":\"1000\"}",
		"element");
	refused("{\"kind\":\"vm-plug\",\"device\":\"0000:01:00.0\",\"vendor_id\":\"1000\","
		"\"element\":\"<hostdev/>\"}",
		"UUID");
	refused("{\"kind\":\"vm-define\",\"edit\":{\"remove_disks\":[1],\"remove_controllers\":[],"
		"\"remove_hostdevs\":[],\"add_hostdevs\":[]}}",
		"remove_disks");
	refused("{\"kind\":\"vm-define\",\"edit\":{\"remove_disks\":[],\"remove_controllers\":[{\"type\":\"scsi\"}],"
		"\"remove_hostdevs\":[],\"add_hostdevs\":[]}}",
		"type");
}

#define ADDED(members)                                                                                                 \
	"{\"kind\":\"vm-define\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"edit\":{\"remove_disks\":[],"                        \
	"\"remove_controllers\":[],\"remove_hostdevs\":[],\"add_hostdevs\":[{" members "}]}}"
#define WITH(member)                                                                                                   \
	"{\"kind\":\"vm-define\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"edit\":{\"remove_disks\":[],"                        \
	"\"remove_controllers\":[],\"remove_hostdevs\":[],\"add_hostdevs\":[]," member "}}"
#define A_DEVICE "\"device\":\"0000:41:10.0\",\"managed\":true"

static void an_interface_comes_back_with_its_mac_and_vlan(void **state)
{
	static const char text[] = ADDED(A_DEVICE ",\"mac\":\"06:00:00:00:00:01\",\"vlan\":42");
	struct pt_step step;
	struct pt_error err = { 0 };

	(void)state;
	if (pt_step_from_text(text, &step, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(step.edit.add_hostdevs.v[0].is_interface);
	assert_int_equal(step.edit.add_hostdevs.v[0].mac[5], 1);
	assert_int_equal(step.edit.add_hostdevs.v[0].vlan, 42);
	pt_step_done(&step);
	refused(ADDED(A_DEVICE ",\"mac\":\"06:00:00:00:00:01\""), "mac and vlan");
	refused(ADDED(A_DEVICE ",\"vlan\":42,\"mtu\":1"), "card's address");
	refused(ADDED(A_DEVICE ",\"vlan\":42,\"mac\":\"01:00:00:00:00:01\""), "card's address");
	refused(ADDED(A_DEVICE ",\"vlan\":4095,\"mac\":\"06:00:00:00:00:01\""), "4094");
	refused(ADDED(A_DEVICE ",\"guest_bus\":256"), "bus");
	refused(ADDED(A_DEVICE ",\"team_of\":\"\""), "alias");
	refused(WITH("\"standby\":{\"mac\":\"06:00:00:00:00:01\"}"), "alias");
	refused(WITH("\"standby\":{\"alias\":\"a\",\"mac\":\"x\"}"), "card's address");
	refused(WITH("\"standby\":{\"alias\":\"a\",\"mac\":\"06:00:00:00:00:01\",\"type\":\"bridge\"}"), "standby");
	refused(WITH("\"add_ports\":256"), "add_ports");
	refused(ADDED(A_DEVICE ",\"guest_bus\":\"5\""), "guest_bus");
	refused(ADDED("\"device\":\"0000:41:10.0\",\"x\":1,\"vlan\":4,\"mac\":\"06:00:00:00:00:01\""), "managed");
}

static void a_link_says_both_how_it_was_and_how_it_shall_be(void **state)
{
	static const char text[] = "{\"kind\":\"link\",\"device\":\"0000:41:00.0\",\"vendor_id\":\"8086\","
				   "\"state_before\":\"up=off\",\"state_after\":\"up=on\"}";
	struct pt_step step;

	(void)state;
	assert_int_equal(pt_step_from_text(text, &step, NULL), 0);
	assert_string_equal(step.state_after, "up=on");
	pt_step_done(&step);
	refused("{\"kind\":\"link\",\"device\":\"0000:41:00.0\",\"vendor_id\":\"8086\",\"state_after\":\"up=on\"}",
		"state_before");
}

static void a_newer_format_is_refused_by_name(void **state)
{
	struct pt_plan plan;
	struct pt_error err = { 0 };
	json_t *o = pt_plan_to_json(*state, true, NULL);

	json_object_set_new(o, "format", json_integer(2));
	assert_int_equal(pt_plan_from_json(o, &plan, &err), -EPROTONOSUPPORT);
	assert_non_null(strstr(err.msg, "format 2"));
	json_object_set_new(o, "format", json_integer(1));
	json_object_set_new(o, "surprise", json_true());
	assert_int_equal(pt_plan_from_json(o, &plan, &err), -EBADMSG);
	json_decref(o);
}

static void a_name_that_is_no_text_cannot_be_stored(void **state)
{
	struct pt_step step = { .kind = PT_STEP_VM_STOP, .vm = (char *)(uintptr_t) "\xff\xfe" };
	struct pt_error err = { 0 };

	(void)state;
	assert_null(pt_step_to_text(&step, &err));
	assert_int_equal(err.code, -EILSEQ);
	assert_non_null(strstr(err.msg, "'vm'"));
}

static void a_copy_is_equal_and_its_own(void **state)
{
	struct pt_plan *plan = *state;

	for (size_t i = 0; i < plan->steps.n; i++) {
		struct pt_step copy;
		char *a = pt_step_to_text(&plan->steps.v[i], NULL);
		char *b;

		pt_step_copy(&plan->steps.v[i], &copy);
		b = pt_step_to_text(&copy, NULL);
		assert_string_equal(a, b);
		pt_step_done(&copy);
		free(a);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plan_comes_back_as_it_went, make, unmake),
		cmocka_unit_test_setup_teardown(what_is_shown_holds_no_definitions, make, unmake),
		cmocka_unit_test(a_step_that_is_half_understood_is_refused),
		cmocka_unit_test_setup_teardown(an_interface_comes_back_with_its_mac_and_vlan, make, unmake),
		cmocka_unit_test_setup_teardown(a_link_says_both_how_it_was_and_how_it_shall_be, make, unmake),
		cmocka_unit_test_setup_teardown(a_newer_format_is_refused_by_name, make, unmake),
		cmocka_unit_test(a_name_that_is_no_text_cannot_be_stored),
		cmocka_unit_test_setup_teardown(a_copy_is_equal_and_its_own, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
