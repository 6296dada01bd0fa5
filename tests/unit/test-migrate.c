/* SPDX-License-Identifier: Apache-2.0 */
/* Where a VM could move to, and why not elsewhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/migrate.h"
#include "domxml/cpu.h"
#include "domxml/domxml.h"
#include "host/filesystem.h"
#include "shape/cpu.h"
#include "shape/hostfacts.h"
#include "tree.h"

static const char *const flags[] = { "aes", "avx", "avx2", "fpu", "hypervisor", "sse4.1", "x2apic" };

struct fixture {
	struct pt_cpu_look look;
	struct pt_migrate_host source;
	struct pt_migrate_host there;
	struct pt_migrate_ask ask;
	struct pt_migrate_needs needs;
	struct pt_findings vm;
	struct pt_findings host;
};

static void fill(struct pt_migrate_host *h, const char *name)
{
	h->name = pt_strdup(name);
	h->where = pt_strdup("facts.json");
	h->known = true;
	h->available_kib = 4 << 20;
	h->cpu = (struct pt_cpu_host){ .family = 23, .number = 1, .stepping = 2 };
	h->cpu.vendor = pt_strdup("AuthenticAMD");
	h->cpu.microcode = pt_strdup("0x1000065");
	h->hypervisor.tsc_hz = 2000000000;
	h->hypervisor.qemu = pt_strdup("10.0.0");
	pt_strv_add(&h->hypervisor.machines, "pc-q35-10.0");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		pt_strv_add(&h->hypervisor.flags, flags[i]);
}

/* a running VM with host-passthrough, and a host that is just like its own */
static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	fill(&f->source, "here");
	fill(&f->there, "there");
	f->look.running = true;
	f->look.live.cpu.mode = PT_CPU_MODE_HOST_PASSTHROUGH;
	f->look.vm.name = pt_strdup("vm");
	f->look.live.name = pt_strdup("vm");
	f->look.live.machine = pt_strdup("pc-q35-10.0");
	f->look.live.memory_kib = 1 << 20;
	f->look.host.vendor = pt_strdup("AuthenticAMD");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		pt_strv_add(&f->look.host_model.flags, flags[i]);
	f->ask = (struct pt_migrate_ask){ .look = &f->look, .needs = &f->needs, .source = &f->source };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_migrate_needs_done(&f->needs);
	pt_cpu_look_done(&f->look);
	pt_migrate_host_done(&f->source);
	pt_migrate_host_done(&f->there);
	pt_findings_done(&f->vm);
	pt_findings_done(&f->host);
	free(f);
	return 0;
}

static enum pt_verdict judge(struct fixture *f)
{
	pt_findings_done(&f->host);
	pt_findings_done(&f->vm);
	f->host = f->vm = (struct pt_findings){ 0 };
	pt_migrate_needs_done(&f->needs);
	pt_migrate_needs_of(&f->look, &f->source, &f->needs);
	pt_decide_migrate_vm(&f->ask, &f->vm);
	pt_decide_migrate_host(&f->ask, &f->there, &f->host);
	return pt_findings_worst(&f->host);
}

static const struct pt_finding *finding(const struct pt_findings *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].name, name))
			return &l->v[i];
	fail_msg("no finding is called %s", name);
	return NULL;
}

static void drop(struct pt_strv *l, const char *name)
{
	struct pt_cpu_def without = { 0 };

	pt_cpu_def_set_feature(&without, name, "disable");
	pt_cpu_def_apply(&without, l);
	pt_cpu_def_done(&without);
}

static void a_host_like_this_one_will_do(void **state)
{
	assert_int_equal(judge(*state), PT_OK);
}

/* libvirt moves no VM to the host that it is on */
static void the_host_that_it_is_on_is_a_no(void **state)
{
	struct fixture *f = *state;

	f->source.hypervisor.host_uuid = pt_strdup("00000000-0000-0000-0000-00000000000A");
	f->there.hypervisor.host_uuid = pt_strdup("00000000-0000-0000-0000-00000000000a");
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "same-host")->fact, "it is this host"));
	pt_strset(&f->there.hypervisor.host_uuid, "00000000-0000-0000-0000-00000000000b");
	assert_int_equal(judge(f), PT_OK);
	/* facts without the UUID: by name */
	free(pt_take_ptr(f->there.hypervisor.host_uuid));
	assert_int_equal(judge(f), PT_OK);
	pt_strset(&f->there.name, "here");
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "same-host")->fact, "it is this host"));
}

static void a_lesser_host_is_refused_by_the_flags_it_lacks(void **state)
{
	struct fixture *f = *state;

	drop(&f->there.hypervisor.flags, "avx2");
	drop(&f->there.hypervisor.flags, "aes");
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "cpu-flags")->fact, "it lacks 2 flags that the VM has: aes, avx2");
	assert_non_null(strstr(finding(&f->host, "cpu-flags")->fix, "baseline"));
}

static void a_model_asks_only_for_its_own_flags(void **state)
{
	struct fixture *f = *state;
	struct pt_cpu_model_flags *m = pt_array_add(&f->look.models);

	m->model = pt_strdup("small");
	pt_strv_add(&m->flags, "fpu");
	pt_strv_add(&m->flags, "svm");
	pt_strv_add(&f->look.host_model.flags, "svm");
	f->look.live.cpu.mode = PT_CPU_MODE_CUSTOM;
	f->look.live.cpu.model = pt_strdup("small");
	drop(&f->there.hypervisor.flags, "avx2");
	assert_int_equal(judge(f), PT_OK);
	pt_cpu_def_set_feature(&f->look.live.cpu, "svm", "require");
	assert_int_equal(judge(f), PT_FAIL);
}

/* QEMU gives a running VM topoext by itself, and libvirt lists it for no host: an equal host does not lack it */
static void what_libvirt_does_not_list_here_is_not_missing_there(void **state)
{
	struct fixture *f = *state;
	struct pt_cpu_model_flags *m = pt_array_add(&f->look.models);

	m->model = pt_strdup("small");
	pt_strv_add(&m->flags, "fpu");
	f->look.live.cpu.mode = PT_CPU_MODE_CUSTOM;
	f->look.live.cpu.model = pt_strdup("small");
	pt_cpu_def_set_feature(&f->look.live.cpu, "topoext", "require");
	assert_int_equal(judge(f), PT_OK);
	assert_non_null(strstr(finding(&f->vm, "cpu-unlisted")->fact, "topoext"));
	/* the kernels list it: the one there does, or does not */
	pt_strv_add(&f->look.host.flags, "topoext");
	pt_strv_add(&f->there.cpu.flags, "svm");
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "cpu-flags")->fact, "it lacks 1 flag that the VM has: topoext");
	pt_strv_add(&f->there.cpu.flags, "topoext");
	assert_int_equal(judge(f), PT_OK);
	/* a flag that libvirt lists here is asked for there as ever */
	pt_strv_add(&f->source.hypervisor.flags, "topoext");
	assert_int_equal(judge(f), PT_FAIL);
	/* where it tells no list of this host, all are */
	pt_strv_done(&f->source.hypervisor.flags);
	pt_strv_done(&f->look.host_model.flags);
	assert_int_equal(judge(f), PT_FAIL);
}

static void another_vendor_is_a_no(void **state)
{
	struct fixture *f = *state;

	pt_strset(&f->there.cpu.vendor, "GenuineIntel");
	assert_int_equal(judge(f), PT_FAIL);
	assert_int_equal(finding(&f->host, "cpu-vendor")->verdict, PT_FAIL);
}

static void another_architecture_is_a_no_and_vendors_are_x86s(void **state)
{
	struct fixture *f = *state;

	f->source.hypervisor.arch = pt_strdup("aarch64");
	f->there.hypervisor.arch = pt_strdup("aarch64");
	free(pt_take_ptr(f->there.cpu.vendor));
	assert_int_equal(judge(f), PT_OK);
	pt_strset(&f->there.hypervisor.arch, "x86_64");
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "arch")->fact, "it is a host of x86_64, this one of aarch64");
	pt_strset(&f->source.hypervisor.arch, "x86_64");
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_int_equal(finding(&f->host, "cpu-vendor")->verdict, PT_UNKNOWN);
}

static void bridges_and_networks_are_named(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->look.live);
	assert_int_equal(pt_domxml_read("<domain type='kvm'><name>vm</name><devices>"
					"<interface type='bridge'><source bridge='br0'/></interface>"
					"<interface type='bridge'><source bridge='br0'/></interface>"
					"<interface type='network'><source network='blue'/></interface>"
					"</devices></domain>",
					&f->look.live, NULL),
			 0);
	(void)judge(f);
	assert_int_equal(f->vm.n, 2);
	assert_int_equal(pt_findings_worst(&f->vm), PT_NOTE);
	assert_non_null(strstr(f->vm.v[0].fact, "these bridges (a host that is a URI is asked): br0"));
	assert_non_null(strstr(f->vm.v[1].fact, "active (a host that is a URI is asked): blue"));
}

/* a host that is a URI tells what it has; names as libvirt makes them of node devices */
static void a_host_without_the_vms_network_or_bridge_is_a_no(void **state)
{
	struct fixture *f = *state;

	pt_strv_add(&f->look.live.bridges, "br-lan");
	pt_strv_add(&f->look.live.networks, "blue");
	assert_int_equal(judge(f), PT_OK);
	f->there.nets_known = f->there.netdevs_known = true;
	pt_strv_add(&f->there.networks, "blue2");
	pt_strv_add(&f->there.netdevs, "net_lo_00_00_00_00_00_00");
	pt_strv_add(&f->there.netdevs, "net_br_lan2_52_54_00_00_00_01");
	pt_strv_add(&f->there.netdevs, "pci_0000_41_00_0");
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "network")->fact,
			    "its libvirt has no active network blue, which the VM is on");
	pt_strv_add(&f->there.networks, "blue");
	assert_int_equal(judge(f), PT_WARN);
	assert_string_equal(
		finding(&f->host, "network")->fact,
		"its libvirt sees no bridge br-lan there, which the VM is on: without it the VM stays here");
	pt_strv_add(&f->there.netdevs, "net_br_lan_52_54_00_00_00_02");
	assert_int_equal(judge(f), PT_OK);
}

/* QEMU makes its processor: no host's matters */
static void an_emulated_vm_asks_for_qemu_only(void **state)
{
	struct fixture *f = *state;

	pt_strset(&f->look.live.type, "qemu");
	pt_strset(&f->there.cpu.vendor, "GenuineIntel");
	pt_strset(&f->there.cpu.microcode, "0x1");
	drop(&f->there.hypervisor.flags, "avx2");
	f->there.hypervisor.tsc_hz = 1;
	pt_strset(&f->source.hypervisor.qemu, "10.0.0");
	assert_int_equal(judge(f), PT_OK);
	pt_strset(&f->there.hypervisor.qemu, "9.2.0");
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_non_null(strstr(finding(&f->host, "cpu-flags")->fact, "QEMU 9.2.0"));
	pt_strset(&f->there.hypervisor.qemu, "10.1.0");
	assert_int_equal(judge(f), PT_OK);
	free(pt_take_ptr(f->there.hypervisor.qemu));
	assert_int_equal(judge(f), PT_UNKNOWN);
}

static void microcode_and_tsc_are_warnings(void **state)
{
	struct fixture *f = *state;

	/* libvirt and the kernel write the same number differently */
	pt_strset(&f->there.cpu.microcode, "16777317");
	assert_int_equal(judge(f), PT_OK);
	pt_strset(&f->there.cpu.microcode, "0x1000066");
	f->there.hypervisor.tsc_hz = 2100000000;
	assert_int_equal(judge(f), PT_WARN);
	assert_int_equal(finding(&f->host, "microcode")->verdict, PT_WARN);
	assert_int_equal(finding(&f->host, "tsc")->verdict, PT_WARN);
	f->there.hypervisor.tsc_hz = 2000000000 + 499999;
	assert_int_equal(judge(f), PT_WARN);
}

/* libvirt lists it in host-model where the processor has it; a guest that may be moved does not get it */
static void invtsc_is_had_by_who_names_it_only(void **state)
{
	struct fixture *f = *state;

	pt_strv_add(&f->look.host_model.flags, "invtsc");
	assert_int_equal(judge(f), PT_OK);
	assert_int_equal(pt_findings_worst(&f->vm), PT_OK);
	f->look.live.cpu.mode = PT_CPU_MODE_HOST_MODEL;
	assert_int_equal(judge(f), PT_OK);
	pt_cpu_def_set_feature(&f->look.live.cpu, "invtsc", "require");
	assert_int_equal(judge(f), PT_FAIL);
	assert_int_equal(finding(&f->vm, "invtsc")->verdict, PT_FAIL);
	pt_strv_add(&f->there.hypervisor.flags, "invtsc");
	pt_strv_sort(&f->there.hypervisor.flags);
	f->look.live.tsc_hz = 2000000000;
	assert_int_equal(judge(f), PT_OK);
	assert_int_equal(pt_findings_worst(&f->vm), PT_OK);
	f->there.hypervisor.tsc_hz = 2100000000;
	assert_int_equal(judge(f), PT_FAIL);
	f->there.hypervisor.tsc_scaling = PT_KNOWN_YES;
	assert_int_equal(judge(f), PT_WARN);
	/* with migratable='off' it comes unnamed */
	f->look.live.tsc_hz = 0;
	pt_cpu_def_done(&f->look.live.cpu);
	f->look.live.cpu.mode = PT_CPU_MODE_HOST_PASSTHROUGH;
	f->look.live.cpu.migratable = pt_strdup("off");
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "invtsc")->verdict, PT_FAIL);
}

static void a_clock_that_fixes_the_tsc_is_read(void **state)
{
	PT_AUTO(pt_domain) d = { 0 };

	assert_int_equal(pt_domxml_read("<domain><name>a</name><clock><timer name='hpet' frequency='7'/>"
					"<timer name='tsc' frequency='2600000000' mode='native'/></clock></domain>",
					&d, NULL),
			 0);
	assert_int_equal(d.tsc_hz, 2600000000);
}

static void machine_type_and_memory_are_asked_for(void **state)
{
	struct fixture *f = *state;

	f->there.available_kib = (1 << 20) - 1;
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "memory")->fact, "it has 1023 MiB of memory free, and the VM needs 1024");
	f->there.available_kib = 1 << 20;
	assert_int_equal(judge(f), PT_OK);
	pt_strset(&f->look.live.machine, "pc-q35-11.0");
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "machine")->fact, "its QEMU 10.0.0 has no machine type pc-q35-11.0"));
}

/* what is set aside for huge pages is not among the memory that is free */
static void a_host_that_could_not_be_asked_is_unknown_with_the_reason(void **state)
{
	struct fixture *f = *state;

	f->there.why_not = pt_strdup("no route to host");
	f->there.why_fix = pt_strdup("plug it in");
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_int_equal(f->host.n, 1);
	assert_string_equal(finding(&f->host, "host")->fact, "no route to host");
	assert_string_equal(finding(&f->host, "host")->fix, "plug it in");
}

static void huge_pages_are_counted_by_their_size(void **state)
{
	struct fixture *f = *state;
	struct pt_hugepages *p;

	f->look.live.hugepages = true;
	f->look.live.hugepage_kib = 2048;
	assert_int_equal(judge(f), PT_UNKNOWN);
	p = pt_array_add(&f->there.hugepages);
	*p = (struct pt_hugepages){ .size_kib = 1 << 20, .free = 4 };
	assert_int_equal(judge(f), PT_FAIL);
	p = pt_array_add(&f->there.hugepages);
	*p = (struct pt_hugepages){ .size_kib = 2048, .free = 511 };
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "memory")->fact,
			    "it has 511 huge pages of 2048 KiB free, and the VM needs 512");
	p->free = 512;
	f->there.available_kib = 1;
	assert_int_equal(judge(f), PT_OK);
	f->look.live.hugepage_kib = 0;
	assert_int_equal(judge(f), PT_UNKNOWN);
}

static void what_is_not_known_is_neither_yes_nor_no(void **state)
{
	struct fixture *f = *state;

	pt_hypervisor_done(&f->there.hypervisor);
	f->there.known = false;
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_int_equal(finding(&f->host, "cpu-flags")->verdict, PT_UNKNOWN);
}

static void without_libvirts_word_the_kernels_decide_for_passthrough(void **state)
{
	struct fixture *f = *state;

	pt_hypervisor_done(&f->there.hypervisor);
	f->there.known = false;
	pt_strv_add(&f->look.host.flags, "avx2");
	pt_strv_add(&f->look.host.flags, "sse4_1");
	pt_strv_add(&f->there.cpu.flags, "sse4_1");
	assert_int_equal(judge(f), PT_FAIL);
	assert_string_equal(finding(&f->host, "cpu-flags")->fact, "it lacks 1 flag that the VM has: avx2");
}

/* words that the kernel makes up are no guest's, and without libvirt's list none is sure to be one */
static void what_no_guest_gets_is_no_reason(void **state)
{
	struct fixture *f = *state;

	pt_hypervisor_done(&f->there.hypervisor);
	f->there.known = false;
	pt_strv_add(&f->look.host.flags, "constant_tsc");
	pt_strv_add(&f->look.host.flags, "avx2");
	pt_strv_add(&f->there.cpu.flags, "avx2");
	(void)judge(f);
	assert_int_equal(finding(&f->host, "cpu-flags")->verdict, PT_OK);
	f->look.host_model.why_not = pt_strdup("libvirt is old");
	(void)judge(f);
	assert_int_equal(finding(&f->host, "cpu-flags")->verdict, PT_UNKNOWN);
}

static void a_kernels_list_alone_is_no_yes_for_a_model(void **state)
{
	struct fixture *f = *state;
	struct pt_cpu_model_flags *m = pt_array_add(&f->look.models);

	m->model = pt_strdup("small");
	pt_strv_add(&m->flags, "fpu");
	f->look.live.cpu.mode = PT_CPU_MODE_CUSTOM;
	f->look.live.cpu.model = pt_strdup("small");
	pt_hypervisor_done(&f->there.hypervisor);
	f->there.known = false;
	pt_strv_add(&f->there.cpu.flags, "fpu");
	pt_strv_add(&f->there.cpu.flags, "hypervisor");
	pt_strv_add(&f->there.cpu.flags, "x2apic");
	(void)judge(f);
	assert_int_equal(finding(&f->host, "cpu-flags")->verdict, PT_UNKNOWN);
}

static void a_host_without_kvm_is_no_yes(void **state)
{
	struct fixture *f = *state;

	f->look.live.type = pt_strdup("kvm");
	f->there.hypervisor.arch = pt_strdup("x86_64");
	pt_strv_add(&f->look.host.flags, "fpu");
	pt_strv_add(&f->there.cpu.flags, "fpu");
	pt_strv_add(&f->there.cpu.flags, "svm");
	assert_int_equal(judge(f), PT_OK);
	pt_strv_done(&f->there.hypervisor.flags);
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_int_equal(finding(&f->host, "kvm")->verdict, PT_UNKNOWN);
	drop(&f->there.cpu.flags, "svm");
	assert_int_equal(judge(f), PT_FAIL);
	assert_int_equal(finding(&f->host, "kvm")->verdict, PT_FAIL);
}

static const char device_xml[] =
	"<domain type='kvm'><name>vm</name><devices>"
	"<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' "
	"function='0'/></source></hostdev>"
	"<interface type='hostdev'><source><address type='pci' domain='0' bus='2' slot='16' function='0'/></source>"
	"<teaming type='transient' persistent='ua-net'/></interface>"
	"<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>"
	"</devices></domain>";

static void devices_of_this_host_hold_it_back_by_name(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_device hba = { .bdf = { .bus = 1 }, .name = (char *)(uintptr_t) "MegaRAID" };
	size_t failed = 0;

	pt_domain_done(&f->look.live);
	assert_int_equal(pt_domxml_read(device_xml, &f->look.live, NULL), 0);
	f->ask.devices = &hba;
	f->ask.n_devices = 1;
	(void)judge(f);
	for (size_t i = 0; i < f->vm.n; i++)
		failed += f->vm.v[i].verdict == PT_FAIL;
	assert_int_equal(failed, 2);
	assert_string_equal(finding(&f->vm, "device")->fact,
			    "0000:01:00.0 (MegaRAID) is a device of this host, and vfio-pci cannot move its state");
	assert_non_null(strstr(finding(&f->vm, "device")->fix, "passthru detach vm 0000:01:00.0"));
	assert_non_null(strstr(finding(&f->vm, "failover")->fact, "0000:02:10.0 stands in for ua-net"));
	/* what would let it move, where something can stand in for it */
	hba.network = true;
	(void)judge(f);
	assert_non_null(strstr(finding(&f->vm, "device")->fix, "passthru attach vm 0000:01:00.0 --failover"));
	/* a driver that is made for the device may know how */
	hba.driver = (char *)(uintptr_t) "mlx5_vfio_pci";
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "device")->verdict, PT_UNKNOWN);
}

static void a_device_that_only_the_definition_has_does_not_go_along(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->look.vm);
	assert_int_equal(
		pt_domxml_read("<domain type='kvm'><name>vm</name><devices><hostdev mode='subsystem' type='pci'>"
			       "<source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
			       "</devices></domain>",
			       &f->look.vm, NULL),
		0);
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "definition")->verdict, PT_FAIL);
	assert_non_null(strstr(finding(&f->vm, "definition")->fact, "0000:01:00.0, which it does not run with"));
}

static const char blocked_xml[] =
	"<domain type='kvm'><name>vm</name><devices>"
	"<disk type='network' device='disk'><source protocol='rbd' name='a/b'/><target dev='vda'/><transient/></disk>"
	"<disk type='network' device='disk'><source protocol='rbd' name='a/c'/><target dev='vdb'/></disk>"
	"<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/x'/><target dir='x'/></filesystem>"
	"<filesystem type='mount'><source dir='/srv/y'/><target dir='y'/></filesystem>"
	"<shmem name='shm0' role='peer'/><shmem name='shm1' role='master'/><shmem name='shm2'/>"
	"</devices></domain>";

static void what_libvirt_refuses_is_said_by_name(void **state)
{
	struct fixture *f = *state;
	size_t failed = 0;

	pt_domain_done(&f->look.live);
	assert_int_equal(pt_domxml_read(blocked_xml, &f->look.live, NULL), 0);
	f->look.live.has_snapshots = true;
	(void)judge(f);
	for (size_t i = 0; i < f->vm.n; i++)
		failed += f->vm.v[i].verdict == PT_FAIL;
	assert_int_equal(failed, 5);
	assert_non_null(strstr(finding(&f->vm, "snapshots")->fact, "vm has snapshots"));
	assert_non_null(strstr(finding(&f->vm, "virtiofs")->fact, "/srv/x"));
	assert_non_null(strstr(finding(&f->vm, "shmem")->fact, "shm0"));
	assert_non_null(strstr(finding(&f->vm, "transient")->fact, "disk vda"));
}

static void a_disk_that_is_being_copied_holds_it_back(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->look.live);
	assert_int_equal(pt_domxml_read("<domain type='kvm'><name>vm</name><devices><disk type='network' device='disk'>"
					"<source protocol='rbd' name='p/i'/><target dev='vda' bus='virtio'/>"
					"<mirror type='file' job='copy'><source file='/srv/copy.img'/></mirror>"
					"</disk></devices></domain>",
					&f->look.live, NULL),
			 0);
	(void)judge(f);
	assert_non_null(strstr(finding(&f->vm, "block-job")->fact, "disk vda is being copied"));
	assert_non_null(strstr(finding(&f->vm, "block-job")->fix, "virsh blockjob vm vda"));
}

/* what no definition says: libvirt is asked while the VM runs */
static void what_goes_on_with_it_holds_it_back(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_now now = { 0 };

	f->ask.now = &now;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_OK);
	now.job = pt_strdup("a backup");
	pt_strv_add(&now.block_jobs, "vda: a pull");
	pt_strv_add(&now.silent, "whether a block job goes on: timed out");
	(void)judge(f);
	assert_string_equal(finding(&f->vm, "block-job")->fact,
			    "a block job goes on at disk vda: a pull: libvirt moves no VM that has one");
	assert_string_equal(finding(&f->vm, "block-job")->fix,
			    "`virsh blockjob vm vda --info`; it ends, or --abort ends it");
	assert_string_equal(finding(&f->vm, "job")->fact,
			    "libvirt is at work on vm, a backup: it moves no VM meanwhile");
	free(pt_take_ptr(now.job));
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "job")->verdict, PT_UNKNOWN);
	pt_migrate_now_done(&now);
}

/* a mirror is in the definition, and is a job: it is told once */
static void a_copy_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct pt_domain_disk *d = pt_array_add(&f->look.live.disks);
	struct pt_migrate_now now = { 0 };
	size_t n = 0;

	d->type = PT_DISK_NETWORK;
	d->target = pt_strdup("vda");
	d->mirrored = true;
	pt_strv_add(&now.block_jobs, "vda: a copy");
	f->ask.now = &now;
	(void)judge(f);
	for (size_t i = 0; i < f->vm.n; i++)
		n += pt_streq(f->vm.v[i].name, "block-job");
	assert_int_equal(n, 1);
	pt_migrate_now_done(&now);
}

/* seen with libvirt 11.3: it moves the VM, and the next incremental backup there fails */
static void checkpoints_are_warned_of(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_now now = { .checkpoints = 2 };

	f->ask.now = &now;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_WARN);
	assert_non_null(strstr(finding(&f->vm, "checkpoints")->fact, "vm has 2 checkpoints"));
	assert_non_null(strstr(finding(&f->vm, "checkpoints")->fix, "--redefine"));
}

static void what_qemu_says_decides(void **state)
{
	struct fixture *f = *state;
	struct pt_domain_hostdev *h = pt_array_add(&f->look.live.hostdevs);
	struct pt_migrate_device device = { .bdf = { .bus = 1 }, .driver = (char *)(uintptr_t) "mlx5_vfio_pci" };
	struct pt_migrate_now now = { 0 };

	h->kind = PT_HOSTDEV_PCI;
	h->has_bdf = true;
	h->bdf.bus = 1;
	pt_array_push(&f->look.vm.hostdevs, *h);
	f->ask.devices = &device;
	f->ask.n_devices = 1;
	f->ask.now = &now;
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "device")->verdict, PT_UNKNOWN);
	assert_non_null(strstr(finding(&f->vm, "device")->fix, "--ask-qemu"));
	now.asked = true;
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "device")->verdict, PT_WARN);
	assert_non_null(strstr(finding(&f->vm, "device")->fact, "QEMU says that it can move its state"));
	pt_strv_add(&now.blockers, "0000:01:00.0: VFIO migration is not supported in kernel");
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "device")->verdict, PT_UNKNOWN);
	assert_int_equal(finding(&f->vm, "qemu")->verdict, PT_FAIL);
	assert_non_null(strstr(finding(&f->vm, "qemu")->fact, "VFIO migration is not supported in kernel"));
	pt_migrate_now_done(&now);
}

static void guests_in_the_guest_are_thought_of(void **state)
{
	struct fixture *f = *state;

	pt_strv_add(&f->look.host_model.flags, "svm");
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "nested")->verdict, PT_WARN);
	assert_non_null(strstr(finding(&f->vm, "nested")->fact, "undefined on AMD"));
	drop(&f->look.host_model.flags, "svm");
	pt_strv_add(&f->look.host_model.flags, "vmx");
	pt_strv_sort(&f->look.host_model.flags);
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "nested")->verdict, PT_NOTE);
	drop(&f->look.host_model.flags, "vmx");
	(void)judge(f);
	for (size_t i = 0; i < f->vm.n; i++)
		assert_string_not_equal(f->vm.v[i].name, "nested");
}

static void what_this_hosts_chips_hold_stays_here(void **state)
{
	struct fixture *f = *state;

	pt_domain_done(&f->look.live);
	assert_int_equal(
		pt_domxml_read(
			"<domain type='kvm'><name>vm</name><launchSecurity type='sev-snp'/><devices>"
			"<tpm model='tpm-crb'><backend type='passthrough'><device path='/dev/tpm1'/></backend></tpm>"
			"<tpm model='tpm-crb'><backend type='emulator'/></tpm></devices></domain>",
			&f->look.live, NULL),
		0);
	(void)judge(f);
	assert_string_equal(finding(&f->vm, "device")->fact,
			    "the TPM /dev/tpm1 of this host belongs to the VM, and stays here");
	assert_non_null(strstr(finding(&f->vm, "launch-security")->fact, "sev-snp"));
	pt_domain_done(&f->look.live);
	assert_int_equal(
		pt_domxml_read("<domain type='kvm'><name>vm</name><devices><tpm><backend type='emulator'/></tpm>"
			       "</devices></domain>",
			       &f->look.live, NULL),
		0);
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_OK);
}

/* a device plugged in since, another machine type and memory: the definition says nothing of them */
static void a_running_vm_is_judged_by_what_it_runs_with(void **state)
{
	struct fixture *f = *state;
	struct pt_domain_hostdev *h = pt_array_add(&f->look.live.hostdevs);

	h->kind = PT_HOSTDEV_PCI;
	h->bdf.bus = 1;
	f->look.vm.machine = pt_strdup("pc-q35-11.0");
	f->look.vm.memory_kib = 1 << 30;
	assert_int_equal(judge(f), PT_OK);
	assert_int_equal(finding(&f->vm, "device")->verdict, PT_FAIL);
	f->look.running = false;
	pt_cpu_def_copy(&f->look.vm.cpu, &f->look.live.cpu);
	assert_int_equal(judge(f), PT_FAIL);
	assert_int_equal(finding(&f->host, "machine")->verdict, PT_FAIL);
	assert_int_equal(finding(&f->host, "memory")->verdict, PT_FAIL);
	assert_int_equal(pt_findings_worst(&f->vm), PT_NOTE);
}

static void a_disk_that_only_this_host_has_holds_it_back(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_disk fact = { .target = (char *)(uintptr_t) "sda",
					.path = (char *)(uintptr_t) "/images/a.qcow2",
					.file_system = (char *)(uintptr_t) "ext4",
					.shared = PT_KNOWN_NO };
	struct pt_domain_disk *d = pt_array_add(&f->look.live.disks);

	d->type = PT_DISK_FILE;
	d->target = pt_strdup("sda");
	d->source = pt_strdup("/images/a.qcow2");
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "storage")->verdict, PT_UNKNOWN);
	f->ask.disks = &fact;
	f->ask.n_disks = 1;
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "storage")->verdict, PT_FAIL);
	fact.shared = PT_KNOWN_YES;
	(void)judge(f);
	assert_int_equal(finding(&f->vm, "storage")->verdict, PT_OK);
}

/* a volume, and an overlay on this host's own disk above a base that is shared */
static void every_file_of_a_disk_counts(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_disk facts[] = { { .target = (char *)(uintptr_t) "sda",
					     .path = (char *)(uintptr_t) "/nfs/base",
					     .file_system = (char *)(uintptr_t) "NFS",
					     .shared = PT_KNOWN_YES },
					   { .target = (char *)(uintptr_t) "sda",
					     .path = (char *)(uintptr_t) "/pool/a",
					     .file_system = (char *)(uintptr_t) "ext4",
					     .shared = PT_KNOWN_NO } };
	struct pt_domain_disk *d = pt_array_add(&f->look.live.disks);

	d->type = PT_DISK_VOLUME;
	d->target = pt_strdup("sda");
	d->source = pt_strdup("pool/a");
	f->ask.disks = facts;
	f->ask.n_disks = 2;
	(void)judge(f);
	assert_string_equal(finding(&f->vm, "storage")->fact, "disk sda is /pool/a on ext4, which only this host has");
	assert_int_equal(pt_findings_worst(&f->vm), PT_FAIL);
	/* nothing is written to it: a copy is as good */
	d->readonly = true;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_WARN);
	facts[1].error = -EACCES;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_UNKNOWN);
	assert_non_null(strstr(finding(&f->vm, "storage")->fact, "/pool/a"));
	assert_non_null(strstr(finding(&f->vm, "storage")->fact, "Permission denied"));
	facts[1].error = 0;
	facts[1].block = true;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_WARN);
	facts[1].block = false;
	facts[1].shared = PT_KNOWN_YES;
	(void)judge(f);
	assert_int_equal(pt_findings_worst(&f->vm), PT_OK);
}

static void an_image_behind_an_absolute_link_is_found(void **state)
{
	struct tree *t = tree_new();
	pt_autofree char *name = NULL;
	enum pt_known shared = PT_KNOWN_UNKNOWN;

	tree_file(t, "srv/images/a.img", "");
	tree_link(t, "var/images", "/srv/images");
	assert_int_equal(pt_file_system_of(&t->root, "/var/images/a.img", &name, &shared), 0);
	assert_non_null(name);
	assert_int_equal(pt_file_system_of(&t->root, "/var/images/b.img", &name, &shared), -ENOENT);
	tree_free(t);
}

static void facts_are_read_as_they_were_written(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_host again = { 0 };
	json_t *o;

	f->there.hypervisor.tsc_scaling = PT_KNOWN_NO;
	f->there.hypervisor.host_uuid = pt_strdup("u");
	o = json_pack("{s:s, s:o, s:o, s:{s:i, s:[{s:i, s:i}]}}", "hostname", "b", "cpu",
		      pt_cpu_host_json(&f->there.cpu), "hypervisor", pt_hypervisor_json(true, &f->there.hypervisor),
		      "memory", "available_kib", 7, "hugepages", "size_kib", 2048, "free", 3);

	assert_int_equal(pt_host_facts_read(o, "b.json", &again, NULL), 0);
	json_decref(o);
	assert_string_equal(again.name, "b");
	assert_string_equal(again.hypervisor.host_uuid, "u");
	assert_string_equal(again.cpu.microcode, f->there.cpu.microcode);
	assert_int_equal(again.available_kib, 7);
	assert_int_equal(again.hugepages.n, 1);
	assert_int_equal(again.hugepages.v[0].size_kib, 2048);
	assert_int_equal(again.hugepages.v[0].free, 3);
	assert_int_equal(again.hypervisor.tsc_hz, 2000000000);
	assert_int_equal(again.hypervisor.tsc_scaling, PT_KNOWN_NO);
	assert_int_equal(again.hypervisor.flags.n, f->there.hypervisor.flags.n);
	assert_true(pt_strv_has(&again.hypervisor.machines, "pc-q35-10.0"));
	pt_migrate_host_done(&again);
}

static void facts_that_are_none_are_refused_with_the_place(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"cpu\": 7}",
		"{\"cpu\": {\"flags\": [1]}}",
		"{\"cpu\": {\"flags\": \"a\"}}",
		"{\"cpu\": {\"family\": -2}}",
		"{\"cpu\": {}, \"hypervisor\": {\"machines\": [null]}}",
		"{\"cpu\": {}, \"memory\": {\"hugepages\": [7]}}",
		"{\"cpu\": {}, \"hypervisor\": {\"host_model\": {\"mode\": \"custom\"}}}",
		"{\"cpu\": {}, \"hypervisor\": {\"host_model\": {\"mode\": \"x\", \"features\": []}}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pt_migrate_host h = { 0 };
		struct pt_error err = { 0 };
		json_t *o = json_loads(texts[i], 0, NULL);

		if (pt_host_facts_read(o, "x.json", &h, &err) >= 0)
			fail_msg("taken: %s", texts[i]);
		assert_string_not_equal(err.msg, "");
		json_decref(o);
	}
}

static void libvirts_capabilities_are_read(void **state)
{
	struct pt_cpu_host cpu = { 0 };
	struct pt_hypervisor h = { 0 };

	assert_int_equal(
		pt_domxml_read_caps(
			"<capabilities><host><uuid>u</uuid><cpu><arch>x86_64</arch><model>EPYC</model><vendor>AMD</"
			"vendor>"
			"<microcode version='16777317'/><counter name='tsc' frequency='2595120000' scaling='yes'/>"
			"<signature family='23' model='1' stepping='2'/></cpu></host>"
			"<guest><arch name='i686'><machine>isapc</machine></arch></guest>"
			"<guest><arch name='x86_64'><machine canonical='pc-q35-10.0'>q35</machine>"
			"<machine>pc-q35-10.0</machine></arch></guest></capabilities>",
			&cpu, &h, NULL),
		0);
	assert_string_equal(cpu.vendor, "AuthenticAMD");
	assert_string_equal(cpu.model, "EPYC");
	assert_string_equal(cpu.microcode, "0x1000065");
	assert_int_equal(cpu.family, 23);
	assert_int_equal(cpu.stepping, 2);
	assert_int_equal(h.tsc_hz, 2595120000);
	assert_string_equal(h.host_uuid, "u");
	assert_int_equal(h.tsc_scaling, PT_KNOWN_YES);
	assert_int_equal(h.machines.n, 2);
	assert_true(pt_strv_has(&h.machines, "pc-q35-10.0"));
	pt_cpu_host_done(&cpu);
	pt_hypervisor_done(&h);
}

static void put_vm(struct fixture *f, const char *name, const char *uuid, bool active)
{
	pt_array_push(&f->there.vms, ((struct pt_migrate_vm){ pt_strdup(name), pt_strdup(uuid), active }));
}

/* libvirt refuses it, or takes the other's place, when the VM has already lost its device here */
static void one_of_that_name_or_uuid_there_is_told_before(void **state)
{
	struct fixture *f = *state;
	static const char mine[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";
	static const char other[] = "6695eb01-f6a4-8304-79aa-97f2502e1940";

	f->look.vm.uuid = pt_strdup(mine);
	put_vm(f, "db", other, true);
	assert_int_equal(judge(f), PT_OK);
	put_vm(f, "vm", mine, false);
	assert_int_equal(judge(f), PT_WARN);
	assert_non_null(strstr(finding(&f->host, "vm-there")->fact, "that definition is replaced"));
	f->there.vms.v[1].active = true;
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "vm-there")->fact, "a VM with its UUID runs there already"));
	f->there.vms.v[1].active = false;
	pt_strset(&f->there.vms.v[1].name, "copy");
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "vm-there")->fact, "copy there has the UUID of vm"));
	pt_strset(&f->there.vms.v[1].name, "vm");
	pt_strset(&f->there.vms.v[1].uuid, other);
	assert_int_equal(judge(f), PT_FAIL);
	assert_non_null(strstr(finding(&f->host, "vm-there")->fact, "another VM is called vm there"));
}

static void a_model_that_an_older_libvirt_does_not_know_is_a_no(void **state)
{
	struct fixture *f = *state;

	f->look.live.cpu.mode = PT_CPU_MODE_CUSTOM;
	f->look.live.cpu.model = pt_strdup("EPYC-Genoa");
	pt_strv_add(&f->there.hypervisor.models, "EPYC");
	(void)judge(f);
	assert_non_null(strstr(finding(&f->host, "cpu-unknown-model")->fact, "knows no processor model EPYC-Genoa"));
	assert_int_equal(finding(&f->host, "cpu-unknown-model")->verdict, PT_FAIL);
	pt_strv_add(&f->there.hypervisor.models, "EPYC-Genoa");
	(void)judge(f);
	for (size_t i = 0; i < f->host.n; i++)
		assert_string_not_equal(f->host.v[i].name, "cpu-unknown-model");
}

/* the memory of a guest that shares it (virtiofs) is among the caches, and does not give way */
static void memory_in_caches_is_not_certain(void **state)
{
	struct fixture *f = *state;

	f->there.certain_kib = 2 << 20;
	assert_int_equal(judge(f), PT_OK);
	f->there.certain_kib = 1 << 19;
	assert_int_equal(judge(f), PT_WARN);
	assert_non_null(strstr(finding(&f->host, "memory")->fact, "512 MiB of memory free for certain"));
	/* what a device there needs is pinned at once */
	pt_array_push(&f->look.live.hostdevs,
		      ((struct pt_domain_hostdev){
			      .kind = PT_HOSTDEV_PCI, .has_bdf = true, .team_of = pt_strdup("ua-net0") }));
	assert_int_equal(judge(f), PT_UNKNOWN);
	f->there.available_kib = 1 << 19;
	assert_int_equal(judge(f), PT_FAIL);
}

/* libvirt lists no flags there, but names the processor */
static void an_equal_processor_of_another_kind_is_a_yes(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_host *both[] = { &f->source, &f->there };

	for (size_t i = 0; i < 2; i++) {
		both[i]->hypervisor.arch = pt_strdup("aarch64");
		pt_strset(&both[i]->cpu.vendor, "ARM");
		both[i]->cpu.model = pt_strdup("Neoverse-N1");
		pt_strv_done(&both[i]->hypervisor.flags);
	}
	pt_strv_done(&f->look.host_model.flags);
	assert_int_equal(judge(f), PT_OK);
	assert_non_null(strstr(finding(&f->host, "cpu-flags")->fact, "its processor is Neoverse-N1"));
	pt_strset(&f->there.cpu.model, "Neoverse-V1");
	assert_int_equal(judge(f), PT_UNKNOWN);
	assert_int_equal(finding(&f->host, "cpu-flags")->verdict, PT_UNKNOWN);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_host_like_this_one_will_do),
		CASE(the_host_that_it_is_on_is_a_no),
		CASE(a_lesser_host_is_refused_by_the_flags_it_lacks),
		CASE(a_model_asks_only_for_its_own_flags),
		CASE(what_libvirt_does_not_list_here_is_not_missing_there),
		CASE(another_vendor_is_a_no),
		CASE(another_architecture_is_a_no_and_vendors_are_x86s),
		CASE(bridges_and_networks_are_named),
		CASE(a_host_without_the_vms_network_or_bridge_is_a_no),
		CASE(an_emulated_vm_asks_for_qemu_only),
		CASE(microcode_and_tsc_are_warnings),
		CASE(invtsc_is_had_by_who_names_it_only),
		cmocka_unit_test(a_clock_that_fixes_the_tsc_is_read),
		CASE(machine_type_and_memory_are_asked_for),
		CASE(a_host_that_could_not_be_asked_is_unknown_with_the_reason),
		CASE(huge_pages_are_counted_by_their_size),
		CASE(what_is_not_known_is_neither_yes_nor_no),
		CASE(without_libvirts_word_the_kernels_decide_for_passthrough),
		CASE(what_no_guest_gets_is_no_reason),
		CASE(a_kernels_list_alone_is_no_yes_for_a_model),
		CASE(a_host_without_kvm_is_no_yes),
		CASE(devices_of_this_host_hold_it_back_by_name),
		CASE(a_device_that_only_the_definition_has_does_not_go_along),
		CASE(what_libvirt_refuses_is_said_by_name),
		CASE(a_disk_that_is_being_copied_holds_it_back),
		CASE(what_goes_on_with_it_holds_it_back),
		CASE(a_copy_is_told_once),
		CASE(checkpoints_are_warned_of),
		CASE(what_qemu_says_decides),
		CASE(guests_in_the_guest_are_thought_of),
		CASE(what_this_hosts_chips_hold_stays_here),
		CASE(a_running_vm_is_judged_by_what_it_runs_with),
		CASE(a_disk_that_only_this_host_has_holds_it_back),
		CASE(every_file_of_a_disk_counts),
		cmocka_unit_test(an_image_behind_an_absolute_link_is_found),
		CASE(facts_are_read_as_they_were_written),
		CASE(facts_that_are_none_are_refused_with_the_place),
		cmocka_unit_test(libvirts_capabilities_are_read),
		CASE(one_of_that_name_or_uuid_there_is_told_before),
		CASE(a_model_that_an_older_libvirt_does_not_know_is_a_no),
		CASE(memory_in_caches_is_not_certain),
		CASE(an_equal_processor_of_another_kind_is_a_yes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
