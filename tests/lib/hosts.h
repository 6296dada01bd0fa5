/* SPDX-License-Identifier: Apache-2.0 */
/* Whole servers, made up after real ones: the hosts of the golden tests. */
#ifndef PT_TESTS_HOSTS_H
#define PT_TESTS_HOSTS_H

#include "fakesys.h"

/* a Dell PowerEdge R530 as in the HBA story: PERC H730 with three SSDs, the system on the chipset's SATA under LVM */
void host_dell_r530(struct fakesys *sys);

/* two sockets, GPUs behind switches, NVSwitches, a GPU with its audio function, a network card with VFs, NVMe */
void host_gpu_node(struct fakesys *sys);

/* Intel VMD: NVMe disks in a PCI domain of five digits */
void host_vmd(struct fakesys *sys);

/* one of everything on the root bus, the IOMMU off */
void host_laptop(struct fakesys *sys);

/* @count functions on many buses, every eighth a PF with seven VFs beside it: for timings */
void host_huge(struct fakesys *sys, unsigned count);

#endif
