/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors in libvirt's documents: a definition's <cpu> is read with the rest of it; here are those that stand alone.
 * Judges nothing.
 */
#ifndef PT_DOMXML_CPU_H
#define PT_DOMXML_CPU_H

#include "base/error.h"
#include "model/cpu.h"
#include "model/migrate.h"

/** pt_domxml_read_cpu() - a <cpu> document, as virConnectBaselineHypervisorCPU() answers; -EBADMSG with the line */
int pt_domxml_read_cpu(const char *xml, struct pt_cpu_def *ret_def, struct pt_error *err);

/** pt_domxml_read_cpu_caps() - the processor part of a <domainCapabilities> document; -EBADMSG with the line */
int pt_domxml_read_cpu_caps(const char *xml, struct pt_cpu_caps *ret_caps, struct pt_error *err);

/**
 * pt_domxml_read_caps() - a <capabilities> document: vendor, signature and microcode of the processor, TSC, machine
 * types
 *
 * Its own list of flags is left aside: it names a model of libvirt's, not what QEMU can give.
 */
int pt_domxml_read_caps(const char *xml, struct pt_cpu_host *ret_cpu, struct pt_hypervisor *ret_hypervisor,
			struct pt_error *err);

/** pt_domxml_read_page_sizes() - of the same document: the sizes of pages that the processor has, the base one too */
int pt_domxml_read_page_sizes(const char *xml, unsigned *ret_kib, size_t most, size_t *ret_n, struct pt_error *err);

/** pt_domxml_print_cpu() - @def as a <cpu> document; the caller frees */
char *pt_domxml_print_cpu(const struct pt_cpu_def *def);

#endif
