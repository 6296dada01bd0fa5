/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of host/platform.h, each in a file of its own: src/host/platform-NOUN.c.  Reads only.  Each fills in its
 * part of @p and leaves unknown what it cannot see.  Those that use what another found say so.
 */
#ifndef PT_HOST_PLATFORM_PARTS_H
#define PT_HOST_PLATFORM_PARTS_H

#include "base/root.h"
#include "model/platform.h"

void pt_platform_cpu_read(const struct pt_root *root, struct pt_cpu *cpu);
/* /proc/cmdline, split as the kernel splits it; false when it cannot be read */
bool pt_platform_cmdline_read(const struct pt_root *root, struct pt_strv *cmdline);
/* release, lockdown, configuration, nodes below /dev */
void pt_platform_kernel_read(const struct pt_root *root, struct pt_kernel *kernel);
/* needs: cpu, kernel.release */
void pt_platform_modules_read(const struct pt_root *root, struct pt_platform *p);
/* parameters of the vfio modules, when loaded */
void pt_platform_vfio_read(const struct pt_root *root, struct pt_iommu *iommu);
/* modprobe.d; needs: cmdline, and pt_platform_vfio_read(), whose word goes first */
void pt_platform_modprobe_read(const struct pt_root *root, struct pt_platform *p);
void pt_platform_iommu_read(const struct pt_root *root, struct pt_iommu *iommu);
/* needs: cmdline */
void pt_platform_boot_read(const struct pt_root *root, struct pt_platform *p);

/* a text of words into a list: blanks separate, except inside double quotes, which are dropped */
void pt_platform_words(const char *text, struct pt_strv *words);

#endif
