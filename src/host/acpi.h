/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware's tables about IOMMUs: DMAR (Intel), IVRS (AMD), and whether there is an IORT (ARM) or VIOT (virtio).
 * Reads only.  A table comes from the firmware or from a capture, and is not trusted: every length in it is checked.
 */
#ifndef PT_HOST_ACPI_H
#define PT_HOST_ACPI_H

#include "base/error.h"
#include "base/root.h"
#include "model/platform.h"

/* the largest real DMAR (many sockets, many root ports) is a few KiB */
#define PT_ACPI_TABLE_MAX ((size_t)64 << 10)

/**
 * pt_acpi_read() - which tables there are, and what DMAR or IVRS say
 *
 * That a table is there can be seen by everybody, its contents by root only (mode 0400): then @ret_acpi->read is false
 * and @why_not says so.
 */
void pt_acpi_read(const struct pt_root *root, struct pt_acpi *ret_acpi);

/**
 * pt_dmar_parse() - Intel VT-d specification, chapter 8
 *
 * Return: 0 with @acpi's contents filled in; -EBADMSG with the offset when a length or a signature is wrong, and @acpi
 * unchanged.
 */
int pt_dmar_parse(const void *table, size_t size, struct pt_acpi *acpi, struct pt_error *err);

/** pt_ivrs_parse() - AMD I/O virtualization specification, chapter 5; as above */
int pt_ivrs_parse(const void *table, size_t size, struct pt_acpi *acpi, struct pt_error *err);

#endif
