/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* 2,048 processors take 3 MiB */
#define CPUINFO_MAX ((size_t)32 << 20)

/* "KEY\t: VALUE": the value of a line whose key is @key; NULL for another line */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0)
		return NULL;
	line += n + strspn(line + n, " \t");
	if (*line != ':')
		return NULL;
	line++;
	return line + strspn(line, " \t");
}

static char *copy_line(const char *text)
{
	size_t n = strcspn(text, "\n");

	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
		n--;
	return n ? pt_strndup(text, n) : NULL;
}

static void take_text(char **to, const char *value)
{
	if (!*to)
		*to = copy_line(value);
}

static void take_number(int *to, const char *value)
{
	char *end = NULL;
	long n = strtol(value, &end, 10);

	if (*to < 0 && end != value && n >= 0 && n <= 0xffff)
		*to = (int)n;
}

static void take_flags(struct pt_strv *flags, const char *value)
{
	const char *end = value + strcspn(value, "\n");

	while (value < end) {
		size_t n = strcspn(value, " \t\r\n");

		if (n)
			pt_strv_take(flags, pt_strndup(value, n));
		value += n + strspn(value + n, " \t\r");
		if (*value == '\n')
			break;
	}
}

/* x86 says flags, arm64 Features, s390 features */
static const char *flags_of(const char *line)
{
	static const char *const keys[] = { "flags", "Features", "features" };
	const char *value = NULL;

	for (size_t i = 0; !value && i < sizeof(keys) / sizeof(*keys); i++)
		value = value_of(line, keys[i]);
	return value;
}

/* what is compared of each processor with the first */
struct first {
	const char *flags;
	const char *microcode;
	bool unlike; /* the one that is being read */
};

static bool same_line(const char *a, const char *b)
{
	size_t n = strcspn(a, "\n");

	return n == strcspn(b, "\n") && memcmp(a, b, n) == 0;
}

static void compare(const char **first, const char *value, bool *unlike)
{
	if (!value)
		return;
	if (!*first)
		*first = value;
	else if (!same_line(*first, value))
		*unlike = true;
}

static void parse_line(const char *line, struct pt_cpu_host *h)
{
	const char *value;

	if ((value = value_of(line, "vendor_id")))
		take_text(&h->vendor, value);
	else if ((value = value_of(line, "model name")))
		take_text(&h->model, value);
	else if ((value = value_of(line, "cpu family")))
		take_number(&h->family, value);
	else if ((value = value_of(line, "model")))
		take_number(&h->number, value);
	else if ((value = value_of(line, "stepping")))
		take_number(&h->stepping, value);
	else if ((value = value_of(line, "microcode")))
		take_text(&h->microcode, value);
	else if ((value = value_of(line, "cpu MHz")) && h->mhz == 0)
		h->mhz = strtod(value, NULL);
	else if ((value = flags_of(line)) && !h->flags.n)
		take_flags(&h->flags, value);
}

/* the first line with that key; NULL: none */
static char *first_of(const char *text, const char *key)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = value_of(line, key);

		if (value)
			return copy_line(value);
	}
	return NULL;
}

/* arm64's kernel has numbers for a name: "Arm, implementer 0x41, part 0xd0c, variant 0x3, revision 1" */
static char *arm_model(const char *text)
{
	pt_autofree char *implementer = first_of(text, "CPU implementer");
	pt_autofree char *part = first_of(text, "CPU part");
	pt_autofree char *variant = first_of(text, "CPU variant");
	pt_autofree char *revision = first_of(text, "CPU revision");

	if (!implementer || !part)
		return NULL;
	return pt_strf("Arm, implementer %s, part %s, variant %s, revision %s", implementer, part,
		       variant ? variant : "unknown", revision ? revision : "unknown");
}

void pt_cpuinfo_parse(const char *text, struct pt_cpu_host *ret_host)
{
	struct pt_cpu_host h = { .family = -1, .number = -1, .stepping = -1 };
	struct first first = { 0 };

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (value_of(line, "processor")) {
			h.unlike += first.unlike;
			first.unlike = false;
			h.count++;
		}
		parse_line(line, &h);
		compare(&first.flags, flags_of(line), &first.unlike);
		compare(&first.microcode, value_of(line, "microcode"), &first.unlike);
	}
	h.unlike += first.unlike;
	if (!h.model)
		h.model = arm_model(text);
	h.virt = pt_strv_has(&h.flags, "vmx") ? "vmx" : pt_strv_has(&h.flags, "svm") ? "svm" : NULL;
	*ret_host = h;
}

static const char *module_of(const char *vendor)
{
	static const struct {
		const char *vendor;
		const char *module;
	} rows[] = {
		{ "GenuineIntel", "kvm_intel" }, { "CentaurHauls", "kvm_intel" }, { "Shanghai", "kvm_intel" },
		{ "AuthenticAMD", "kvm_amd" },	 { "HygonGenuine", "kvm_amd" },
	};

	for (size_t i = 0; vendor && i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].vendor, vendor) == 0)
			return rows[i].module;
	return NULL;
}

/* kvm_intel writes Y or N, kvm_amd 1 or 0 */
static void read_nested(const struct pt_root *root, struct pt_cpu_host *h)
{
	pt_autofree char *dir = h->module ? pt_strf("module/%s", h->module) : NULL;
	pt_autofree char *path = h->module ? pt_strf("module/%s/parameters/nested", h->module) : NULL;
	pt_autofree char *text = NULL;

	if (!path || root->sys_fd < 0)
		return;
	h->loaded = pt_file_exists(root->sys_fd, dir) == 1;
	if (pt_file_read_line(root->sys_fd, path, &text) < 0)
		return;
	if (strcmp(text, "1") == 0 || strcmp(text, "Y") == 0)
		h->nested = PT_KNOWN_YES;
	else if (strcmp(text, "0") == 0 || strcmp(text, "N") == 0)
		h->nested = PT_KNOWN_NO;
}

int pt_cpu_host_read(const struct pt_root *root, struct pt_cpu_host *ret_host, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = root->proc_fd < 0 ? -ENOENT : pt_file_read(root->proc_fd, "cpuinfo", CPUINFO_MAX, &text, NULL);

	if (r < 0)
		return pt_fail(err, r, "cannot read /proc/cpuinfo");
	pt_cpuinfo_parse(text, ret_host);
	ret_host->module = module_of(ret_host->vendor);
	read_nested(root, ret_host);
	return 0;
}
