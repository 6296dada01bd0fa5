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

struct fixture {
	struct pt_domain d;
	struct pt_error err;
	char *text;
};

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->d);
	free(f->text);
	free(f);
	return 0;
}

static struct pt_domain *load(struct fixture *f, const char *name)
{
	f->text = domains_text(name);
	if (pt_domxml_read(f->text, &f->d, &f->err) < 0)
		fail_msg("%s: %s", name, f->err.msg);
	return &f->d;
}

/* a text that must be refused; the message is in f->err */
static void refuse(struct fixture *f, const char *text)
{
	assert_int_equal(pt_domxml_read(text, &f->d, &f->err), -EBADMSG);
	assert_null(f->d.name);
}

static const struct pt_domain_disk *disk(const struct pt_domain *d, const char *target)
{
	for (size_t i = 0; i < d->disks.n; i++)
		if (pt_streq(d->disks.v[i].target, target))
			return &d->disks.v[i];
	fail_msg("no disk %s", target);
	return NULL;
}

static const struct pt_domain_controller *controller(const struct pt_domain *d, const char *type, unsigned index)
{
	for (size_t i = 0; i < d->controllers.n; i++)
		if (pt_streq(d->controllers.v[i].type, type) && d->controllers.v[i].index == index)
			return &d->controllers.v[i];
	return NULL;
}

static size_t count_kind(const struct pt_domain *d, enum pt_hostdev_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->hostdevs.n; i++)
		n += d->hostdevs.v[i].kind == kind;
	return n;
}

static void the_controller_vm_of_the_seed_is_read_whole(void **state)
{
	const struct pt_domain *d = load(*state, "nutanix-cvm");

	assert_string_equal(d->name, "NTNX-83e4b1c2-A-CVM");
	assert_string_equal(d->uuid, "f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	assert_string_equal(d->type, "kvm");
	assert_string_equal(d->arch, "x86_64");
	assert_string_equal(d->machine, "pc-i440fx-rhel7.6.0");
	assert_string_equal(d->emulator, "/usr/libexec/qemu-kvm");
	assert_int_equal(d->memory_kib, 20971520);
	assert_false(d->balloon);
	assert_int_equal(d->free_pcie_ports, -1);
	assert_int_equal(d->disks.n, 4);
	assert_int_equal(disk(d, "sdb")->type, PT_DISK_BLOCK);
	assert_string_equal(disk(d, "sdb")->bus, "scsi");
	assert_string_equal(disk(d, "sdb")->source, "/dev/disk/by-id/ata-SAMSUNG_MZ7LH1T9HMLT-00005_S455NY0K100002");
	assert_string_equal(disk(d, "sdb")->serial, "S455NY0K100002");
	assert_string_equal(disk(d, "sdb")->wwn, "5002538e00000002");
	assert_true(disk(d, "sdb")->has_controller_index);
	assert_int_equal(disk(d, "sdb")->also.n, 0);
	assert_string_equal(disk(d, "hdc")->device, "cdrom");
	assert_string_equal(controller(d, "scsi", 0)->model, "virtio-scsi");
	assert_int_equal(d->hostdevs.n, 0);
}

static void network_disks_have_no_path_on_this_host(void **state)
{
	const struct pt_domain *d = load(*state, "disks-network");

	assert_int_equal(d->disks.n, 8);
	for (size_t i = 0; i < d->disks.n; i++) {
		assert_int_equal(d->disks.v[i].type, PT_DISK_NETWORK);
		assert_null(d->disks.v[i].source);
		assert_int_equal(d->disks.v[i].also.n, 0);
	}
	assert_string_equal(disk(d, "sda")->device, "lun");
	assert_int_equal(disk(d, "sda")->controller_index, 2);
	assert_int_equal(d->memory_kib, 4ull << 20);
}

static void every_local_source_gives_what_it_stands_on(void **state)
{
	const struct pt_domain *d = load(*state, "disks-local");

	assert_int_equal(disk(d, "sda")->type, PT_DISK_BLOCK);
	assert_string_equal(disk(d, "sda")->source, "/dev/mapper/mpatha");
	assert_int_equal(disk(d, "sda")->also.n, 0);
	assert_int_equal(disk(d, "sda")->controller_index, 1);
	assert_int_equal(disk(d, "vdb")->type, PT_DISK_FILE);
	assert_string_equal(disk(d, "vdb")->source, "/srv/slice.img");
	assert_int_equal(disk(d, "fda")->type, PT_DISK_DIR);
	assert_string_equal(disk(d, "fda")->source, "/srv/floppy");
	assert_int_equal(disk(d, "vdc")->type, PT_DISK_VOLUME);
	assert_string_equal(disk(d, "vdc")->source, "iscsi-pool/unit:0:0:1");
	assert_int_equal(disk(d, "vdd")->type, PT_DISK_NVME);
	assert_string_equal(pt_bdf_str(disk(d, "vdd")->nvme).s, "0000:41:00.0");
	assert_null(disk(d, "vdd")->source);
	assert_int_equal(disk(d, "vde")->type, PT_DISK_VHOSTUSER);
	assert_null(disk(d, "vde")->source);
	assert_int_equal(disk(d, "vdf")->type, PT_DISK_VHOSTVDPA);
	assert_int_equal(disk(d, "sdb")->type, PT_DISK_NONE);
	assert_int_equal(disk(d, "sdc")->type, PT_DISK_NONE);
}

static void all_that_a_backing_chain_stands_on_is_listed(void **state)
{
	const struct pt_domain *d = load(*state, "disks-local");
	const struct pt_domain_disk *k = disk(d, "vda");
	static const char *const paths[] = { "/dev/vg0/data", "/var/lib/libvirt/images/middle.qcow2",
					     "/dev/disk/by-id/wwn-0x5002538e00000001-part2", "/dev/sdq" };

	assert_string_equal(k->source, "/var/lib/libvirt/images/top.qcow2");
	assert_int_equal(k->also.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(pt_strv_has(&k->also, paths[i]));
}

static void a_vf_of_an_openstack_instance_is_a_hostdev(void **state)
{
	const struct pt_domain *d = load(*state, "openstack");
	const struct pt_domain_hostdev *vf =
		pt_domain_hostdev_by_bdf(d, (struct pt_bdf){ .bus = 0x41, .slot = 0x10, .func = 2 });
	const struct pt_domain_hostdev *gpu = pt_domain_hostdev_by_bdf(d, (struct pt_bdf){ .bus = 6 });

	assert_non_null(vf);
	assert_true(vf->is_interface && vf->managed && vf->has_bdf);
	assert_string_equal(vf->mac, "fa:16:3e:11:22:33");
	assert_string_equal(vf->alias, "ua-vf0");
	assert_non_null(gpu);
	assert_false(gpu->is_interface);
	assert_int_equal(d->hostdevs.n, 2);
	assert_int_equal(d->vdpa_count, 1);
	assert_true(d->guest_agent);
	assert_true(d->balloon);
	assert_true(d->hugepages);
	assert_int_equal(d->hugepage_kib, 1048576);
	assert_int_equal(d->free_pcie_ports, 1);
}

static void memory_devices_add_to_the_numa_cells(void **state)
{
	const struct pt_domain *d = load(*state, "ovirt");

	assert_int_equal(d->memory_kib, 18874368);
	assert_int_equal(d->max_memory_kib, 67108864);
	assert_int_equal(d->free_pcie_ports, 1);
	assert_int_equal(disk(d, "sdc")->type, PT_DISK_NONE);
	assert_int_equal(disk(d, "sdb")->type, PT_DISK_BLOCK);
}

static void a_windows_guest_with_usb_and_mdev_is_read(void **state)
{
	const struct pt_domain *d = load(*state, "windows-hyperv");

	assert_int_equal(count_kind(d, PT_HOSTDEV_USB), 1);
	assert_int_equal(count_kind(d, PT_HOSTDEV_MDEV), 1);
	assert_int_equal(count_kind(d, PT_HOSTDEV_PCI), 0);
	assert_int_equal(d->memory_kib, 16ull << 20);
	assert_int_equal(d->free_pcie_ports, 1);
	assert_false(d->hugepages);
	assert_false(d->guest_agent);
}

static void free_ports_of_an_arm_guest_include_those_of_a_switch(void **state)
{
	const struct pt_domain *d = load(*state, "aarch64-virt");

	assert_string_equal(d->arch, "aarch64");
	assert_string_equal(d->viommu.model, "smmuv3");
	assert_int_equal(d->free_pcie_ports, 2);
}

static void a_power_guest_has_host_bridges_and_a_guessed_bus(void **state)
{
	const struct pt_domain *d = load(*state, "ppc64-pseries");

	assert_string_equal(d->machine, "pseries-9.2");
	assert_string_equal(disk(d, "sda")->bus, "scsi");
	assert_false(disk(d, "sda")->has_controller_index);
	assert_int_equal(d->memory_kib, 8ull << 20);
	assert_int_equal(d->max_memory_kib, 16ull << 20);
	assert_non_null(pt_domain_hostdev_by_bdf(d, (struct pt_bdf){ .domain = 5, .bus = 1, .func = 1 }));
	assert_int_equal(d->free_pcie_ports, -1);
}

static void a_mainframe_guest_is_read(void **state)
{
	const struct pt_domain *d = load(*state, "s390x-ccw");

	assert_string_equal(disk(d, "vda")->source, "/dev/disk/by-path/ccw-0.0.3f3f");
	assert_false(disk(d, "vda")->has_controller_index);
	assert_non_null(pt_domain_hostdev_by_bdf(d, (struct pt_bdf){ .domain = 1 }));
	assert_int_equal(count_kind(d, PT_HOSTDEV_MDEV), 1);
}

static void a_xen_guest_is_read(void **state)
{
	const struct pt_domain *d = load(*state, "xen-pv");

	assert_string_equal(d->type, "xen");
	assert_string_equal(disk(d, "xvda")->source, "/dev/HostVG/XenGuest1");
	assert_int_equal(count_kind(d, PT_HOSTDEV_OTHER), 1);
	assert_false(d->hostdevs.v[1].has_bdf);
}

static void pages_limits_and_viommu_of_a_network_function_are_read(void **state)
{
	const struct pt_domain *d = load(*state, "numa-hugepages");

	assert_true(d->hugepages && d->memory_locked);
	assert_int_equal(d->hugepage_kib, 2048);
	assert_int_equal(d->hard_limit_kib, 48ull << 20);
	assert_int_equal(d->memory_kib, 32ull << 20);
	assert_string_equal(d->viommu.model, "intel");
	assert_string_equal(d->viommu.words[PT_VIOMMU_CACHING_MODE], "on");
	assert_non_null(pt_domain_hostdev_by_bdf(d, (struct pt_bdf){ .domain = 0x10000, .bus = 0xe1 }));
	assert_int_equal(d->free_pcie_ports, 0);
}

static void a_port_that_is_told_to_take_no_device_while_it_runs_is_free_all_the_same(void **state)
{
	struct pt_domain d;

	(void)state;
	assert_int_equal(
		pt_domxml_read(
			"<domain type='kvm'><name>a</name><features><acpi/></features><devices>"
			"<controller type='pci' index='0' model='pcie-root'/>"
			"<controller type='pci' index='1' model='pcie-root-port'/>"
			"<controller type='pci' index='2' model='pcie-root-port'><target hotplug='off'/></controller>"
			"<controller type='pci' index='3' model='pcie-root-port'/>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source>"
			"<address type='pci' bus='0' slot='3'/></hostdev>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='2'/></source>"
			"<address type='pci' bus='1'/></hostdev></devices></domain>",
			&d, NULL),
		0);
	assert_int_equal(d.pcie_ports, 3);
	assert_int_equal(d.free_pcie_ports, 2);
	assert_int_equal(d.hotplug_ports.n, 1);
	assert_int_equal(d.hotplug_ports.v[0], 3);
	assert_true(d.acpi);
	assert_true(d.hostdevs.v[0].on_root);
	assert_false(d.hostdevs.v[1].on_root);
	pt_domain_done(&d);
}

static void a_device_that_cannot_leave_alone_is_known_by_its_place(void **state)
{
	PT_AUTO(pt_domain) d = { 0 };

	(void)state;
	assert_int_equal(
		pt_domxml_read(
			"<domain type='kvm'><name>a</name><devices>"
			"<controller type='pci' index='0' model='pcie-root'/>"
			"<controller type='pci' index='1' model='pcie-root-port'/>"
			"<controller type='pci' index='2' model='pcie-root-port'><target hotplug='off'/></controller>"
			"<controller type='pci' index='3' model='pcie-root-port'/>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source>"
			"<address type='pci' bus='0x01' slot='0x00' function='0x0' multifunction='on'/></hostdev>"
			"<interface type='hostdev'><source><address type='pci' bus='1' function='1'/></source>"
			"<address type='pci' bus='0x01' slot='0x00' function='0x1'/></interface>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='2'/></source>"
			"<address type='pci' bus='2' slot='0'/></hostdev>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='3'/></source>"
			"<address type='pci' bus='3'/></hostdev>"
			"<hostdev mode='subsystem' type='pci'><source><address bus='4'/></source></hostdev>"
			"</devices></domain>",
			&d, NULL),
		0);
	assert_int_equal(d.hostdevs.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(d.hostdevs.v[i].shares_slot == (d.hostdevs.v[i].bdf.bus == 1));
		assert_true(d.hostdevs.v[i].fixed == (d.hostdevs.v[i].bdf.bus == 2));
		assert_true(d.hostdevs.v[i].has_place == (d.hostdevs.v[i].bdf.bus != 4));
		assert_false(d.hostdevs.v[i].on_root);
	}
}

static void an_unlimited_hard_limit_is_none(void **state)
{
	const struct pt_domain *d = load(*state, "sev");

	assert_int_equal(d->hard_limit_kib, 0);
	assert_true(d->memory_locked);
}

static void functions_given_to_qemu_behind_libvirts_back_are_found(void **state)
{
	const struct pt_domain *d = load(*state, "qemu-namespace");
	static const char *const bdfs[] = { "0000:65:00.0", "0000:66:00.1", "0000:67:00.0" };
	size_t found = 0;

	assert_int_equal(count_kind(d, PT_HOSTDEV_OTHER), 4);
	for (size_t i = 0; i < d->hostdevs.n; i++)
		for (size_t k = 0; k < 3; k++)
			found += d->hostdevs.v[i].has_bdf && strcmp(pt_bdf_str(d->hostdevs.v[i].bdf).s, bdfs[k]) == 0;
	assert_int_equal(found, 3);
	assert_int_equal(count_kind(d, PT_HOSTDEV_SCSI_HOST), 1);
}

static void disks_given_to_qemu_behind_libvirts_back_are_found(void **state)
{
	const struct pt_domain *d = load(*state, "qemu-namespace");

	assert_int_equal(d->arguments.n, 2);
	assert_string_equal(d->arguments.v[0], "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4");
	assert_string_equal(d->arguments.v[1], "/dev/sde");
}

static void a_scsi_hostdev_names_the_hosts_device_as_the_kernel_does(void **state)
{
	const struct pt_domain *d = load(*state, "qemu-namespace");

	assert_string_equal(d->hostdevs.v[0].scsi, "0:0:3:0");
	for (size_t i = 1; i < d->hostdevs.n; i++)
		assert_null(d->hostdevs.v[i].scsi);
}

static void what_is_booted_from_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pt_domxml_read("<domain><name>x</name><os><boot dev='network'/><boot dev='hd'/></os><devices>"
					"<disk><target dev='sda'/><boot order='3'/></disk>"
					"<interface type='bridge'><source bridge='br0'/><boot order='2'/></interface>"
					"<disk><target dev='sdb'/><boot order='none'/></disk>"
					"</devices></domain>",
					&f->d, &f->err),
			 0);
	assert_string_equal(f->d.boot_dev, "network");
	assert_false(f->d.boots_kernel);
	assert_int_equal(f->d.first_boot_order, 2);
	assert_int_equal(f->d.disks.v[0].boot_order, 3);
	assert_int_equal(f->d.disks.v[1].boot_order, 0);
}

static void the_interface_below_a_macvtap_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pt_domxml_read("<domain><name>x</name><devices>"
					"<interface type='direct'><source dev='eno1' mode='bridge'/></interface>"
					"<interface type='bridge'><source bridge='br0'/></interface>"
					"</devices></domain>",
					&f->d, &f->err),
			 0);
	assert_int_equal(f->d.macvtap_on.n, 1);
	assert_string_equal(f->d.macvtap_on.v[0], "eno1");
}

static void a_scsi_hostdev_stands_on_a_virtual_controller(void **state)
{
	const struct pt_domain *d = load(*state, "qemu-namespace");
	const struct pt_domain_controller *c = controller(d, "scsi", 1);

	assert_int_equal(d->hostdevs.v[0].kind, PT_HOSTDEV_SCSI);
	assert_true(d->hostdevs.v[0].has_controller_index);
	assert_int_equal(d->hostdevs.v[0].controller_index, 1);
	assert_non_null(c);
	assert_true(c->implicit);
}

static void an_element_in_a_comment_is_none(void **state)
{
	const struct pt_domain *d = load(*state, "comments");

	assert_int_equal(d->disks.n, 2);
	assert_string_equal(d->disks.v[0].target, "vda");
	assert_string_equal(d->disks.v[0].source, "/srv/it's \"quoted\"\n.img");
	assert_int_equal(d->memory_kib, 1048577);
	assert_true(d->balloon);
}

static void units_are_those_of_libvirt(void **state)
{
	static const struct {
		const char *memory;
		uint64_t kib;
	} cases[] = { { "<memory>7</memory>", 7 },
		      { "<memory unit='b'>1025</memory>", 2 },
		      { "<memory unit='bytes'>1024</memory>", 1 },
		      { "<memory unit='K'>3</memory>", 3 },
		      { "<memory unit='KB'>1024</memory>", 1000 },
		      { "<memory unit='kib'>3</memory>", 3 },
		      { "<memory unit='MB'>1</memory>", 977 },
		      { "<memory unit='GiB'> 2 </memory>", 2 << 20 },
		      { "<memory unit='T'>1</memory>", 1ull << 30 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pt_domain d = { 0 };
		char *text = pt_strf("<domain><name>x</name>%s</domain>", cases[i].memory);

		assert_int_equal(pt_domxml_read(text, &d, NULL), 0);
		assert_int_equal(d.memory_kib, cases[i].kib);
		pt_domain_done(&d);
		free(text);
	}
}

static void sizes_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "<memory>much</memory>",
					   "<memory>-1</memory>",
					   "<memory></memory>",
					   "<memory unit='XiB'>1</memory>",
					   "<memory unit=''>1</memory>",
					   "<memory unit='EiB'>16</memory>",
					   "<memory unit='EiB'>99999999999999999999999</memory>",
					   "<memory unit='KiBx'>1</memory>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = pt_strf("<domain><name>x</name>\n%s</domain>", bad[i]);

		refuse(*state, text);
		assert_non_null(strstr(((struct fixture *)*state)->err.msg, "line 2, <memory>"));
		free(text);
	}
}

static void what_is_no_xml_is_refused_with_line_and_cause(void **state)
{
	struct fixture *f = *state;

	refuse(f, "<domain>\n<name>x</nome>\n</domain>");
	assert_non_null(strstr(f->err.msg, "line 2"));
	assert_non_null(strstr(f->err.msg, "mismatch"));
	refuse(f, "");
	refuse(f, "no xml at all");
	refuse(f, "<network><name>x</name></network>");
	assert_non_null(strstr(f->err.msg, "<network>"));
	refuse(f, "<domain/>");
	refuse(f, "<domain><name>x</name><devices><disk type='file'/></devices></domain>");
	refuse(f, "<x:domain xmlns:x='urn:x'><name>x</name></x:domain>");
	refuse(f, "<domain><name>\xff\xfe</name></domain>");
}

static void entities_and_document_types_are_refused(void **state)
{
	struct fixture *f = *state;

	refuse(f, "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain><name>x</name></domain>");
	assert_non_null(strstr(f->err.msg, "DOCTYPE"));
	refuse(f, "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><domain><name>&b;</name></domain>");
	assert_non_null(strstr(f->err.msg, "DOCTYPE"));
	refuse(f, "<domain><name>&unknown;</name></domain>");
}

static void addresses_out_of_range_are_refused(void **state)
{
	static const char *const bad[] = { "bus='0x100'", "slot='0x20'", "function='8'",
					   "bus='-1'",	  "bus='x'",	 "domain='0x100000000'" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = pt_strf("<domain><name>x</name><devices><hostdev mode='subsystem' type='pci'><source>"
				     "<address %s/></source></hostdev></devices></domain>",
				     bad[i]);

		refuse(f, text);
		free(text);
	}
	refuse(f, "<domain><name>x</name><devices><hostdev type='pci'/></devices></domain>");
	assert_non_null(strstr(f->err.msg, "it names no PCI address"));
}

static void a_definition_too_large_or_too_deep_is_refused(void **state)
{
	struct pt_buf b = { 0 };

	pt_buf_add(&b, "<domain><name>x</name>");
	for (int i = 0; i < 5000; i++)
		pt_buf_add(&b, "<a>");
	for (int i = 0; i < 5000; i++)
		pt_buf_add(&b, "</a>");
	pt_buf_add(&b, "</domain>");
	refuse(*state, b.s);
	b.n = 0;
	pt_buf_add(&b, "<domain><name>x</name><devices>");
	for (int i = 0; i < 5000; i++)
		pt_buf_add(&b, "<disk><target dev='a'/></disk>");
	pt_buf_add(&b, "</devices></domain>");
	refuse(*state, b.s);
	while (b.n < 9u << 20)
		pt_buf_add(&b, "                                                                ");
	refuse(*state, b.s);
	assert_non_null(strstr(((struct fixture *)*state)->err.msg, "larger than 8 MiB"));
	pt_buf_done(&b);
}

static void every_definition_kept_here_can_be_read(void **state)
{
	struct pt_strv names = { 0 };

	(void)state;
	domains_names(&names);
	assert_true(names.n >= 15);
	for (size_t i = 0; i < names.n; i++) {
		char *text = domains_text(names.v[i]);
		struct pt_domain d = { 0 };
		struct pt_error err = { 0 };

		if (pt_domxml_read(text, &d, &err) < 0)
			fail_msg("%s: %s", names.v[i], err.msg);
		assert_true(d.memory_kib > 0);
		pt_domain_done(&d);
		free(text);
	}
	pt_strv_done(&names);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(the_controller_vm_of_the_seed_is_read_whole),
		t(network_disks_have_no_path_on_this_host),
		t(every_local_source_gives_what_it_stands_on),
		t(all_that_a_backing_chain_stands_on_is_listed),
		t(a_vf_of_an_openstack_instance_is_a_hostdev),
		t(memory_devices_add_to_the_numa_cells),
		t(a_windows_guest_with_usb_and_mdev_is_read),
		t(free_ports_of_an_arm_guest_include_those_of_a_switch),
		t(a_power_guest_has_host_bridges_and_a_guessed_bus),
		t(a_mainframe_guest_is_read),
		t(a_xen_guest_is_read),
		t(pages_limits_and_viommu_of_a_network_function_are_read),
		t(a_port_that_is_told_to_take_no_device_while_it_runs_is_free_all_the_same),
		t(a_device_that_cannot_leave_alone_is_known_by_its_place),
		t(an_unlimited_hard_limit_is_none),
		t(disks_given_to_qemu_behind_libvirts_back_are_found),
		t(a_scsi_hostdev_names_the_hosts_device_as_the_kernel_does),
		t(what_is_booted_from_is_read),
		t(the_interface_below_a_macvtap_is_read),
		t(functions_given_to_qemu_behind_libvirts_back_are_found),
		t(a_scsi_hostdev_stands_on_a_virtual_controller),
		t(an_element_in_a_comment_is_none),
		t(units_are_those_of_libvirt),
		t(sizes_that_are_none_are_refused),
		t(what_is_no_xml_is_refused_with_line_and_cause),
		t(entities_and_document_types_are_refused),
		t(addresses_out_of_range_are_refused),
		t(a_definition_too_large_or_too_deep_is_refused),
		t(every_definition_kept_here_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
