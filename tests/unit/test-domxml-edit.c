/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "domains.h"
#include "domxml/domxml.h"
#include "domxml/tree.h"

struct fixture {
	struct pt_domain_edit edit;
	struct pt_error err;
	char *before;
	char *after;
};

static const struct pt_bdf hba = { .bus = 1 };

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_domain_edit_done(&f->edit);
	free(f->before);
	free(f->after);
	free(f);
	return 0;
}

static void lose_controller(struct fixture *f, const char *type, unsigned index)
{
	struct pt_controller_ref *c = pt_array_add(&f->edit.remove_controllers);

	c->type = pt_strdup(type);
	c->index = index;
}

static void gain(struct fixture *f, struct pt_bdf bdf, bool managed)
{
	struct pt_hostdev_add add = { bdf, managed };

	pt_array_push(&f->edit.add_hostdevs, add);
}

static void edit(struct fixture *f, const char *name)
{
	f->before = domains_text(name);
	if (pt_domxml_edit(f->before, &f->edit, &f->after, &f->err) < 0)
		fail_msg("%s: %s", name, f->err.msg);
}

static int edit_fails(struct fixture *f, const char *name)
{
	int r;

	f->before = domains_text(name);
	r = pt_domxml_edit(f->before, &f->edit, &f->after, &f->err);
	assert_null(f->after);
	assert_string_not_equal(f->err.msg, "");
	free(f->before);
	f->before = NULL;
	return r;
}

/* what @f->before is with each @out taken out once and @in put in at @where (after that text) */
static void expect(struct fixture *f, const char *const *out, const char *where, const char *in)
{
	struct pt_buf want = { 0 };
	char *text = pt_strdup(f->before);

	for (; out && *out; out++) {
		char *p = strstr(text, *out);

		if (!p)
			fail_msg("not in the original: %s", *out);
		memmove(p, p + strlen(*out), strlen(p + strlen(*out)) + 1);
	}
	if (where) {
		const char *p = strstr(text, where);

		if (!p)
			fail_msg("not in the original: %s", where);
		p += strlen(where);
		pt_buf_addn(&want, text, (size_t)(p - text));
		pt_buf_add(&want, in);
		pt_buf_add(&want, p);
	} else {
		pt_buf_add(&want, text);
	}
	assert_string_equal(f->after, want.s);
	pt_buf_done(&want);
	free(text);
}

#define SEED_DISK(n, dev, unit)                                                                                        \
	"    <disk type='block' device='disk'>\n"                                                                      \
	"      <driver name='qemu' type='raw' cache='none' io='native'/>\n"                                            \
	"      <source dev='/dev/disk/by-id/ata-SAMSUNG_MZ7LH1T9HMLT-00005_S455NY0K10000" n "'/>\n"                    \
	"      <backingStore/>\n"                                                                                      \
	"      <target dev='" dev "' bus='scsi'/>\n"                                                                   \
	"      <serial>S455NY0K10000" n "</serial>\n"                                                                  \
	"      <wwn>5002538e0000000" n "</wwn>\n"                                                                      \
	"      <vendor>ATA</vendor>\n"                                                                                 \
	"      <product>SAMSUNG MZ7LH1T9</product>\n"                                                                  \
	"      <address type='drive' controller='0' bus='0' target='0' unit='" unit "'/>\n"                            \
	"    </disk>\n"

static void the_seeds_edit_changes_exactly_what_its_author_changed_by_hand(void **state)
{
	struct fixture *f = *state;
	static const char *const out[] = { SEED_DISK("1", "sda", "0") SEED_DISK("2", "sdb", "1")
						   SEED_DISK("3", "sdc", "2"),
					   "    <controller type='scsi' index='0' model='virtio-scsi'>\n"
					   "      <address type='pci' domain='0x0000' bus='0x00' slot='0x06' "
					   "function='0x0'/>\n"
					   "    </controller>\n",
					   NULL };

	pt_strv_add(&f->edit.remove_disks, "sda");
	pt_strv_add(&f->edit.remove_disks, "sdb");
	pt_strv_add(&f->edit.remove_disks, "sdc");
	lose_controller(f, "scsi", 0);
	gain(f, hba, false);
	edit(f, "nutanix-cvm");
	expect(f, out, "    </video>\n",
	       "    <hostdev mode='subsystem' type='pci' managed='no'>\n"
	       "      <source>\n"
	       "        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	       "      </source>\n"
	       "    </hostdev>\n");
}

static void an_empty_edit_changes_no_byte_of_any_definition(void **state)
{
	struct pt_strv names = { 0 };

	domains_names(&names);
	for (size_t i = 0; i < names.n; i++) {
		struct fixture *f = *state;

		edit(f, names.v[i]);
		assert_string_equal(f->after, f->before);
		free(f->before);
		free(f->after);
		f->before = f->after = NULL;
	}
	pt_strv_done(&names);
}

/* the tree of @text without its disks, scsi controllers and the hostdev 0000:01:00.0, every other node compared */
static void skip_edited(struct pt_xml *x)
{
	const xmlNode *devices = pt_xml_child(xmlDocGetRootElement(x->doc), "devices");

	for (xmlNode *d = pt_xml_child(devices, NULL); d; d = pt_xml_next(d, NULL)) {
		const xmlNode *address = pt_xml_path(d, "source", "address");

		if (pt_xml_is(d, "disk") || (pt_xml_is(d, "controller") && pt_xml_attr_is(d, "type", "scsi")) ||
		    (pt_xml_is(d, "hostdev") && address && pt_xml_attr_is(address, "domain", "0xbeef")))
			pt_xml_span(x, d)->skip = true;
	}
}

/* every disk and every scsi controller goes, a hostdev comes: in each definition kept here */
static void edit_all(struct fixture *f, const char *name)
{
	struct pt_domain d = { 0 };

	f->before = domains_text(name);
	assert_int_equal(pt_domxml_read(f->before, &d, NULL), 0);
	for (size_t i = 0; i < d.disks.n; i++)
		pt_strv_add(&f->edit.remove_disks, d.disks.v[i].target);
	for (size_t i = 0; i < d.controllers.n; i++)
		if (pt_streq(d.controllers.v[i].type, "scsi") && !d.controllers.v[i].implicit)
			lose_controller(f, "scsi", d.controllers.v[i].index);
	gain(f, (struct pt_bdf){ .domain = 0xbeef, .bus = 1 }, true);
	if (pt_domxml_edit(f->before, &f->edit, &f->after, &f->err) < 0)
		fail_msg("%s: %s", name, f->err.msg);
	pt_domain_done(&d);
}

static void all_that_was_not_asked_for_stays_node_by_node(void **state)
{
	struct fixture *f = *state;
	struct pt_strv names = { 0 };

	domains_names(&names);
	for (size_t i = 0; i < names.n; i++) {
		struct pt_xml a = { 0 };
		struct pt_xml b = { 0 };
		struct pt_domain d = { 0 };
		bool had_devices;

		edit_all(f, names.v[i]);
		assert_int_equal(pt_xml_open(f->before, &a, NULL), 0);
		assert_int_equal(pt_xml_open(f->after, &b, NULL), 0);
		skip_edited(&a);
		skip_edited(&b);
		had_devices = pt_xml_child(xmlDocGetRootElement(a.doc), "devices") != NULL;
		if (!had_devices)
			pt_xml_span(&b, pt_xml_child(xmlDocGetRootElement(b.doc), "devices"))->skip = true;
		if (!pt_xml_same(&a, &b, PT_XML_NODES))
			fail_msg("%s: more changed than was asked for:\n%s", names.v[i], f->after);
		pt_xml_done(&a);
		pt_xml_done(&b);
		assert_int_equal(pt_domxml_read(f->after, &d, NULL), 0);
		assert_int_equal(d.disks.n, 0);
		assert_non_null(pt_domain_hostdev_by_bdf(&d, (struct pt_bdf){ .domain = 0xbeef, .bus = 1 }));
		pt_domain_done(&d);
		assert_null(strstr(f->after, "\n\n    <"));
		teardown(state);
		setup(state);
		f = *state;
	}
	pt_strv_done(&names);
}

static void a_hostdev_joins_those_that_are_there(void **state)
{
	struct fixture *f = *state;

	gain(f, hba, true);
	edit(f, "openstack");
	expect(f, NULL,
	       "<address domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>\n      </source>\n    </hostdev>",
	       "\n    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
	       "      <source>\n"
	       "        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	       "      </source>\n"
	       "    </hostdev>");
}

static void several_hostdevs_go_in_in_order(void **state)
{
	struct fixture *f = *state;
	struct pt_domain d = { 0 };

	gain(f, hba, false);
	gain(f, (struct pt_bdf){ .domain = 0x10000, .bus = 0xc1, .slot = 0x1f, .func = 7 }, true);
	edit(f, "aarch64-virt");
	assert_int_equal(pt_domxml_read(f->after, &d, NULL), 0);
	assert_int_equal(d.hostdevs.n, 2);
	assert_string_equal(pt_bdf_str(d.hostdevs.v[0].bdf).s, "0000:01:00.0");
	assert_false(d.hostdevs.v[0].managed);
	assert_string_equal(pt_bdf_str(d.hostdevs.v[1].bdf).s, "10000:c1:1f.7");
	assert_true(d.hostdevs.v[1].managed);
	pt_domain_done(&d);
}

static void an_interface_comes_with_its_mac_and_vlan_and_is_read_as_such(void **state)
{
	struct fixture *f = *state;
	struct pt_hostdev_add add = { .bdf = { .bus = 0x41, .slot = 0x10, .func = 2 },
				      .managed = true,
				      .is_interface = true,
				      .mac = { 6, 0xab, 0, 0, 0, 1 },
				      .vlan = 42 };
	struct pt_domain d;

	pt_array_push(&f->edit.add_hostdevs, add);
	assert_int_equal(
		pt_domxml_edit("<domain type='kvm'><name>a</name><devices/></domain>", &f->edit, &f->after, &f->err),
		0);
	assert_string_equal(f->after,
			    "<domain type='kvm'><name>a</name><devices><interface type='hostdev' managed='yes'>"
			    "<mac address='06:ab:00:00:00:01'/><source><address type='pci' domain='0x0000' bus='0x41' "
			    "slot='0x10' function='0x2'/></source><vlan><tag id='42'/></vlan></interface></devices>"
			    "</domain>");
	assert_int_equal(pt_domxml_read(f->after, &d, &f->err), 0);
	assert_int_equal(d.hostdevs.n, 1);
	assert_true(d.hostdevs.v[0].is_interface);
	assert_true(d.hostdevs.v[0].managed);
	assert_string_equal(d.hostdevs.v[0].mac, "06:ab:00:00:00:01");
	assert_int_equal(d.macs.n, 1);
	pt_domain_done(&d);
	free(f->after);
	f->edit.add_hostdevs.v[0].vlan = 0;
	assert_int_equal(
		pt_domxml_edit("<domain type='kvm'><name>a</name><devices/></domain>", &f->edit, &f->after, &f->err),
		0);
	assert_null(strstr(f->after, "vlan"));
}

static void a_device_gets_the_place_that_is_named(void **state)
{
	struct fixture *f = *state;
	static const char xml[] = "<domain type='kvm'><name>a</name><devices/></domain>";
	pt_autofree char *element = NULL;
	char *missing = NULL;

	gain(f, hba, true);
	f->edit.add_hostdevs.v[0].guest_bus = 0x1c;
	if (pt_domxml_edit(xml, &f->edit, &f->after, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(pt_domxml_hostdev(f->after, hba, &element, NULL), 0);
	assert_string_equal(element,
			    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "
			    "bus='0x01' slot='0x00' function='0x0'/></source><address type='pci' domain='0x0000' "
			    "bus='0x1c' slot='0x00' function='0x0'/></hostdev>");
	assert_int_equal(pt_domxml_hostdev(xml, hba, &missing, &f->err), -ENOENT);
	assert_int_equal(pt_domxml_hostdev("<domain", hba, &missing, &f->err), -EBADMSG);
	free(f->after);
	f->edit.add_hostdevs.v[0].is_interface = true;
	assert_int_equal(pt_domxml_edit(xml, &f->edit, &f->after, &f->err), 0);
	assert_non_null(strstr(f->after, "</source><address type='pci' domain='0x0000' bus='0x1c' slot='0x00' "
					 "function='0x0'/></interface>"));
}

static void spare_ports_follow_the_last_pci_controller(void **state)
{
	struct fixture *f = *state;
	struct pt_domain d;

	f->edit.add_ports = 2;
	assert_int_equal(pt_domxml_edit("<domain type='kvm'><name>a</name><devices>\n"
					"  <controller type='pci' index='0' model='pcie-root'/>\n"
					"  <controller type='pci' index='7' model='pcie-root-port'/>\n"
					"  <controller type='usb' index='9'/>\n"
					"</devices></domain>",
					&f->edit, &f->after, &f->err),
			 0);
	assert_string_equal(f->after, "<domain type='kvm'><name>a</name><devices>\n"
				      "  <controller type='pci' index='0' model='pcie-root'/>\n"
				      "  <controller type='pci' index='7' model='pcie-root-port'/>\n"
				      "  <controller type='pci' index='8' model='pcie-root-port'/>\n"
				      "  <controller type='pci' index='9' model='pcie-root-port'/>\n"
				      "  <controller type='usb' index='9'/>\n"
				      "</devices></domain>");
	assert_int_equal(pt_domxml_read(f->after, &d, &f->err), 0);
	assert_int_equal(d.pcie_ports, 3);
	assert_int_equal(d.free_pcie_ports, 3);
	pt_domain_done(&d);
	free(f->after);
	f->after = NULL;
	assert_int_equal(
		pt_domxml_edit("<domain type='kvm'><name>a</name><devices/></domain>", &f->edit, &f->after, &f->err),
		-ENOENT);
	f->edit.add_ports = 255;
	assert_int_equal(pt_domxml_edit("<domain type='kvm'><name>a</name><devices><controller type='pci' index='1'/>"
					"</devices></domain>",
					&f->edit, &f->after, &f->err),
			 -EINVAL);
}

static void a_balloon_becomes_none_and_all_else_stays(void **state)
{
	struct fixture *f = *state;
	static const char begin[] = "<domain type='kvm'><name>a</name><devices>\n  <disk/>\n  ";
	static const char end[] = "\n  <rng/>\n</devices></domain>";
	pt_autofree char *before =
		pt_strf("%s<memballoon model='virtio'>\n    <stats period='10'/>\n  </memballoon>%s", begin, end);
	pt_autofree char *after = pt_strf("%s<memballoon model='none'/>%s", begin, end);

	f->edit.drop_balloon = true;
	if (pt_domxml_edit(before, &f->edit, &f->after, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(f->after, after);
	/* none already, or not named: nothing to do */
	free(f->after);
	assert_int_equal(pt_domxml_edit(after, &f->edit, &f->after, &f->err), 0);
	assert_string_equal(f->after, after);
	free(f->after);
	assert_int_equal(pt_domxml_edit("<domain type='kvm'><name>a</name></domain>", &f->edit, &f->after, &f->err), 0);
	assert_string_equal(f->after, "<domain type='kvm'><name>a</name></domain>");
}

static void a_hostdev_and_a_vf_interface_can_be_taken_out(void **state)
{
	struct fixture *f = *state;
	struct pt_bdf vf = { .bus = 0x41, .slot = 0x10, .func = 2 };
	struct pt_bdf gpu = { .bus = 6 };
	static const char *const out[] = {
		"    <interface type='hostdev' managed='yes'>\n"
		"      <mac address='fa:16:3e:11:22:33'/>\n"
		"      <driver name='vfio'/>\n"
		"      <source>\n"
		"        <address type='pci' domain='0x0000' bus='0x41' slot='0x10' function='0x2'/>\n"
		"      </source>\n"
		"      <vlan>\n"
		"        <tag id='42'/>\n"
		"      </vlan>\n"
		"      <alias name='ua-vf0'/>\n"
		"      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
		"    </interface>\n",
		"    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
		"      <source>\n"
		"        <address domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>\n"
		"      </source>\n"
		"    </hostdev>\n",
		NULL,
	};

	pt_array_push(&f->edit.remove_hostdevs, vf);
	pt_array_push(&f->edit.remove_hostdevs, gpu);
	edit(f, "openstack");
	expect(f, out, NULL, NULL);
}

static void a_device_that_was_taken_out_may_come_back_otherwise(void **state)
{
	struct fixture *f = *state;
	struct pt_bdf gpu = { .bus = 6 };
	struct pt_domain d = { 0 };

	pt_array_push(&f->edit.remove_hostdevs, gpu);
	gain(f, gpu, false);
	edit(f, "openstack");
	assert_int_equal(pt_domxml_read(f->after, &d, NULL), 0);
	assert_int_equal(d.hostdevs.n, 2);
	assert_false(pt_domain_hostdev_by_bdf(&d, gpu)->managed);
	pt_domain_done(&d);
}

static void an_edit_and_its_opposite_give_the_same_meaning(void **state)
{
	struct fixture *f = *state;
	struct pt_domain_edit back = { 0 };
	char *again = NULL;

	gain(f, hba, false);
	edit(f, "nutanix-cvm");
	assert_int_equal(pt_domxml_same(f->before, f->after), 0);
	pt_array_push(&back.remove_hostdevs, hba);
	assert_int_equal(pt_domxml_edit(f->after, &back, &again, NULL), 0);
	assert_string_equal(again, f->before);
	free(again);
	pt_domain_edit_done(&back);
}

static void a_definition_without_devices_gets_some(void **state)
{
	struct fixture *f = *state;

	gain(f, hba, false);
	edit(f, "minimal");
	expect(f, NULL, "  </os>\n",
	       "  <devices>\n"
	       "    <hostdev mode='subsystem' type='pci' managed='no'>\n"
	       "      <source>\n"
	       "        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	       "      </source>\n"
	       "    </hostdev>\n"
	       "  </devices>\n");
}

static void an_empty_devices_element_is_opened(void **state)
{
	struct fixture *f = *state;
	static const char *const out[] = { "/>\n</domain>", NULL };

	gain(f, hba, false);
	edit(f, "empty-devices");
	expect(f, out, "  <devices",
	       ">\n"
	       "    <hostdev mode='subsystem' type='pci' managed='no'>\n"
	       "      <source>\n"
	       "        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	       "      </source>\n"
	       "    </hostdev>\n"
	       "  </devices>\n"
	       "</domain>");
}

static void a_definition_on_one_line_stays_on_it(void **state)
{
	struct fixture *f = *state;
	static const char *const out[] = {
		"<disk type='block' device='disk'><source dev='/dev/sda'/><target dev='hda'/></disk>", NULL
	};

	pt_strv_add(&f->edit.remove_disks, "hda");
	gain(f, hba, true);
	edit(f, "one-line");
	expect(f, out, "<target dev='vda'/></disk>",
	       "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' "
	       "slot='0x00' function='0x0'/></source></hostdev>");
}

static void comments_around_what_is_removed_stay(void **state)
{
	struct fixture *f = *state;
	static const char *const out[] = {
		"\n\t\t<disk type=\"file\" device=\"disk\"\n\t\t      snapshot='no' >\n"
		"\t\t\t<source file = \"/srv/it&apos;s &quot;quoted&quot;&#xA;.img\" />\n"
		"\t\t\t<!-- <target dev='vdz'/> -->\n"
		"\t\t\t<target dev='vda' bus='virtio'/><!-- behind -->\n\t\t</disk>",
		NULL,
	};

	pt_strv_add(&f->edit.remove_disks, "vda");
	edit(f, "comments");
	expect(f, out, NULL, NULL);
}

static void a_definition_with_carriage_returns_keeps_them(void **state)
{
	struct fixture *f = *state;
	static const char *const out[] = {
		"    <disk type='block' device='disk'>\r\n"
		"      <source dev='/dev/sdb'/>\r\n"
		"      <target dev='sda' bus='scsi'/>\r\n"
		"      <address type='drive' controller='0' bus='0' target='0' unit='0'/>\r\n"
		"    </disk>\r\n",
		NULL
	};

	pt_strv_add(&f->edit.remove_disks, "sda");
	edit(f, "crlf");
	expect(f, out, NULL, NULL);
}

static void a_byte_order_mark_does_not_move_the_cut(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "\xef\xbb\xbf<domain><name>b\xc3\xbcro</name><devices><disk><target dev='a'/></disk>"
				   "<disk><target dev='b'/></disk></devices></domain>";

	pt_strv_add(&f->edit.remove_disks, "a");
	assert_int_equal(pt_domxml_edit(text, &f->edit, &f->after, &f->err), 0);
	assert_string_equal(f->after, "\xef\xbb\xbf<domain><name>b\xc3\xbcro</name><devices>"
				      "<disk><target dev='b'/></disk></devices></domain>");
}

static void a_declared_encoding_does_not_move_the_cut(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
				   "<domain><name>b\xc3\xbcro</name><devices><disk><target dev='a'/></disk>"
				   "</devices></domain>";

	pt_strv_add(&f->edit.remove_disks, "a");
	assert_int_equal(pt_domxml_edit(text, &f->edit, &f->after, &f->err), 0);
	assert_string_equal(f->after, "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
				      "<domain><name>b\xc3\xbcro</name><devices></devices></domain>");
}

static void what_is_not_there_cannot_be_removed(void **state)
{
	struct fixture *f = *state;

	pt_strv_add(&f->edit.remove_disks, "sdz");
	assert_int_equal(edit_fails(f, "nutanix-cvm"), -ENOENT);
	assert_string_equal(f->err.msg, "the definition of NTNX-83e4b1c2-A-CVM has no disk 'sdz' to remove; its disks: "
					"hdc, sda, sdb, sdc");
	pt_strv_done(&f->edit.remove_disks);
	lose_controller(f, "scsi", 7);
	assert_int_equal(edit_fails(f, "nutanix-cvm"), -ENOENT);
	assert_non_null(strstr(f->err.msg, "scsi controller 7"));
	pt_domain_edit_done(&f->edit);
	pt_array_push(&f->edit.remove_hostdevs, hba);
	assert_int_equal(edit_fails(f, "nutanix-cvm"), -ENOENT);
	assert_non_null(strstr(f->err.msg, "0000:01:00.0"));
}

static void what_is_there_already_cannot_be_added(void **state)
{
	struct fixture *f = *state;

	gain(f, (struct pt_bdf){ .bus = 6 }, true);
	assert_int_equal(edit_fails(f, "openstack"), -EEXIST);
	pt_domain_edit_done(&f->edit);
	gain(f, (struct pt_bdf){ .bus = 0x41, .slot = 0x10, .func = 2 }, true);
	assert_int_equal(edit_fails(f, "openstack"), -EEXIST);
	pt_domain_edit_done(&f->edit);
	gain(f, hba, true);
	gain(f, hba, false);
	assert_int_equal(edit_fails(f, "openstack"), -EEXIST);
}

static void what_is_no_definition_cannot_be_edited(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pt_domxml_edit("<domain><name>x</domain>", &f->edit, &f->after, &f->err), -EBADMSG);
	assert_null(f->after);
}

static const char two_cards[] =
	"<domain>\n  <name>a</name>\n  <devices>\n"
	"    <hostdev mode='subsystem' type='pci' managed='no'>\n"
	"      <source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>\n"
	"      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/><!-- kept -->\n"
	"    </hostdev>\n"
	"    <interface type='hostdev' managed='yes'>\n"
	"      <mac address='52:54:00:00:00:01'/>\n"
	"      <source>\n        <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>\n      "
	"</source>\n"
	"    </interface>\n  </devices>\n</domain>\n";

static void two_cards_change_places_and_all_else_stays(void **state)
{
	struct fixture *f = *state;
	char *back = NULL;

	pt_array_push(&f->edit.move_hostdevs, ((struct pt_hostdev_move){ { .bus = 1 }, { .bus = 2 } }));
	pt_array_push(&f->edit.move_hostdevs, ((struct pt_hostdev_move){ { .bus = 2 }, { .bus = 1 } }));
	if (pt_domxml_edit(two_cards, &f->edit, &f->after, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	assert_non_null(strstr(f->after,
			       "<source><address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></source>\n"
			       "      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' "
			       "function='0x0'/><!-- kept -->"));
	assert_non_null(strstr(f->after, "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
					 "      </source>"));
	assert_int_equal(pt_domxml_edit(f->after, &f->edit, &back, &f->err), 0);
	assert_string_equal(back, two_cards);
	free(back);
}

static void a_card_that_is_not_there_cannot_move(void **state)
{
	struct fixture *f = *state;

	pt_array_push(&f->edit.move_hostdevs, ((struct pt_hostdev_move){ { .bus = 9 }, { .bus = 2 } }));
	assert_int_equal(pt_domxml_edit(two_cards, &f->edit, &f->after, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.msg, "0000:09:00.0"));
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(the_seeds_edit_changes_exactly_what_its_author_changed_by_hand),
		t(an_empty_edit_changes_no_byte_of_any_definition),
		t(all_that_was_not_asked_for_stays_node_by_node),
		t(a_hostdev_joins_those_that_are_there),
		t(several_hostdevs_go_in_in_order),
		t(an_interface_comes_with_its_mac_and_vlan_and_is_read_as_such),
		t(a_device_gets_the_place_that_is_named),
		t(spare_ports_follow_the_last_pci_controller),
		t(a_balloon_becomes_none_and_all_else_stays),
		t(a_hostdev_and_a_vf_interface_can_be_taken_out),
		t(a_device_that_was_taken_out_may_come_back_otherwise),
		t(an_edit_and_its_opposite_give_the_same_meaning),
		t(a_definition_without_devices_gets_some),
		t(an_empty_devices_element_is_opened),
		t(a_definition_on_one_line_stays_on_it),
		t(comments_around_what_is_removed_stay),
		t(a_definition_with_carriage_returns_keeps_them),
		t(a_byte_order_mark_does_not_move_the_cut),
		t(a_declared_encoding_does_not_move_the_cut),
		t(what_is_not_there_cannot_be_removed),
		t(what_is_there_already_cannot_be_added),
		t(what_is_no_definition_cannot_be_edited),
		t(two_cards_change_places_and_all_else_stays),
		t(a_card_that_is_not_there_cannot_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
