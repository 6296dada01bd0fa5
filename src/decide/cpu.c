/* SPDX-License-Identifier: Apache-2.0 */
/* What a definition of a processor comes to, and what is to be said of a host's. */
#include "decide/cpu.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/cpuflags.h"

void pt_cpu_look_done(struct pt_cpu_look *l)
{
	pt_cpu_host_done(&l->host);
	pt_domain_done(&l->vm);
	pt_domain_done(&l->live);
	pt_cpu_caps_done(&l->caps);
	free(l->caps_why_not);
	pt_strv_done(&l->host_model.flags);
	free(l->host_model.why_not);
	free(l->host_model.model);
	for (size_t i = 0; i < l->models.n; i++) {
		free(l->models.v[i].model);
		free(l->models.v[i].why_not);
		pt_strv_done(&l->models.v[i].flags);
	}
	free(l->models.v);
	*l = (struct pt_cpu_look){ 0 };
}

const struct pt_domain *pt_cpu_look_now(const struct pt_cpu_look *l)
{
	return l->running ? &l->live : &l->vm;
}

void pt_cpu_given_done(struct pt_cpu_given *g)
{
	pt_strv_done(&g->flags);
	free(g->why_not);
	*g = (struct pt_cpu_given){ 0 };
}

static void drop(struct pt_strv *l, const char *name)
{
	struct pt_cpu_def without = { 0 };

	pt_cpu_def_set_feature(&without, name, "disable");
	pt_cpu_def_apply(&without, l);
	pt_cpu_def_done(&without);
}

/*
 * QEMU leaves svm out of every named model under KVM (kvm_default_props in target/i386/kvm/kvm-cpu.c), though libvirt's
 * list has it in some; only who names it gets it.  Without it goes what depends on it (feature_dependencies, FEAT_SVM).
 * x2apic and hypervisor come to each.
 */
static void as_qemu_does(const struct pt_cpu_def *def, const struct pt_cpu_def *base, struct pt_strv *flags)
{
	static const char *const with_svm[] = {
		"svm",		 "npt",	       "lbrv",	      "svm-lock",	 "nrip-save",
		"tsc-scale",	 "vmcb-clean", "flushbyasid", "decodeassists",	 "pause-filter",
		"pfthreshold",	 "avic",       "x2avic",      "v-vmsave-vmload", "vgif",
		"svme-addr-chk", "vnmi",
	};
	static const char *const to_all[] = { "hypervisor", "x2apic" };
	const char *policy = pt_cpu_def_feature(def, "svm");

	for (size_t i = 0; i < sizeof(to_all) / sizeof(*to_all); i++)
		if (!pt_strv_has(flags, to_all[i]))
			pt_strv_add(flags, to_all[i]);
	if (!policy && base)
		policy = pt_cpu_def_feature(base, "svm");
	if (pt_streq(policy, "require") || pt_streq(policy, "force"))
		return;
	for (size_t i = 0; i < sizeof(with_svm) / sizeof(*with_svm); i++)
		drop(flags, with_svm[i]);
}

void pt_cpu_spell_out(struct pt_cpu_def *def, const struct pt_strv *flags)
{
	if (pt_strv_has(flags, "svm") && !pt_cpu_def_feature(def, "svm"))
		pt_cpu_def_set_feature(def, "svm", "require");
}

static const struct pt_cpu_model_flags *model_flags(const struct pt_cpu_look *l, const char *model)
{
	for (size_t i = 0; i < l->models.n; i++)
		if (pt_streq(l->models.v[i].model, model))
			return &l->models.v[i];
	return NULL;
}

/* the flags before features are applied; NULL, with the reason */
static const struct pt_strv *base_flags(const struct pt_cpu_look *l, const struct pt_cpu_def *def,
					const char **ret_why_not)
{
	const struct pt_cpu_model_flags *m = &l->host_model;

	if (def->mode == PT_CPU_MODE_NONE) {
		*ret_why_not = "the definition has no <cpu>: QEMU's default";
		return NULL;
	}
	if (def->mode == PT_CPU_MODE_CUSTOM)
		m = model_flags(l, def->model);
	if (!m) {
		*ret_why_not = "libvirt was not asked for this model";
		return NULL;
	}
	*ret_why_not = m->why_not;
	return m->why_not ? NULL : &m->flags;
}

void pt_cpu_given_of(const struct pt_cpu_look *look, const struct pt_cpu_def *def, struct pt_cpu_given *ret_given)
{
	const char *why_not = NULL;
	const struct pt_strv *base = base_flags(look, def, &why_not);
	bool is_x86 = !look->vm.arch || pt_streq(look->vm.arch, "x86_64") || pt_streq(look->vm.arch, "i686");
	/* what QEMU emulates it gives as libvirt lists it */
	bool by_kvm = is_x86 && !pt_streq(look->vm.type, "qemu");

	*ret_given = (struct pt_cpu_given){ .known = base != NULL, .why_not = pt_strdup_opt(why_not) };
	if (!base)
		return;
	pt_strv_copy(&ret_given->flags, base);
	if (def->mode == PT_CPU_MODE_CUSTOM && by_kvm)
		as_qemu_does(def, NULL, &ret_given->flags);
	else if (def->mode == PT_CPU_MODE_HOST_MODEL && by_kvm)
		as_qemu_does(def, &look->caps.host_model, &ret_given->flags);
	/*
	 * domcapabilities lists invtsc among host-model's features, but it is the one flag that a guest which may be
	 * moved does not get of any mode: only who names it, or migratable='off'.
	 */
	drop(&ret_given->flags, "invtsc");
	if (is_x86 && def->mode != PT_CPU_MODE_CUSTOM && pt_streq(def->migratable, "off") &&
	    (pt_strv_has(base, "invtsc") || pt_strv_has(&look->host.flags, "nonstop_tsc")))
		pt_strv_add(&ret_given->flags, "invtsc");
	pt_cpu_def_apply(def, &ret_given->flags);
	pt_strv_sort(&ret_given->flags);
}

static void say_nested(const struct pt_cpu_host *h, struct pt_findings *l)
{
	pt_autofree char *where = pt_strf("/sys/module/%s/parameters/nested", h->module);
	pt_autofree char *on =
		pt_strf("stop all VMs, then `modprobe -r %s && modprobe %s nested=1`; for good: `options %s "
			"nested=1` in /etc/modprobe.d/kvm.conf",
			h->module, h->module, h->module);

	if (!h->virt) {
		pt_findings_add(l, PT_FAIL, "nested", "/proc/cpuinfo",
				"turn virtualisation on in the firmware; of a VM, let its own host give it `--nested`",
				"the processor has neither vmx nor svm: it runs no KVM guests at all");
		return;
	}
	if (h->nested == PT_KNOWN_YES)
		pt_findings_add(l, PT_OK, "nested", where, NULL,
				"guests may run guests of their own: those that are given %s", h->virt);
	else if (h->nested == PT_KNOWN_NO)
		pt_findings_add(l, PT_WARN, "nested", where, on, "no guest gets %s: nested virtualisation is off in %s",
				h->virt, h->module);
	else
		pt_findings_add(l, PT_UNKNOWN, "nested", where,
				h->loaded ? NULL : "load the module: `modprobe kvm`, or start any VM",
				"%s is not loaded, or does not say whether guests may run guests of their own",
				h->module);
}

void pt_decide_cpu_host(const struct pt_cpu_host *host, struct pt_findings *ret_findings)
{
	if (host->module)
		say_nested(host, ret_findings);
	else
		pt_findings_add(ret_findings, PT_UNKNOWN, "nested", "/proc/cpuinfo", NULL,
				"nested virtualisation is looked at on processors of Intel, AMD and their kin only");
	if (!host->microcode)
		pt_findings_add(ret_findings, PT_UNKNOWN, "microcode", "/proc/cpuinfo", NULL,
				"the kernel does not tell the microcode's revision");
	if (host->unlike)
		pt_findings_add(
			ret_findings, PT_WARN, "unlike", "/proc/cpuinfo",
			"boot with the same microcode everywhere; of a hybrid processor pin VMs to one kind of core",
			"%u of %u processors have other flags or another microcode than the first", host->unlike,
			host->count);
}
