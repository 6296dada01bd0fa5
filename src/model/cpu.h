/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors: what the kernel says of this host's, what a VM's definition asks for, and what libvirt can give.  Plain
 * data; struct pt_cpu (model/platform.h) is doctor's short look at the same file.
 */
#ifndef PT_MODEL_CPU_H
#define PT_MODEL_CPU_H

#include <stdint.h>

#include "base/alloc.h"
#include "model/host.h"

/**
 * struct pt_cpu_host - the processors as a kernel lists them in /proc/cpuinfo; owns everything in it
 * @vendor: "GenuineIntel"; NULL where the kernel does not say
 * @family, @number, @stepping: -1 where it does not say
 * @microcode: as the kernel writes it, "0xd0003e7"; NULL unknown
 * @count: how many processors; 0: the file could not be read
 * @flags: of the first one, in the kernel's words and order
 * @unlike: how many have other flags or another microcode than the first
 * @mhz: of the first one, 0 unknown
 * @virt: "vmx" or "svm" when the processor has it, else NULL
 * @module: "kvm_intel" or "kvm_amd" by vendor, NULL for others; @loaded: that module is there
 * @nested: may guests virtualise in their turn (the module's parameter); unknown when it is not loaded
 * The last three are of the host only; of a guest they stay zero.
 */
struct pt_cpu_host {
	char *vendor;
	char *model;
	int family;
	int number;
	int stepping;
	char *microcode;
	unsigned count;
	struct pt_strv flags;
	unsigned unlike;
	double mhz;
	const char *virt;
	const char *module;
	bool loaded;
	enum pt_known nested;
};

void pt_cpu_host_done(struct pt_cpu_host *h);

enum pt_cpu_mode {
	PT_CPU_MODE_NONE = 0, /* no <cpu> that says one */
	PT_CPU_MODE_CUSTOM,
	PT_CPU_MODE_HOST_MODEL,
	PT_CPU_MODE_HOST_PASSTHROUGH,
	PT_CPU_MODE_MAXIMUM,
	PT_CPU_MODES
};

const char *pt_cpu_mode_str(enum pt_cpu_mode mode); /* "custom", "host-model", …; "none" */
int pt_cpu_mode_parse(const char *text, enum pt_cpu_mode *ret_mode);

/* one <feature>; @policy: "require", "disable", …; NULL: the element has none */
struct pt_cpu_feature {
	char *name;
	char *policy;
};

/**
 * struct pt_cpu_def - what <cpu> says of model and flags; its topology and NUMA cells are not looked at
 * @check, @match, @migratable: the attributes, NULL when not there
 * @model, @fallback, @vendor_id: <model> and its attributes
 */
struct pt_cpu_def {
	enum pt_cpu_mode mode;
	char *check;
	char *match;
	char *migratable;
	char *model;
	char *fallback;
	char *vendor_id;
	char *vendor;
	PT_ARRAY(struct pt_cpu_feature) features;
};

/* @to starts empty; deep copy */
void pt_cpu_def_copy(struct pt_cpu_def *to, const struct pt_cpu_def *from);
void pt_cpu_def_done(struct pt_cpu_def *d);
bool pt_cpu_def_same(const struct pt_cpu_def *a, const struct pt_cpu_def *b);

/** pt_cpu_def_feature() - the policy of a named feature; NULL when the definition does not name it */
const char *pt_cpu_def_feature(const struct pt_cpu_def *d, const char *name);

/** pt_cpu_def_set_feature() - name it with @policy, in place when it is there */
void pt_cpu_def_set_feature(struct pt_cpu_def *d, const char *name, const char *policy);

/** pt_cpu_def_apply() - flags as <feature>s make them out of a model's: required and forced come, disabled go */
void pt_cpu_def_apply(const struct pt_cpu_def *d, struct pt_strv *flags);

/* a model that libvirt knows; @usable: this host can run it; @blockers: flags that are missing for it, when told */
struct pt_cpu_model {
	char *name;
	char *vendor;
	enum pt_known usable;
	struct pt_strv blockers;
};

/**
 * struct pt_cpu_caps - what libvirt can give a VM of one kind (virConnectGetDomainCapabilities())
 * @passthrough, @host_model_ok: is the mode offered
 * @host_model: model and features that host-model stands for now; empty when it is not offered
 */
struct pt_cpu_caps {
	bool passthrough;
	bool host_model_ok;
	struct pt_cpu_def host_model;
	PT_ARRAY(struct pt_cpu_model) models;
};

void pt_cpu_caps_done(struct pt_cpu_caps *c);
const struct pt_cpu_model *pt_cpu_caps_model(const struct pt_cpu_caps *c, const char *name);

#endif
