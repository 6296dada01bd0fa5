/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, disks and uses as JSON: the one shape of the CLI's --json, the journal and the API.  What is unknown is null
 * and never left out.  Addresses and ids are strings, as people and lspci write them; sizes are bytes.
 *
 * A device:
 *	address, vendor_id, device_id, subsystem_vendor_id, subsystem_device_id, class_id	"0000:01:00.0", "1000",
 *… vendor, device, class	names, or null parent, slot_path	the function above; the way from the root bus
 *	driver, iommu_group, numa_node		null: none, none, unknown
 *	sriov	{"role": "none"}, {"role": "pf", "status": "enabled"|"disabled", "vfs": 2, "total": 7}
 *		or {"role": "vf", "pf": "0000:41:00.0", "index": 0}
 *	netdevs, disks	names
 * and of `show` besides:
 *	revision, modalias, driver_override, stuck, vfio_driver, serial, reset_methods (null: the kernel does not tell),
 *	bars [{index, size, type: "io"|"memory32"|"memory64"|"rom", prefetchable}]
 */
#ifndef PT_SHAPE_DEVICE_H
#define PT_SHAPE_DEVICE_H

#include <jansson.h>

#include "model/device.h"
#include "model/use.h"

/** pt_device_to_json() - a new reference; @detail: what pt_pci_read() fills in as well */
json_t *pt_device_to_json(const struct pt_device *d, bool detail);

/** pt_block_to_json() - {name, size, vendor, model, serial, wwn, links: ["/dev/disk/by-id/…"]} */
json_t *pt_block_to_json(const struct pt_block *b);

/** pt_use_to_json() - {address, kind, chain, where, pid, process} */
json_t *pt_use_to_json(const struct pt_use *u);

/** pt_json_strv() - an array of strings */
json_t *pt_json_strv(const struct pt_strv *l);

/** pt_json_text() - a string; null for NULL */
json_t *pt_json_text(const char *s);

#endif
