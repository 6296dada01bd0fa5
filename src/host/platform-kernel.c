/* SPDX-License-Identifier: Apache-2.0 */
/* The running kernel: its command line, release, configuration, lockdown, and the nodes it made below /dev. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/platform-parts.h"

void pt_platform_words(const char *text, struct pt_strv *words)
{
	struct pt_buf word = { 0 };
	bool quoted = false;

	for (const char *p = text;; p++) {
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p && (quoted || !isspace((unsigned char)*p))) {
			pt_buf_addn(&word, p, 1);
		} else if (word.n) {
			pt_strv_take(words, pt_buf_take(&word));
		}
		if (!*p)
			break;
	}
	pt_buf_done(&word);
}

bool pt_platform_cmdline_read(const struct pt_root *root, struct pt_strv *cmdline)
{
	PT_AUTO(pt_strv) words = { 0 };
	pt_autofree char *text = NULL;

	if (root->proc_fd < 0 || pt_file_read(root->proc_fd, "cmdline", PT_FILE_MAX, &text, NULL) < 0)
		return false;
	pt_platform_words(text, &words);
	/* what follows "--" is for init (Documentation/admin-guide/kernel-parameters.rst) */
	for (size_t i = 0; i < words.n && strcmp(words.v[i], "--") != 0; i++)
		pt_strv_add(cmdline, words.v[i]);
	return true;
}

/* the release becomes part of a path: a captured one must not lead elsewhere */
static bool plain_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) < 128;
}

static char *read_release(const struct pt_root *root)
{
	pt_autofree char *release = NULL;
	pt_autofree char *version = NULL;

	if (root->proc_fd < 0)
		return NULL;
	if (pt_file_read_line(root->proc_fd, "sys/kernel/osrelease", &release) < 0) {
		/* a capture may only have /proc/version: "Linux version 6.12.9-amd64 (…" */
		if (pt_file_read_line(root->proc_fd, "version", &version) < 0 ||
		    !pt_startswith(version, "Linux version "))
			return NULL;
		release = pt_strndup(version + 14, strcspn(version + 14, " "));
	}
	return plain_name(release) ? pt_take_ptr(release) : NULL;
}

static enum pt_known config_option(const char *config, const char *name)
{
	pt_autofree char *line = pt_strf("\n%s=", name);
	const char *at = strstr(config, line);

	if (!at)
		return PT_KNOWN_NO;
	at += strlen(line);
	return *at == 'y' || *at == 'm' ? PT_KNOWN_YES : PT_KNOWN_NO;
}

/*
 * /proc/config.gz would need an inflater and is seldom built; the distributions install a text beside the kernel or its
 * modules.
 */
static void read_config(const struct pt_root *root, struct pt_kernel *kernel)
{
	static const char *const places[] = { "boot/config-%s", "lib/modules/%s/config", "usr/lib/modules/%s/config",
					      "usr/lib/ostree-boot/config-%s", "lib/kernel/config-%s" };

	for (size_t i = 0; kernel->release && i < sizeof(places) / sizeof(*places); i++) {
		const char *hole = strstr(places[i], "%s");
		pt_autofree char *path =
			pt_strf("%.*s%s%s", (int)(hole - places[i]), places[i], kernel->release, hole + 2);
		pt_autofree char *text = NULL;

		if (pt_file_read(root->root_fd, path, PT_FILE_MAX, &text, NULL) < 0 || !strstr(text, "\nCONFIG_"))
			continue;
		kernel->config_where = pt_strf("/%s", path);
		kernel->intel_iommu = config_option(text, "CONFIG_INTEL_IOMMU");
		kernel->intel_iommu_on = config_option(text, "CONFIG_INTEL_IOMMU_DEFAULT_ON");
		/* Debian's own: on, but for the processor's graphics */
		if (config_option(text, "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF") == PT_KNOWN_YES)
			kernel->intel_iommu_on = PT_KNOWN_YES;
		kernel->amd_iommu = config_option(text, "CONFIG_AMD_IOMMU");
		return;
	}
}

/* "none [integrity] confidentiality" */
static char *read_lockdown(const struct pt_root *root)
{
	pt_autofree char *line = NULL;
	char *open;
	char *close;

	if (pt_file_read_line(root->sys_fd, "kernel/security/lockdown", &line) < 0)
		return NULL;
	open = strchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	return close ? pt_strndup(open + 1, (size_t)(close - open - 1)) : NULL;
}

static enum pt_known node(const struct pt_root *root, const char *name)
{
	int r = root->dev_fd < 0 ? -ENOENT : pt_file_exists(root->dev_fd, name);

	if (r == 1)
		return PT_KNOWN_YES;
	/* a capture has no device nodes: their absence says nothing */
	return r == 0 && !root->captured ? PT_KNOWN_NO : PT_KNOWN_UNKNOWN;
}

void pt_platform_kernel_read(const struct pt_root *root, struct pt_kernel *kernel)
{
	uint64_t disabled = 0;

	kernel->release = read_release(root);
	kernel->lockdown = read_lockdown(root);
	read_config(root, kernel);
	kernel->modules_disabled = root->proc_fd >= 0 &&
				   pt_file_read_u64(root->proc_fd, "sys/kernel/modules_disabled", &disabled) == 0 &&
				   disabled == 1;
	kernel->dev_vfio = node(root, "vfio/vfio");
	kernel->dev_kvm = node(root, "kvm");
	kernel->dev_iommu = node(root, "iommu");
}
