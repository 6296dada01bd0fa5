/* SPDX-License-Identifier: Apache-2.0 */
/*
 * [pci] device_spec: which devices of a host may be given to guests, and with which tags.  Reads no file and no sysfs:
 * what Nova looks up there (is this address a PF, whose interface is this) is taken from the host's facts.
 */
#ifndef PT_DECIDE_SPEC_H
#define PT_DECIDE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/regex.h"
#include "model/inventory.h"
#include "model/pciconfig.h"

enum pt_spec_address {
	PT_SPEC_GLOB,	 /* each field a number or any */
	PT_SPEC_REGEX,	 /* each field a regular expression */
	PT_SPEC_DEVNAME, /* the interface's device */
};

#define PT_SPEC_ANY (-1)
/* a number that no device has: Nova reads "-1" and never matches it */
#define PT_SPEC_NEVER (-2)

/**
 * struct pt_spec - one device_spec, judged; owns its members
 * @fields: domain, bus, slot, function: a number or PT_SPEC_ANY
 * @single: the address denotes one device; then @text is how sysfs would name it, and VFs of a PF there match too
 * @tags: an object: what becomes a pool's keys
 * @one_time_use: 1, 0, or PT_NOT_GIVEN
 * @live_migratable: as @one_time_use
 */
struct pt_spec {
	char *where;
	char *shown;
	int vendor;
	int product;
	enum pt_spec_address by;
	int fields[4];
	struct pt_regex *regex[4];
	bool single;
	char *text;
	char *devname;
	struct pt_value tags;
	char *resource_class;
	char *traits;
	bool physical_network;
	bool remote_managed;
	int live_migratable;
	int one_time_use;
};

struct pt_specs {
	struct pt_spec *v;
	size_t n;
	size_t cap;
};

/**
 * pt_specs_compile() - read all device_spec entries
 *
 * Return: 0, or -EINVAL with a message that names the entry's place, the offending text and what is allowed.
 */
int pt_specs_compile(const struct pt_pci_config *config, struct pt_specs *ret_specs, struct pt_error *err);

/* what a spec means on one host: @known false: its interface is not there; @pf: VFs of @bdf match too */
struct pt_bound {
	bool known;
	bool pf;
	struct pt_bdf bdf;
};

/**
 * pt_specs_bind() - look each spec's address or interface up on a host
 * @ret_bound: one a spec; the caller frees
 *
 * Return: 0, or -EINVAL when a remote_managed spec does not fit this host.
 */
int pt_specs_bind(const struct pt_specs *specs, const struct pt_inv_host *host, struct pt_bound **ret_bound,
		  struct pt_error *err);

/**
 * pt_spec_match() - does one spec match a device
 *
 * Return: 1, 0, or -ETIME with a message when a regular expression does not come to an end.
 */
int pt_spec_match(const struct pt_spec *spec, const struct pt_bound *bound, const struct pt_inv_device *device,
		  struct pt_error *err);

/* a node that no host has: Nova compares a tag that is no number with none of the guest's cells */
#define PT_NODE_NOWHERE INT32_MAX

/** pt_spec_node() - the NUMA node of a device that @spec offers: a tag numa_node takes the place of the device's own */
int pt_spec_node(const struct pt_spec *spec, const struct pt_inv_device *device);

/** pt_specs_first() - index of the first spec that matches, -ENOENT when none does, -ETIME as above */
int64_t pt_specs_first(const struct pt_specs *specs, const struct pt_bound *bound, const struct pt_inv_device *device,
		       struct pt_error *err);

void pt_specs_done(struct pt_specs *specs);

#endif
