/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM with passed-through devices pins and may lock.  Pure arithmetic. */
#ifndef PT_DECIDE_MEMORY_H
#define PT_DECIDE_MEMORY_H

#include <stdint.h>

#include "model/domain.h"
#include "model/host.h"

#define PT_MEMLOCK_UNLIMITED UINT64_MAX

/**
 * pt_memlock_limit() - RLIMIT_MEMLOCK that libvirt will give QEMU, bytes (qemuDomainGetMemLockLimitBytes, 11.3.0;
 * FIELD 2.9); 0: none needed
 * @vfio: VFIO hostdevs the VM will have; NVMe disks and vDPA are counted from @vm
 */
uint64_t pt_memlock_limit(const struct pt_domain *vm, unsigned vfio);

/** pt_memory_to_pin() - bytes of host memory that will be pinned: the guest's memory, once; 0 when @vfio is 0 */
uint64_t pt_memory_to_pin(const struct pt_domain *vm, unsigned vfio);

#endif
