/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flags a VM gets under which mode, whether its mode may be changed, and whether the change took.  Pure: facts
 * in, a plan or findings out.
 *
 * What a mode gives is foretold from libvirt's words; what a running VM has is libvirt's live definition; what the
 * guest sees only the guest can tell.
 */
#ifndef PT_DECIDE_CPU_H
#define PT_DECIDE_CPU_H

#include "model/cpu.h"
#include "model/domain.h"
#include "model/plan.h"

/* the flags of one model alone, in libvirt's words; @why_not: they are not known, and why */
struct pt_cpu_model_flags {
	char *model;
	struct pt_strv flags;
	char *why_not;
};

/**
 * struct pt_cpu_look - all that is known; owns everything in it
 * @live: what the VM runs with, its devices, disks and memory too; valid when @running
 * @caps, @caps_why_not: what libvirt can give it; @caps_why_not: it could not tell
 * @host_model: flags of caps.host_model with its features, before what QEMU leaves out (decide/cpu.c)
 * @models: of each model that one of the definitions in play names
 */
struct pt_cpu_look {
	struct pt_cpu_host host;
	struct pt_domain vm;
	bool running;
	struct pt_domain live;
	struct pt_cpu_caps caps;
	char *caps_why_not;
	struct pt_cpu_model_flags host_model;
	PT_ARRAY(struct pt_cpu_model_flags) models;
};

void pt_cpu_look_done(struct pt_cpu_look *l);

/** pt_cpu_look_now() - the VM as it is now: what it runs with, its definition when it is off */
const struct pt_domain *pt_cpu_look_now(const struct pt_cpu_look *l);

/**
 * struct pt_cpu_given - what a definition of a processor comes to; owns everything in it
 * @known: @flags are; otherwise @why_not says why not
 */
struct pt_cpu_given {
	bool known;
	struct pt_strv flags;
	char *why_not;
};

/** pt_cpu_given_of() - the flags that @def gives a VM on this host; sorted */
void pt_cpu_given_of(const struct pt_cpu_look *look, const struct pt_cpu_def *def, struct pt_cpu_given *ret_given);
void pt_cpu_given_done(struct pt_cpu_given *g);

/**
 * pt_cpu_spell_out() - name in @def what libvirt counts among a model's flags and QEMU leaves out of it: svm
 * @flags: what libvirt says @def comes to
 *
 * Without it a VM given @def would not start: what hangs on svm (npt and others) is asked for by name and cannot be
 * had.
 */
void pt_cpu_spell_out(struct pt_cpu_def *def, const struct pt_strv *flags);

/** pt_decide_cpu_host() - what is to be said of this host's processors: nested virtualisation, unlike ones */
void pt_decide_cpu_host(const struct pt_cpu_host *host, struct pt_findings *ret_findings);

/**
 * struct pt_cpu_request - what the user asked for; borrows everything
 * @mode, @model: PT_CPU_MODE_NONE: as it is now
 * @baseline: a whole definition to be taken as it is, NULL when none
 * @nested: vmx or svm besides
 * @restart: the VM may be shut down and started again; @start: start it even if it did not run
 */
struct pt_cpu_request {
	enum pt_cpu_mode mode;
	const char *model;
	const struct pt_cpu_def *baseline;
	bool nested;
	bool restart;
	bool start;
	unsigned stop_timeout_ms;
};

/** pt_cpu_wanted() - the definition that a request comes to; the caller calls pt_cpu_def_done() */
void pt_cpu_wanted(const struct pt_cpu_look *look, const struct pt_cpu_request *request, struct pt_cpu_def *ret_def);

/**
 * pt_decide_cpu() - the plan that changes a VM's processor
 *
 * Return: 0, with no steps when it is so already; -EPERM refused (the findings say by what); -EINVAL, -ENOENT
 * (PT_ERROR_USAGE) for a model that libvirt does not know.
 */
int pt_decide_cpu(const struct pt_cpu_look *look, const struct pt_cpu_request *request, struct pt_plan *ret_plan,
		  struct pt_error *err);

/**
 * pt_decide_cpu_proof() - did it take?
 * @wanted: what was defined; @look: afterwards
 * @guest: the guest's own /proc/cpuinfo, NULL when it was not told, and then why in @silent
 */
void pt_decide_cpu_proof(const struct pt_cpu_look *look, const struct pt_cpu_def *wanted,
			 const struct pt_cpu_host *guest, const char *silent, struct pt_findings *ret_findings);

#endif
