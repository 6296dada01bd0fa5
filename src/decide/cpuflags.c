/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/cpuflags.h"

#include <stdlib.h>
#include <string.h>

#define OTHER "other"

/*
 * By what they are for.  Names as the kernel writes them (arch/x86/include/asm/cpufeatures.h, arm64's cpuinfo.c); a
 * word that ends in * stands for all that begin so.
 */
static const struct {
	const char *name;
	const char *flags;
} table[] = {
	{ "virtualisation",
	  "vmx svm vnmi npt ept ept_ad vpid tpr_shadow flexpriority lbrv svm_lock nrip_save tsc_scale vmcb_clean "
	  "flushbyasid decodeassists pausefilter pfthreshold avic x2avic v_vmsave_vmload vgif v_spec_ctrl sev "
	  "vmmcall tdx_host_platform extapic hypervisor vmx_* svme_addr_chk sev_*" },
	{ "vector and floating point",
	  "fpu fpu_fast mmx mmxext mmx_fp 3dnow 3dnowext sse sse2 pni sse3 ssse3 sse4_1 sse4_2 sse4a misalignsse fma "
	  "fma4 xop f16c avx avx2 avx512* avx_* avxvnniint* avx10* amx_* fxsr fxsr_opt xsave xsaveopt "
	  "xsavec xsaves xgetbv1 xsave_* xfd "
	  "xsaveerptr fp asimd* sve sve2 sve_* svei* fphp bf16 i8mm" },
	{ "cryptography",
	  "aes pclmulqdq vaes vpclmulqdq sha_ni sha512 sm3 sm4 gfni rdrand rdseed rng rng_en ace ace_en ace2 ace2_en "
	  "phe phe_en pmm pmm_en padlock pmull sha1 sha2 sha3 crc32 aeskle kl wide_kl" },
	{ "security",
	  "smep smap umip pku ospke pks nx ibrs ibpb ibrs_enhanced stibp ssbd amd_ssbd amd_stibp amd_ibrs virt_ssbd "
	  "amd_no_ssb ssb_no spec_ctrl intel_stibp md_clear flush_l1d arch_capabilities rdctl_no rsba "
	  "skip_l1dfl_vmentry "
	  "mds_no taa_no tsx_ctrl tsx_ldtrk pschange_mc_no pti retpoline ibrs_all ibpb_brtype sbpb sbdr_ssdp_no "
	  "fbsdp_no psdp_no fb_clear rrsba* bhi_* bhi_ctrl gds_* gds_no rfds_* its_no automatic_ibrs auto_ibrs "
	  "null_sel_clr_base lfence_always_rdtsc amd_psfd psfd sgx sgx_* sgx1 sgx2 sgx_lc smx shstk user_shstk "
	  "ibt cet_* lam split_lock_detect bus_lock_detect core_capability sme srso_* no_nested_data_bp "
	  "stibp_always_on "
	  "stibp* ibs_* invpcid_single ssbs bti btic paca pacg mte mte3" },
	{ "integer", "cmov popcnt abm bmi1 bmi2 adx movbe cx8 cx16 lahf_lm rdpid serialize cmpccxadd raoint tbm lzcnt "
		     "fsrm fsrs fsrc "
		     "fzrm erms movdiri movdir64b enqcmd cpuid cpuid_fault syscall sysenter sep" },
	{ "memory", "pse pse36 pae mtrr pge pat clflush clflushopt clwb clzero cldemote pdpe1gb pcid invpcid la57 lm "
		    "nopl wbnoinvd fsgsbase prefetchwt1 prefetchiti 3dnowprefetch npt_lbrv smaf self_snoop ss "
		    "cqm* rdt_a cat_* cdp_* mba mbm_* uai atomics dcpop dcpodp" },
	{ "time", "tsc tsc_deadline_timer tsc_deadline tsc_adjust tsc_known_freq tsc_reliable constant_tsc nonstop_tsc "
		  "nonstop_tsc_s3 rdtscp invtsc rdpru art evtstrm" },
	{ "power and watching",
	  "acpi tm tm2 est pbe dts dtherm ida arat pln pts hwp* hw_pstate epb cpb cppc proc_feedback aperfmperf "
	  "eagerfpu "
	  "arch_perfmon perfctr_* perfmon_v2 amd_lbr* pebs bts pdcm ds_cpl dtes64 ds dca mce mca "
	  "intel_pt ibs monitor mwaitx waitpkg hfi skinit wdt topoext nodeid_msr bpext ptsc irperf overflow_recov "
	  "succor smca mca_* bus_lock_threshold" },
};

static bool matches(const char *word, size_t n, const char *flag)
{
	if (n && word[n - 1] == '*')
		return strncmp(word, flag, n - 1) == 0;
	return strlen(flag) == n && memcmp(word, flag, n) == 0;
}

static bool has_word(const char *list, const char *flag)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n && matches(list, n, flag))
			return true;
		list += n + strspn(list + n, " ");
	}
	return false;
}

/* libvirt writes sse4.1 and amd-ssbd where the kernel has sse4_1 and amd_ssbd; the caller frees */
static char *as_kernel(const char *flag)
{
	static const char *const pairs[][2] = {
		{ "sse3", "pni" },
		{ "i64", "lm" },
		{ "ffxsr", "fxsr_opt" },
		{ "pclmuldq", "pclmulqdq" },
		{ "cr8legacy", "cr8_legacy" },
		{ "tsc-deadline", "tsc_deadline_timer" },
	};
	char *copy;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (strcmp(pairs[i][0], flag) == 0)
			return pt_strdup(pairs[i][1]);
	copy = pt_strdup(flag);
	for (char *at = copy; *at; at++)
		if (*at == '-' || *at == '.')
			*at = '_';
	return copy;
}

static const char *group_of(const char *flag)
{
	char *word = as_kernel(flag);
	const char *name = OTHER;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table) && strcmp(name, OTHER) == 0; i++)
		if (has_word(table[i].flags, word) || has_word(table[i].flags, flag))
			name = table[i].name;
	free(word);
	return name;
}

static struct pt_cpu_flag_group *group(struct pt_cpu_flag_groups *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->v[i].name, name) == 0)
			return &g->v[i];
	return NULL;
}

void pt_cpu_flags_group(const struct pt_strv *flags, struct pt_cpu_flag_groups *ret_groups)
{
	struct pt_cpu_flag_groups all = { 0 };
	struct pt_cpu_flag_groups g = { 0 };

	for (size_t i = 0; i <= sizeof(table) / sizeof(*table); i++)
		pt_array_add(&all)->name = i < sizeof(table) / sizeof(*table) ? table[i].name : OTHER;
	for (size_t i = 0; i < flags->n; i++)
		pt_strv_add(&group(&all, group_of(flags->v[i]))->flags, flags->v[i]);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].flags.n)
			pt_array_push(&g, all.v[i]);
	free(all.v);
	*ret_groups = g;
}

void pt_cpu_flag_groups_done(struct pt_cpu_flag_groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		pt_strv_done(&g->v[i].flags);
	free(g->v);
	*g = (struct pt_cpu_flag_groups){ 0 };
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_sorted(const struct pt_strv *l)
{
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(l->v[i - 1], l->v[i]) > 0)
			return false;
	return true;
}

/* the texts of @l in order, borrowed; most lists are in order already; the caller frees the array */
static const char **in_order(const struct pt_strv *l)
{
	const char **sorted = pt_alloc((l->n + 1) * sizeof(*sorted));

	for (size_t i = 0; i < l->n; i++)
		sorted[i] = l->v[i];
	if (!is_sorted(l))
		qsort(sorted, l->n, sizeof(*sorted), by_text);
	return sorted;
}

void pt_cpu_flags_missing(const struct pt_strv *want, const struct pt_strv *have, struct pt_strv *ret_missing)
{
	const char **wanted = in_order(want);
	const char **had = in_order(have);
	size_t k = 0;

	*ret_missing = (struct pt_strv){ 0 };
	for (size_t i = 0; i < want->n; i++) {
		while (k < have->n && strcmp(had[k], wanted[i]) < 0)
			k++;
		if ((k == have->n || strcmp(had[k], wanted[i]) != 0) && (!i || strcmp(wanted[i - 1], wanted[i]) != 0))
			pt_strv_add(ret_missing, wanted[i]);
	}
	free(wanted);
	free(had);
}

void pt_cpu_flags_pick(const struct pt_strv *of, const struct pt_strv *in, bool present, struct pt_strv *ret)
{
	struct pt_strv spelt = { 0 };

	*ret = (struct pt_strv){ 0 };
	for (size_t i = 0; i < in->n; i++)
		pt_strv_take(&spelt, as_kernel(in->v[i]));
	pt_strv_sort(&spelt);
	for (size_t i = 0; i < of->n; i++) {
		char *word = as_kernel(of->v[i]);
		const char *key = word;

		if ((bsearch(&key, spelt.v, spelt.n, sizeof(*spelt.v), by_text) != NULL) == present)
			pt_strv_add(ret, of->v[i]);
		free(word);
	}
	pt_strv_sort(ret);
	pt_strv_done(&spelt);
}
