/* SPDX-License-Identifier: Apache-2.0 */
/* The first processor in /proc/cpuinfo. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/platform-parts.h"

/* 2,048 processors take 3 MiB */
#define CPUINFO_MAX ((size_t)32 << 20)

/* the value of the first "KEY\t: VALUE" line; the caller frees; NULL when there is none */
static char *field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *value;

		line += *line == '\n';
		if (strncmp(line, key, n) != 0)
			continue;
		value = line + n + strspn(line + n, " \t");
		if (*value != ':')
			continue;
		value += 1 + strspn(value + 1, " \t");
		return pt_strndup(value, strcspn(value, "\n"));
	}
	return NULL;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at && (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static enum pt_cpu_maker maker_of(const char *vendor)
{
	if (strcmp(vendor, "AuthenticAMD") == 0 || strcmp(vendor, "HygonGenuine") == 0)
		return PT_CPU_AMD;
	if (strcmp(vendor, "GenuineIntel") == 0 || strcmp(vendor, "CentaurHauls") == 0 ||
	    strcmp(vendor, "  Shanghai  ") == 0)
		return PT_CPU_INTEL;
	return PT_CPU_OTHER;
}

static void read_x86(const char *text, const char *vendor, const char *flags, struct pt_cpu *cpu)
{
	pt_autofree char *sizes = field(text, "address sizes");
	unsigned long bits = 0;

	cpu->arch = PT_ARCH_X86;
	cpu->maker = maker_of(vendor ? vendor : "");
	cpu->virt = has_word(flags, "vmx") || has_word(flags, "svm") ? PT_KNOWN_YES : PT_KNOWN_NO;
	cpu->guest = has_word(flags, "hypervisor");
	cpu->model = field(text, "model name");
	/* "46 bits physical, 48 bits virtual" */
	if (sizes && strstr(sizes, "bits physical"))
		bits = strtoul(sizes, NULL, 10);
	cpu->phys_bits = bits <= 64 ? (unsigned)bits : 0;
}

void pt_platform_cpu_read(const struct pt_root *root, struct pt_cpu *cpu)
{
	pt_autofree char *text = NULL;
	pt_autofree char *vendor = NULL;
	pt_autofree char *flags = NULL;
	pt_autofree char *isa = NULL;
	pt_autofree char *arm = NULL;

	if (root->proc_fd < 0 || pt_file_read(root->proc_fd, "cpuinfo", CPUINFO_MAX, &text, NULL) < 0)
		return;
	vendor = field(text, "vendor_id");
	flags = field(text, "flags");
	isa = field(text, "isa");
	arm = field(text, "CPU implementer");
	if (vendor && strncmp(vendor, "IBM/S390", 8) == 0)
		cpu->arch = PT_ARCH_S390;
	else if (flags)
		read_x86(text, vendor, flags, cpu);
	else if (arm)
		cpu->arch = PT_ARCH_ARM;
	else if (isa)
		cpu->arch = PT_ARCH_RISCV;
	else if (strstr(text, "POWER"))
		cpu->arch = PT_ARCH_PPC;
}
