/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/memory.h"

#define GIB_KIB ((uint64_t)1 << 20)

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static unsigned count_nvme(const struct pt_domain *vm)
{
	unsigned n = 0;

	for (size_t i = 0; i < vm->disks.n; i++)
		n += vm->disks.v[i].type == PT_DISK_NVME;
	return n;
}

static bool is_power_kvm(const struct pt_domain *vm)
{
	return vm->arch && pt_startswith(vm->arch, "ppc64") && pt_streq(vm->type, "kvm");
}

/*
 * On POWER the hash table and the DMA windows count: libvirt's getPPC64MemLockLimitBytes.  It locks some of it for
 * any guest, and the guest's memory, with a 512th for each host bridge's window, for one with VFIO.
 */
static uint64_t power_limit_kib(const struct pt_domain *vm, unsigned vfio)
{
	uint64_t bridges = 0;
	uint64_t most = vm->max_memory_kib ? vm->max_memory_kib : vm->memory_kib;
	uint64_t base;
	uint64_t windows;
	uint64_t guest;

	for (size_t i = 0; i < vm->controllers.n; i++)
		bridges +=
			pt_streq(vm->controllers.v[i].type, "pci") && pt_streq(vm->controllers.v[i].model, "pci-root");
	base = add(most / 128, add(multiply(4096, bridges), 8192));
	if (!vfio)
		return base;
	windows = multiply(2 * GIB_KIB, bridges);
	guest = add(vm->memory_kib, add(multiply(vm->memory_kib / 512, bridges), 8192));
	return add(base, windows > guest ? windows : guest);
}

uint64_t pt_memlock_limit(const struct pt_domain *vm, unsigned vfio)
{
	unsigned nvme = count_nvme(vm);
	uint64_t factor = (uint64_t)vm->vdpa_count + nvme;

	if (vm->hard_limit_kib)
		return multiply(vm->hard_limit_kib, 1024);
	if (vm->memory_locked)
		return PT_MEMLOCK_UNLIMITED;
	if (is_power_kvm(vm))
		return multiply(power_limit_kib(vm, vfio), 1024);
	/* each VFIO device behind a vIOMMU has an address space, and so a mapping, of its own */
	factor += vm->viommu.model ? vfio : vfio > 0;
	if (!factor)
		return 0;
	return multiply(add(multiply(factor, vm->memory_kib), GIB_KIB), 1024);
}

uint64_t pt_memory_to_pin(const struct pt_domain *vm, unsigned vfio)
{
	return vfio ? multiply(vm->memory_kib, 1024) : 0;
}
