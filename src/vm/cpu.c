/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/cpu.h"

#include <stdlib.h>

#include "domxml/cpu.h"
#include "vm/conn.h"

int pt_vm_cpu_caps(struct pt_vm_conn *conn, const struct pt_domain *vm, struct pt_cpu_caps *ret_caps,
		   struct pt_error *err)
{
	pt_autofree char *xml =
		virConnectGetDomainCapabilities(conn->conn, vm->emulator, vm->arch, vm->machine, vm->type, 0);

	if (!xml)
		return pt_vm_fail(err, "cannot ask libvirt what it can give %s", vm->name);
	return pt_domxml_read_cpu_caps(xml, ret_caps, err);
}

int pt_vm_cpu_flags(struct pt_vm_conn *conn, const struct pt_domain *vm, const struct pt_cpu_def *def,
		    struct pt_strv *ret_flags, struct pt_error *err)
{
	pt_autofree char *asked = pt_domxml_print_cpu(def);
	const char *cpus[] = { asked };
	pt_autofree char *xml =
		virConnectBaselineHypervisorCPU(conn->conn, vm->emulator, vm->arch, vm->machine, vm->type, cpus, 1,
						VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
	PT_AUTO(pt_cpu_def) full = { 0 };
	int r;

	if (!xml)
		return pt_vm_fail(err, "cannot ask libvirt which flags %s stands for", def->model);
	r = pt_domxml_read_cpu(xml, &full, err);
	if (r < 0)
		return r;
	*ret_flags = (struct pt_strv){ 0 };
	pt_cpu_def_apply(&full, ret_flags);
	pt_strv_sort(ret_flags);
	return 0;
}

/* host-model's flags are asked for as those of any VM with KVM */
static const struct pt_domain any_vm = { .name = (char *)(uintptr_t) "a VM", .type = (char *)(uintptr_t) "kvm" };

static void read_host_model(struct pt_vm_conn *conn, struct pt_hypervisor *h)
{
	PT_AUTO(pt_cpu_caps) caps = { 0 };

	if (pt_vm_cpu_caps(conn, &any_vm, &caps, NULL) < 0)
		return;
	for (size_t i = 0; i < caps.models.n; i++)
		pt_strv_add(&h->models, caps.models.v[i].name);
	/* a host without KVM, or a libvirt that cannot tell, has no host-model; whoever needs one says so */
	if (!caps.host_model.model)
		return;
	h->host_model = caps.host_model;
	caps.host_model = (struct pt_cpu_def){ 0 };
	if (pt_vm_cpu_flags(conn, &any_vm, &h->host_model, &h->flags, NULL) < 0)
		h->flags = (struct pt_strv){ 0 };
}

/*
 * What is free, or could be: caches give way.  But the kernel counts tmpfs and shared memory among the caches, that of
 * guests too, and they do not (@ret_certain: without); 0 when libvirt does not tell.
 */
static uint64_t available_kib(virConnectPtr conn, uint64_t *ret_certain)
{
	pt_autofree virNodeMemoryStats *stats = NULL;
	uint64_t sum = 0;
	int n = 0;

	/* libvirt takes no other number than its own, which it tells when asked with none */
	if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) < 0 || n <= 0 || n > 1024)
		return 0;
	stats = pt_alloc((size_t)n * sizeof(*stats));
	if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		bool certain = strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_FREE) == 0 ||
			       strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0;

		if (certain || strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0)
			sum += stats[i].value;
		if (certain)
			*ret_certain += stats[i].value;
	}
	return sum;
}

#define PAGE_SIZES_MAX 16

static bool is_less(const unsigned *sizes, size_t n, unsigned size)
{
	for (size_t i = 0; i < n; i++)
		if (sizes[i] < size)
			return true;
	return false;
}

/* free pages of each size but the smallest, which all memory is made of; what libvirt does not tell stays unknown */
static void read_hugepages(virConnectPtr conn, const char *caps, struct pt_migrate_host *h)
{
	unsigned sizes[PAGE_SIZES_MAX];
	unsigned long long free_pages[PAGE_SIZES_MAX] = { 0 };
	size_t n = 0;

	if (pt_domxml_read_page_sizes(caps, sizes, PAGE_SIZES_MAX, &n, NULL) < 0 || n < 2)
		return;
	/* cell -1: the host as a whole */
	if (virNodeGetFreePages(conn, (unsigned)n, sizes, -1, 1, free_pages, 0) != (int)n)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_less(sizes, n, sizes[i]))
			pt_array_push(&h->hugepages,
				      ((struct pt_hugepages){ .size_kib = sizes[i], .free = free_pages[i] }));
}

/* where its network driver, or that of node devices, does not answer, they are not known */
static void read_networks(virConnectPtr conn, struct pt_migrate_host *h)
{
	virNodeDevicePtr *devices = NULL;
	virNetworkPtr *networks = NULL;
	int n = virConnectListAllNetworks(conn, &networks, VIR_CONNECT_LIST_NETWORKS_ACTIVE);

	h->nets_known = n >= 0;
	for (int i = 0; i < n; i++) {
		pt_strv_add(&h->networks, virNetworkGetName(networks[i]));
		(void)virNetworkFree(networks[i]);
	}
	free(networks);
	n = virConnectListAllNodeDevices(conn, &devices, VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET);
	/* each host has one, lo: a list without is none */
	h->netdevs_known = n > 0;
	for (int i = 0; i < n; i++) {
		pt_strv_add(&h->netdevs, virNodeDeviceGetName(devices[i]));
		(void)virNodeDeviceFree(devices[i]);
	}
	free(devices);
}

static int read_vms(virConnectPtr conn, struct pt_migrate_host *h, struct pt_error *err)
{
	virDomainPtr *all = NULL;
	int n = virConnectListAllDomains(conn, &all, 0);

	if (n < 0)
		return pt_vm_fail(err, "cannot ask libvirt at %s which VMs it has", h->where);
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN] = "";

		/* both are known with the list: nothing is asked */
		if (virDomainGetUUIDString(all[i], uuid) == 0)
			pt_array_push(&h->vms,
				      ((struct pt_migrate_vm){ pt_strdup(virDomainGetName(all[i])), pt_strdup(uuid),
							       virDomainGetID(all[i]) != (unsigned)-1 }));
		(void)virDomainFree(all[i]);
	}
	free(all);
	return 0;
}

int pt_vm_hypervisor(struct pt_vm_conn *conn, struct pt_migrate_host *ret_host, struct pt_error *err)
{
	pt_autofree char *xml = virConnectGetCapabilities(conn->conn);
	PT_AUTO(pt_vm_version) version = { 0 };
	struct pt_migrate_host h = { 0 };
	char *name;
	int r;

	if (!xml)
		return pt_vm_fail(err, "cannot ask libvirt at %s what it can do", conn->uri);
	r = pt_vm_version_read(conn, &version, err);
	if (r >= 0)
		r = pt_domxml_read_caps(xml, &h.cpu, &h.hypervisor, err);
	if (r < 0)
		return pt_wrap(err, r, "%s", conn->uri);
	h.known = true;
	h.hypervisor.libvirt = pt_take_ptr(version.libvirt);
	h.hypervisor.qemu = pt_take_ptr(version.hypervisor);
	name = virConnectGetHostname(conn->conn);
	h.name = name ? name : pt_strdup(conn->uri);
	h.where = pt_strdup(conn->uri);
	h.available_kib = available_kib(conn->conn, &h.certain_kib);
	r = read_vms(conn->conn, &h, err);
	if (r < 0) {
		pt_migrate_host_done(&h);
		return r;
	}
	read_host_model(conn, &h.hypervisor);
	read_hugepages(conn->conn, xml, &h);
	read_networks(conn->conn, &h);
	*ret_host = h;
	return 0;
}

int pt_vm_cpu_baseline(struct pt_vm_conn *conn, const struct pt_cpu_def *const *hosts, size_t n,
		       struct pt_cpu_def *ret_def, struct pt_strv *ret_flags, struct pt_error *err)
{
	PT_AUTO(pt_strv) asked = { 0 };
	pt_autofree const char **list = pt_alloc((n + 1) * sizeof(*list));
	pt_autofree char *xml = NULL;
	int r;

	for (size_t i = 0; i < n; i++) {
		pt_strv_take(&asked, pt_domxml_print_cpu(hosts[i]));
		list[i] = asked.v[i];
	}
	xml = virConnectBaselineHypervisorCPU(conn->conn, NULL, NULL, NULL, any_vm.type, list, (unsigned)n,
					      VIR_CONNECT_BASELINE_CPU_MIGRATABLE);
	if (!xml)
		return pt_vm_fail(err, "libvirt finds no processor that all of these hosts can run");
	r = pt_domxml_read_cpu(xml, ret_def, err);
	if (r >= 0)
		r = pt_vm_cpu_flags(conn, &any_vm, ret_def, ret_flags, err);
	return r;
}
