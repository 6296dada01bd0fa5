/* SPDX-License-Identifier: Apache-2.0 */
/* Which function of another host takes the place of one of this; what a host's libvirt says of them; a step's text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/twin.h"
#include "domxml/domxml.h"
#include "domxml/nodedev.h"
#include "model/migrate.h"

/* a card with its PF at 41:00.0 and VFs at 41:10.0, 41:10.2, 41:10.4; another card's VF at 81:10.0 */
struct twin {
	struct pt_device mine;
	struct pt_devices there;
	struct pt_strv physnets;
	struct pt_domains vms;
	struct pt_twin_ask ask;
	struct pt_findings findings;
	struct pt_bdf found;
	struct pt_error err;
};

static struct pt_bdf at(const char *text)
{
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse(text, &bdf), 0);
	return bdf;
}

static struct pt_device *add(struct twin *t, const char *address, const char *pf, const char *physnet)
{
	struct pt_device d = { .bdf = at(address),
			       .vendor = 0x8086,
			       .device = pf ? 0x10ca : 0x10c9,
			       .class_code = 0x020000,
			       .sriov = pf ? PT_SRIOV_VF : PT_SRIOV_PF };

	if (pf)
		d.pf = at(pf);
	pt_array_push(&t->there, d);
	pt_strv_add(&t->physnets, physnet);
	return &t->there.v[t->there.n - 1];
}

static int setup(void **state)
{
	struct twin *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->mine = (struct pt_device){ .bdf = at("0000:65:10.0"),
				      .vendor = 0x8086,
				      .device = 0x10ca,
				      .class_code = 0x020000,
				      .sriov = PT_SRIOV_VF,
				      .pf = at("0000:65:00.0") };
	(void)add(t, "0000:41:00.0", NULL, "blue");
	(void)add(t, "0000:41:10.0", "0000:41:00.0", "blue");
	(void)add(t, "0000:41:10.2", "0000:41:00.0", "blue");
	(void)add(t, "0000:41:10.4", "0000:41:00.0", "blue");
	(void)add(t, "0000:81:00.0", NULL, "green");
	(void)add(t, "0000:81:10.0", "0000:81:00.0", "green");
	t->ask = (struct pt_twin_ask){ .mine = &t->mine,
				       .physnet = "blue",
				       .there = &t->there,
				       .physnets = &t->physnets,
				       .where = "b",
				       .vms = &t->vms };
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct twin *t = *state;

	pt_devices_done(&t->there);
	pt_strv_done(&t->physnets);
	pt_domains_done(&t->vms);
	pt_findings_done(&t->findings);
	free(t);
	return 0;
}

static int pick(struct twin *t)
{
	t->err = (struct pt_error){ 0 };
	return pt_twin_pick(&t->ask, &t->found, &t->findings, &t->err);
}

static void picks(struct twin *t, const char *address)
{
	if (pick(t) < 0)
		fail_msg("%s", t->err.msg);
	assert_string_equal(pt_bdf_str(t->found).s, address);
}

static void refuses(struct twin *t, int r, const char *why)
{
	assert_int_equal(pick(t), r);
	if (!strstr(t->err.msg, why))
		fail_msg("'%s' is not in: %s", why, t->err.msg);
}

static void give(struct twin *t, const char *vm, const char *address)
{
	struct pt_domain d = { .name = pt_strdup(vm) };
	struct pt_domain_hostdev h = { .kind = PT_HOSTDEV_PCI, .has_bdf = true, .bdf = at(address) };

	pt_array_push(&d.hostdevs, h);
	pt_array_push(&t->vms, d);
}

static struct pt_device *there(struct twin *t, const char *address)
{
	return pt_devices_find(&t->there, at(address));
}

static void the_first_free_one_of_the_same_network_is_taken(void **state)
{
	struct twin *t = *state;
	struct pt_bdf taken = at("0000:41:10.2");

	picks(t, "0000:41:10.0");
	/* that of a VM that is off is not free either */
	give(t, "web", "0000:41:10.0");
	picks(t, "0000:41:10.2");
	t->ask.taken = &taken;
	t->ask.n_taken = 1;
	picks(t, "0000:41:10.4");
	give(t, "db", "0000:41:10.4");
	refuses(t, -EPERM, "0000:41:10.0: VM web has it; 0000:41:10.2: another of the VM's goes there");
}

static void one_without_a_driver_goes_before_one_with_an_interface(void **state)
{
	struct twin *t = *state;

	there(t, "0000:41:10.0")->driver = pt_strdup("igbvf");
	pt_strv_add(&there(t, "0000:41:10.0")->netdevs, "eth7");
	picks(t, "0000:41:10.2");
	assert_int_equal(t->findings.n, 0);
	give(t, "web", "0000:41:10.2");
	give(t, "db", "0000:41:10.4");
	picks(t, "0000:41:10.0");
	assert_non_null(strstr(t->findings.v[0].fact, "eth7"));
}

/* whatever that host is reached by: its only connection is not taken from it, with ours */
static void what_is_up_there_is_not_taken_unless_told(void **state)
{
	struct twin *t = *state;
	struct pt_bdf only = at("0000:41:10.0");

	pt_strv_add(&there(t, "0000:41:10.0")->netdevs, "eth7");
	there(t, "0000:41:10.0")->up = true;
	picks(t, "0000:41:10.2");
	give(t, "web", "0000:41:10.2");
	give(t, "db", "0000:41:10.4");
	refuses(t, -EPERM, "0000:41:10.0: its interface eth7 is up there");
	t->ask.only = &only;
	refuses(t, -EPERM, "0000:41:10.0 of b may be what that host lives on: its interface eth7 is up there");
	assert_string_equal(t->err.refusal, "twin-in-use");
	assert_true(t->err.forceable);
	t->ask.in_use = true;
	picks(t, "0000:41:10.0");
	assert_int_equal(t->findings.v[0].verdict, PT_WARN);
	assert_non_null(strstr(t->findings.v[0].fact, "eth7, which is up"));
}

static void a_card_goes_with_all_of_its_functions(void **state)
{
	struct twin *t = *state;
	struct pt_bdf only = at("0000:41:00.0");

	t->mine.sriov = PT_SRIOV_NONE;
	t->mine.device = 0x10c9;
	t->ask.only = &only;
	pt_strv_add(&there(t, "0000:41:10.4")->netdevs, "eth9");
	there(t, "0000:41:10.4")->up = true;
	refuses(t, -EPERM, "the interface eth9 of its virtual function 0000:41:10.4 is up there");
	give(t, "web", "0000:41:10.2");
	refuses(t, -EPERM, "VM web has its virtual function 0000:41:10.2");
	/* that no option passes over */
	assert_string_equal(t->err.refusal, "twin-taken");
	assert_false(t->err.forceable);
}

static void a_card_without_a_link_is_told(void **state)
{
	struct twin *t = *state;

	pt_strv_add(&there(t, "0000:41:00.0")->netdevs, "eth0");
	there(t, "0000:41:00.0")->up = true;
	picks(t, "0000:41:10.0");
	assert_int_equal(t->findings.n, 0);
	there(t, "0000:41:00.0")->up = false;
	picks(t, "0000:41:10.0");
	assert_non_null(strstr(t->findings.v[0].fact, "the interface eth0 of its physical function is down there"));
}

static void what_vfio_holds_for_nobody_is_not_taken(void **state)
{
	struct twin *t = *state;

	there(t, "0000:41:10.0")->driver = pt_strdup("vfio-pci");
	picks(t, "0000:41:10.2");
	there(t, "0000:41:00.0")->driver = pt_strdup("vfio-pci");
	refuses(t, -EPERM, "its physical function 0000:41:00.0 is held by vfio-pci");
}

static void a_vm_with_the_whole_card_has_its_functions_too(void **state)
{
	struct twin *t = *state;

	give(t, "router", "0000:41:00.0");
	refuses(t, -EPERM, "VM router has its physical function 0000:41:00.0 as a whole");
}

static void another_model_or_network_is_none(void **state)
{
	struct twin *t = *state;

	t->ask.physnet = "red";
	refuses(t, -EPERM, "b has no virtual function 8086:10ca on red");
	t->ask.physnet = "green";
	picks(t, "0000:81:10.0");
	t->mine.device = 0x1520;
	refuses(t, -EPERM, "no virtual function 8086:1520 on green");
}

static void what_cannot_be_known_is_not_guessed(void **state)
{
	struct twin *t = *state;

	t->ask.physnet = "";
	refuses(t, -EPERM, "which physical network 0000:65:10.0 is on is not known");
	assert_non_null(strstr(t->err.hint, "--device"));
	t->ask.physnet = "blue";
	t->mine.sriov = PT_SRIOV_NONE;
	refuses(t, -EPERM, "0000:65:10.0 is a whole card");
}

static void one_that_is_named_has_to_fit(void **state)
{
	struct twin *t = *state;
	struct pt_bdf only = at("0000:41:10.4");

	t->ask.only = &only;
	picks(t, "0000:41:10.4");
	t->ask.physnet = "";
	picks(t, "0000:41:10.4");
	t->mine.device = 0x1520;
	picks(t, "0000:41:10.4");
	assert_non_null(strstr(t->findings.v[0].fact, "8086:10ca"));
	t->ask.physnet = "blue";
	only = at("0000:81:10.0");
	refuses(t, -EPERM, "is on green, and 0000:65:10.0 here is on blue");
	only = at("0000:41:00.0");
	refuses(t, -EINVAL, "it is no virtual function");
	only = at("0000:99:00.0");
	refuses(t, -ENOENT, "there is no 0000:99:00.0 at b");
	only = at("0000:41:10.2");
	give(t, "web", "0000:41:10.2");
	refuses(t, -EPERM, "VM web has it");
	/* the automatic choice leaves it alone; who names it may know who keeps it there */
	only = at("0000:41:10.0");
	there(t, "0000:41:10.0")->driver = pt_strdup("vfio-pci");
	t->mine.device = 0x10ca;
	pt_findings_done(&t->findings);
	picks(t, "0000:41:10.0");
	assert_non_null(strstr(t->findings.v[0].fact, "vfio-pci holds 0000:41:10.0 there"));
}

/* a whole card for a whole card, and only where it is named */
static void a_card_that_is_named_takes_a_cards_place(void **state)
{
	struct twin *t = *state;
	struct pt_bdf only = at("0000:41:00.0");

	t->mine.sriov = PT_SRIOV_NONE;
	t->mine.device = 0x10c9;
	t->ask.only = &only;
	picks(t, "0000:41:00.0");
	only = at("0000:41:10.0");
	refuses(t, -EINVAL, "given as a whole");
}

static void what_is_alike_and_free_is_counted(void **state)
{
	struct twin *t = *state;
	struct pt_bdf first = { 0 };

	/* of both cards: whoever is asked this has no interface that stands in, and no network to keep */
	assert_int_equal(pt_twin_alike(&t->ask, &first), 4);
	assert_string_equal(pt_bdf_str(first).s, "0000:41:10.0");
	give(t, "web", "0000:41:10.0");
	there(t, "0000:41:10.2")->driver = pt_strdup("vfio-pci");
	assert_int_equal(pt_twin_alike(&t->ask, &first), 2);
	assert_string_equal(pt_bdf_str(first).s, "0000:41:10.4");
	t->mine.sriov = PT_SRIOV_NONE;
	assert_int_equal(pt_twin_alike(&t->ask, &first), 0);
}

static const char vf_xml[] =
	"<device><name>pci_0000_41_10_2</name><parent>pci_0000_40_01_0</parent><driver><name>igbvf</name></driver>"
	"<capability "
	"type='pci'><class>0x020000</class><domain>0</domain><bus>65</bus><slot>16</slot><function>2</function>"
	"<product id='0x10ca'>82576 Virtual Function</product><vendor id='0x8086'>Intel</vendor>"
	"<capability type='phys_function'><address domain='0x0000' bus='0x41' slot='0x00' function='0x0'/></capability>"
	"<iommuGroup number='31'/><numa node='1'/></capability></device>";

static void a_node_device_is_read(void **state)
{
	PT_AUTO(pt_nodedev) d = { 0 };
	PT_AUTO(pt_nodedev) net = { 0 };

	(void)state;
	assert_int_equal(pt_domxml_read_nodedev(vf_xml, &d, NULL), 0);
	assert_true(d.is_pci && d.is_vf && !d.is_pf);
	assert_string_equal(pt_bdf_str(d.bdf).s, "0000:41:10.2");
	assert_string_equal(pt_bdf_str(d.pf).s, "0000:41:00.0");
	assert_int_equal(d.vendor, 0x8086);
	assert_int_equal(d.device, 0x10ca);
	assert_int_equal(d.class_code, 0x020000);
	assert_int_equal(d.numa_node, 1);
	assert_string_equal(d.driver, "igbvf");
	assert_int_equal(pt_domxml_read_nodedev(
				 "<device><name>net_eth7</name><parent>pci_0000_41_10_2</parent>"
				 "<capability type='net'><interface>eth7</interface><link state='up' speed='1000'/>"
				 "</capability></device>",
				 &net, NULL),
			 0);
	assert_false(net.is_pci);
	assert_string_equal(net.interface, "eth7");
	assert_string_equal(net.link, "up");
	assert_string_equal(net.parent, d.name);
}

/* device_spec's rules ask how many it may have: none would be no PF */
static void a_physical_function_has_virtual_ones_to_give(void **state)
{
	static const char pf[] =
		"<device><capability type='pci'><domain>0</domain><bus>65</bus><slot>0</slot><function>0</function>"
		"<product id='0x10c9'/><vendor id='0x8086'/><capability type='virt_functions'%s>"
		"<address domain='0x0000' bus='0x41' slot='0x10' function='0x0'/>"
		"<address domain='0x0000' bus='0x41' slot='0x10' function='0x2'/></capability></capability></device>";

	(void)state;
	for (int i = 0; i < 2; i++) {
		pt_autofree char *xml = pt_strf(pf, i ? " maxCount='7'" : "");
		PT_AUTO(pt_nodedev) d = { 0 };

		assert_int_equal(pt_domxml_read_nodedev(xml, &d, NULL), 0);
		assert_true(d.is_pf && !d.is_vf);
		assert_int_equal(d.vfs_total, i ? 7 : 2);
	}
}

static void a_node_device_that_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"<domain/>",
		"<device><capability type='pci'/></device>",
		"<device><capability type='pci'><domain>0</domain><bus>256</bus><slot>0</slot><function>0</function>"
		"<product id='0x1'/><vendor id='0x1'/></capability></device>",
		"<device><capability type='pci'><domain>0</domain><bus>1</bus><slot>0</slot><function>0</function>"
		"<product id='0x10000'/><vendor id='0x1'/></capability></device>",
		"<device><capability type='pci'><domain>0</domain><bus>1</bus><slot>0</slot><function>0</function>"
		"<product id='0x1'/><vendor id='0x1'/><capability type='phys_function'/></capability></device>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pt_nodedev d = { 0 };

		assert_int_equal(pt_domxml_read_nodedev(bad[i], &d, NULL), -EBADMSG);
		assert_null(d.name);
	}
}

static void where_to_is_read_as_it_was_written(void **state)
{
	struct pt_migrate_to to = { .uri = pt_strdup("qemu+ssh://root@b/system?no_tty=1"),
				    .bandwidth_mib = 30,
				    .autostart = true,
				    .data_uri = pt_strdup("tcp://[fd00::2]:49152"),
				    .tls = true,
				    .converge = true };
	PT_AUTO(pt_migrate_to) read = { 0 };
	pt_autofree char *text = NULL;
	pt_autofree char *again = NULL;

	(void)state;
	pt_array_push(&to.devices, at("0000:41:10.2"));
	pt_array_push(&to.devices, at("0000:41:10.4"));
	text = pt_migrate_to_text(&to);
	assert_int_equal(pt_migrate_to_parse(text, &read, NULL), 0);
	again = pt_migrate_to_text(&read);
	assert_string_equal(text, again);
	assert_int_equal(read.devices.n, 2);
	assert_string_equal(read.data_uri, "tcp://[fd00::2]:49152");
	assert_true(read.tls && read.converge);
	pt_migrate_to_done(&to);
}

static void where_to_that_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "uri=",
					   "bandwidth=3",
					   "uri=a://b\nbandwidth=0",
					   "uri=a://b\nbandwidth=-1",
					   "uri=a://b\nbandwidth=99999999999",
					   "uri=a://b\nuri=c://d",
					   "uri=a://b\nfoo=1",
					   "uri=a://b\ndevice=x",
					   "uri=a://b\nautostart=off",
					   "uri=a://b\ntls=no",
					   "uri=a://b\ndata-uri=10.0.0.1",
					   "uri=a://b\ndata-uri=tcp://",
					   "uri=a://b\ndata-uri=tcp://:1",
					   "uri=a://b\ndata-uri=unix:///x",
					   "uri=a://b\ndata-uri=tcp://a b" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pt_migrate_to to = { 0 };

		if (pt_migrate_to_parse(bad[i], &to, NULL) != -EBADMSG)
			fail_msg("'%s' was read", bad[i]);
		assert_null(to.uri);
	}
}

#define TWIN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWIN(the_first_free_one_of_the_same_network_is_taken),
		TWIN(one_without_a_driver_goes_before_one_with_an_interface),
		TWIN(what_is_up_there_is_not_taken_unless_told),
		TWIN(a_card_goes_with_all_of_its_functions),
		TWIN(a_card_without_a_link_is_told),
		TWIN(what_vfio_holds_for_nobody_is_not_taken),
		TWIN(a_vm_with_the_whole_card_has_its_functions_too),
		TWIN(another_model_or_network_is_none),
		TWIN(what_cannot_be_known_is_not_guessed),
		TWIN(one_that_is_named_has_to_fit),
		TWIN(a_card_that_is_named_takes_a_cards_place),
		TWIN(what_is_alike_and_free_is_counted),
		cmocka_unit_test(a_node_device_is_read),
		cmocka_unit_test(a_physical_function_has_virtual_ones_to_give),
		cmocka_unit_test(a_node_device_that_makes_no_sense_is_refused),
		cmocka_unit_test(where_to_is_read_as_it_was_written),
		cmocka_unit_test(where_to_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
