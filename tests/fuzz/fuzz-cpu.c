/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile words about processors: a guest's /proc/cpuinfo, libvirt's documents from another host, recorded facts, and a
 * definition whose <cpu> is replaced.  What is edited must be readable again and say what was asked.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "decide/cpuflags.h"
#include "domxml/cpu.h"
#include "domxml/domxml.h"
#include "host/cpu.h"
#include "shape/cpu.h"
#include "shape/hostfacts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_cpuinfo(const char *text)
{
	struct pt_cpu_host h = { 0 };
	struct pt_cpu_flag_groups groups = { 0 };
	size_t n = 0;

	pt_cpuinfo_parse(text, &h);
	pt_cpu_flags_group(&h.flags, &groups);
	for (size_t i = 0; i < groups.n; i++)
		n += groups.v[i].flags.n;
	if (n != h.flags.n)
		abort();
	pt_cpu_flag_groups_done(&groups);
	pt_cpu_host_done(&h);
}

static void try_documents(const char *text)
{
	struct pt_cpu_caps caps = { 0 };
	struct pt_cpu_def def = { 0 };
	struct pt_cpu_host host = { 0 };
	struct pt_hypervisor hypervisor = { 0 };

	if (pt_domxml_read_cpu_caps(text, &caps, NULL) == 0)
		pt_cpu_caps_done(&caps);
	if (pt_domxml_read_caps(text, &host, &hypervisor, NULL) == 0) {
		pt_cpu_host_done(&host);
		pt_hypervisor_done(&hypervisor);
	}
	if (pt_domxml_read_cpu(text, &def, NULL) == 0) {
		char *again = pt_domxml_print_cpu(&def);

		free(again);
		pt_cpu_def_done(&def);
	}
}

static void try_facts(const char *text, size_t size)
{
	struct pt_migrate_host h = { 0 };
	json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);

	struct pt_migrate_hosts l = { 0 };

	/* twice: the second time by the words of the first */
	for (int i = 0; i < 2; i++)
		(void)pt_host_facts_scan(text, size, "fuzz", &l);
	if (o && pt_host_facts_read(o, "fuzz", &h, NULL) == 0) {
		for (size_t i = 0; i < l.n; i++)
			if (!pt_streq(l.v[i].name, h.name) || l.v[i].cpu.flags.n != h.cpu.flags.n ||
			    l.v[i].hypervisor.flags.n != h.hypervisor.flags.n || l.v[i].known != h.known)
				abort();
		pt_migrate_host_done(&h);
	}
	pt_migrate_hosts_done(&l);
	json_decref(o);
}

/* another one, the same one with other words, none */
static void try_viommu(const char *text)
{
	static const char *const models[] = { "virtio", "intel", NULL };

	for (size_t i = 0; i < 3; i++) {
		struct pt_domain_edit edit = { .has_viommu = true, .split_ioapic = i == 1 };
		struct pt_domain after = { 0 };
		char *edited = NULL;

		edit.viommu.model = pt_strdup_opt(models[i]);
		edit.viommu.words[PT_VIOMMU_EIM] = pt_strdup_opt(i == 1 ? "on" : NULL);
		if (pt_domxml_edit(text, &edit, &edited, NULL) == 0 && pt_domxml_read(edited, &after, NULL) == 0 &&
		    !pt_viommu_same(&after.viommu, &edit.viommu))
			abort();
		free(edited);
		pt_domain_done(&after);
		pt_domain_edit_done(&edit);
	}
}

static void try_edit(const char *text)
{
	struct pt_domain_edit edit = { .has_cpu = true };
	struct pt_domain after = { 0 };
	char *edited = NULL;

	edit.cpu.mode = PT_CPU_MODE_CUSTOM;
	edit.cpu.model = pt_strdup("EPYC");
	pt_cpu_def_set_feature(&edit.cpu, "svm", "require");
	if (pt_domxml_edit(text, &edit, &edited, NULL) == 0 && pt_domxml_read(edited, &after, NULL) == 0 &&
	    !pt_cpu_def_same(&after.cpu, &edit.cpu))
		abort();
	free(edited);
	pt_domain_done(&after);
	pt_domain_edit_done(&edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = pt_strndup((const char *)data, size);

	try_cpuinfo(text);
	try_documents(text);
	try_facts(text, strlen(text));
	try_edit(text);
	try_viommu(text);
	free(text);
	return 0;
}
