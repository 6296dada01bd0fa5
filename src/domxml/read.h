/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of pt_domxml_read(), one noun each.  Inside domxml/ only. */
#ifndef PT_DOMXML_READ_H
#define PT_DOMXML_READ_H

#include "domxml/doc.h"
#include "model/domain.h"

/* Each appends what one element says to @d; 0, or -EBADMSG with the line. */
int pt_xml_read_disk(const xmlNode *disk, struct pt_domain *d, struct pt_error *err);
int pt_xml_read_hostdev(const xmlNode *hostdev, struct pt_domain *d, struct pt_error *err);
int pt_xml_read_interface(const xmlNode *interface, struct pt_domain *d, struct pt_error *err);

/* functions and disks given to QEMU behind libvirt's back; what cannot be read there is not a fault of the definition
 */
void pt_xml_read_commandline(const xmlNode *domain, struct pt_domain *d);

/* memory, its backing, its limits */
int pt_xml_read_memory(const xmlNode *domain, struct pt_domain *d, struct pt_error *err);

/* <cpu>, or what has the same in it; @cpu may be NULL */
int pt_xml_read_cpu(const xmlNode *cpu, struct pt_cpu_def *ret_def, struct pt_error *err);

/* <iommu>; @ret_viommu starts empty */
void pt_xml_read_viommu(const xmlNode *iommu, struct pt_viommu *ret_viommu);

/* <address domain= bus= slot= function=>; @holder is named in the error, and when there is no @address */
/* where a device is in the guest: its own <address>, not that in its <source>, which is the host's; 1, or 0 unknown */
bool pt_xml_read_place(const xmlNode *device, unsigned *ret_bus, unsigned *ret_slot);

int pt_xml_read_bdf(const xmlNode *holder, const xmlNode *address, struct pt_bdf *ret_bdf, struct pt_error *err);

/*
 * The PCI function that a <hostdev type='pci'> or <interface type='hostdev'> passes through: 1; 0 for other elements.
 * The editor finds by it what the reader found.
 */
int pt_xml_hostdev_bdf(const xmlNode *element, struct pt_bdf *ret_bdf, struct pt_error *err);

/* index= of a controller; libvirt counts those without one */
int pt_xml_controller_index(const xmlNode *controller, unsigned *ret_index, struct pt_error *err);

/* order= of a device's <boot>; 0 when there is none */
unsigned pt_xml_boot_order(const xmlNode *device);

/* controller= of <address type='drive'>; 1 when there is one */
int pt_xml_read_drive(const xmlNode *device, unsigned *ret_controller, struct pt_error *err);

#endif
