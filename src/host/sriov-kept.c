/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sriov-kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define FILE_MAX       ((size_t)1 << 20)
#define FILES_A_FOLDER 1000

static const char relative_dir[] = "etc/passthru/sriov.d";

static int read_one(const struct pt_root *root, const char *name, struct pt_sriov_state *ret, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("%s/%s", relative_dir, name);
	pt_autofree char *text = NULL;
	int r = pt_file_read(root->root_fd, path, FILE_MAX, &text, NULL);

	if (r < 0)
		return pt_fail(err, r, "cannot read %s", name);
	r = pt_sriov_state_parse(text, ret, err);
	if (r < 0)
		return r;
	if (ret->has_pf && ret->vendor && ret->vfs >= 0)
		return 0;
	pt_sriov_state_done(ret);
	return pt_say(err, -EBADMSG, "address=, id= or vfs= is missing");
}

int pt_sriov_kept_list(const struct pt_root *root, struct pt_sriov_states *ret, struct pt_strv *ret_bad,
		       struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = pt_file_list(root->root_fd, relative_dir, &names);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return pt_fail(err, r, "cannot list %s", PT_SRIOV_DIR);
	pt_strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		struct pt_sriov_state one = PT_SRIOV_STATE_UNSAID;
		struct pt_error why = { 0 };

		if (!pt_endswith(names.v[i], ".conf"))
			continue;
		r = read_one(root, names.v[i], &one, &why);
		if (r == 0)
			pt_array_push(ret, one);
		else if (ret_bad)
			pt_strv_addf(ret_bad, "%s/%s: %s", PT_SRIOV_DIR, pt_text_clean(names.v[i]), why.msg);
	}
	return 0;
}

int pt_sriov_kept_text(const struct pt_root *root, struct pt_bdf pf, char **ret_text, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("%s/%s.conf", relative_dir, pt_bdf_str(pf).s);
	int r = pt_file_read(root->root_fd, path, FILE_MAX, ret_text, NULL);

	if (r != -ENOENT)
		return r < 0 ? pt_fail(err, r, "cannot read /%s", path) : 0;
	*ret_text = NULL;
	return 0;
}

bool pt_sriov_kept_seen(const struct pt_root *root, struct pt_bdf pf)
{
	pt_autofree char *missed = NULL;

	return pt_file_read(root->root_fd, "run/passthru/" PT_SRIOV_SEEN, FILE_MAX, &missed, NULL) == 0 &&
	       !strstr(missed, pt_bdf_str(pf).s);
}

bool pt_sriov_kept_is(const struct pt_sriov_state *kept, const struct pt_device *pf)
{
	return pt_bdf_eq(kept->pf, pf->bdf) && kept->vendor == pf->vendor && kept->device == pf->device &&
	       kept->subvendor == pf->subvendor && kept->subdevice == pf->subdevice;
}

/* where a tool keeps its wish for VFs, in one file there or in any, and the word by which it is known */
struct tool {
	const char *name;
	const char *folder;
	const char *file;
	const char *word;
};

static const struct tool tools[] = {
	{ "the sriov-network-operator", "etc/sriov-operator/pci", NULL, "" },
	{ "udev", "etc/udev/rules.d", NULL, "sriov_numvfs" },
	{ "sysfsutils", "etc", "sysfs.conf", "sriov_numvfs" },
	{ "sysfsutils", "etc/sysfs.d", NULL, "sriov_numvfs" },
	{ "tmpfiles", "etc/tmpfiles.d", NULL, "sriov_numvfs" },
	{ "systemd-udev's link file", "etc/systemd/network", NULL, "SR-IOVVirtualFunctions" },
	{ "a unit of systemd", "etc/systemd/system", NULL, "sriov_numvfs" },
	{ "ifupdown", "etc/network", "interfaces", "sriov_numvfs" },
	{ "ifupdown", "etc/network/interfaces.d", NULL, "sriov_numvfs" },
	{ "rc.local", "etc", "rc.local", "sriov_numvfs" },
	{ "NetworkManager", "etc/NetworkManager/system-connections", NULL, "total-vfs" },
	{ "netplan", "etc/netplan", NULL, "virtual-function" },
};

static bool is_part_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* ens6 is not ens6f0, and 0000:41:00.0 not 10000:41:00.0 */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(text, word); n && at; at = strstr(at + 1, word))
		if ((at == text || !is_part_of_word(at[-1])) && !is_part_of_word(at[n]))
			return true;
	return false;
}

static bool names_it(const char *text, const char *file, const struct pt_device *pf)
{
	if (has_word(text, pt_bdf_str(pf->bdf).s) || has_word(file, pt_bdf_str(pf->bdf).s))
		return true;
	for (size_t i = 0; i < pf->netdevs.n; i++)
		if (has_word(text, pf->netdevs.v[i]))
			return true;
	return false;
}

/* what somebody has commented out nobody does */
static void drop_comments(char *text)
{
	char *to = text;

	for (char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		char first = line[strspn(line, " \t")];

		n += line[n] == '\n';
		if (first != '#' && first != ';') {
			memmove(to, line, n);
			to += n;
		}
		line += n;
	}
	*to = '\0';
}

/* "udev (/etc/udev/rules.d/70-vfs.rules)" where that file is about this PF's VFs; NULL otherwise */
static char *file_manages(const struct pt_root *root, const struct tool *tool, const char *name,
			  const struct pt_device *pf)
{
	pt_autofree char *path = pt_strf("%s/%s", tool->folder, name);
	pt_autofree char *text = NULL;

	if (pt_file_read(root->root_fd, path, FILE_MAX, &text, NULL) < 0)
		return NULL;
	drop_comments(text);
	if (!strstr(text, tool->word) || !names_it(text, name, pf))
		return NULL;
	return pt_strf("%s (/%s)", tool->name, pt_text_clean(path));
}

char *pt_sriov_manager(const struct pt_root *root, const struct pt_device *pf)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
		PT_AUTO(pt_strv) names = { 0 };

		/* a tool that is not there has no folder */
		if (tools[i].file)
			pt_strv_add(&names, tools[i].file);
		else if (pt_file_list(root->root_fd, tools[i].folder, &names) < 0)
			continue;
		for (size_t k = 0; k < names.n && k < FILES_A_FOLDER; k++) {
			char *found = file_manages(root, &tools[i], names.v[k], pf);

			if (found)
				return found;
		}
	}
	return NULL;
}
