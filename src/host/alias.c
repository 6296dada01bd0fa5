/* SPDX-License-Identifier: Apache-2.0 */
#include "host/alias.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* Debian's has 1.4 MB */
#define ALIAS_FILE_MAX ((size_t)32 << 20)

/*
 * fnmatch() may take exponential time on a pattern with many stars.  Going back to the last star only is enough,
 * because an earlier star never needs to take more than the least it did.
 */
int pt_alias_match(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text || *pattern == '?') {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return 0;
		}
	}
	pattern += strspn(pattern, "*");
	return *pattern == '\0';
}

/* "alias PATTERN MODULE"; cuts the line in place; anything else is passed over */
static void parse_line(struct pt_aliases *a, char *line)
{
	char *save = NULL;
	const char *word = strtok_r(line, " ", &save);
	const char *pattern = strtok_r(NULL, " ", &save);
	char *module = strtok_r(NULL, " ", &save);
	struct pt_alias alias = { pattern, module };

	if (!module || !pt_streq(word, "alias"))
		return;
	if (pt_startswith(pattern, "pci:"))
		pt_array_push(&a->pci, alias);
	else if (pt_startswith(pattern, "vfio_pci:"))
		pt_array_push(&a->vfio, alias);
	else
		return;
	(void)pt_text_clean(module);
}

/* a file of depmod's for the kernel that runs; NULL, and 0, when there is none */
static int read_list(const struct pt_root *root, const char *name, char **ret_text, size_t *ret_size,
		     struct pt_error *err)
{
	static const char *const places[] = { "usr/lib/modules", "lib/modules" };
	pt_autofree char *release = NULL;
	char *text = NULL;
	int r = root->proc_fd < 0 ? -ENOENT : pt_file_read_line(root->proc_fd, "sys/kernel/osrelease", &release);

	/* the release becomes a part of a path: it must be one name */
	if (r == 0 && (strchr(release, '/') || release[0] == '.'))
		return pt_say(err, -EBADMSG, "%s: proc/sys/kernel/osrelease says '%s', which is no kernel release",
			      root->path, pt_text_clean(release));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && r == 0 && !text; i++) {
		pt_autofree char *path = pt_strf("%s/%s/%s", places[i], release, name);

		r = pt_file_read(root->root_fd, path, ALIAS_FILE_MAX, &text, ret_size);
		if (r == -ENOENT)
			r = 0;
	}
	if (r < 0 && r != -ENOENT)
		return pt_fail(err, r, "cannot read %s of kernel %s", name, release ? release : "?");
	*ret_text = text;
	return 0;
}

int pt_aliases_read(const struct pt_root *root, struct pt_aliases *ret_aliases, struct pt_error *err)
{
	struct pt_aliases a = { 0 };
	char *save = NULL;
	int r = read_list(root, "modules.alias", &a.text, NULL, err);

	if (r < 0)
		return r;
	for (char *line = a.text ? strtok_r(a.text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		parse_line(&a, line);
	*ret_aliases = a;
	return 0;
}

void pt_aliases_modules(const struct pt_aliases *aliases, const char *modalias, struct pt_strv *modules)
{
	for (size_t i = 0; i < aliases->pci.n; i++)
		if (pt_alias_match(aliases->pci.v[i].pattern, modalias) &&
		    !pt_strv_has(modules, aliases->pci.v[i].module))
			pt_strv_add(modules, aliases->pci.v[i].module);
}

static size_t count_stars(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '*';
	return n;
}

const char *pt_aliases_vfio(const struct pt_aliases *aliases, const char *modalias)
{
	const char *best = NULL;
	size_t fewest = 0;

	if (!pt_startswith(modalias, "pci:"))
		return NULL;
	for (size_t i = 0; i < aliases->vfio.n; i++) {
		const struct pt_alias *a = &aliases->vfio.v[i];
		size_t stars = count_stars(a->pattern);

		/* vfio-pci itself may say that it takes everything: that is no driver made for this device */
		if (strcmp(a->module, "vfio_pci") == 0 || strcmp(a->module, "vfio-pci") == 0)
			continue;
		if (pt_alias_match(a->pattern + strlen("vfio_"), modalias) && (!best || stars < fewest)) {
			best = a->module;
			fewest = stars;
		}
	}
	return best;
}

int pt_alias_builtin(const struct pt_root *root, const char *modalias, char **ret_module)
{
	pt_autofree char *text = NULL;
	size_t size = 0;
	int r = read_list(root, "modules.builtin.modinfo", &text, &size, NULL);

	if (r < 0 || !text)
		return r;
	/* "ahci.alias=pci:v*d*…": strings that end with a NUL each; the last one may not, the buffer does */
	for (const char *s = text; s < text + size; s += strlen(s) + 1) {
		const char *dot = strchr(s, '.');

		if (!dot || !pt_startswith(dot, ".alias=pci:") || strcspn(s, "/ \t\n") < (size_t)(dot - s) ||
		    !pt_alias_match(dot + strlen(".alias="), modalias))
			continue;
		*ret_module = pt_text_clean(pt_strndup(s, (size_t)(dot - s)));
		return 1;
	}
	return 0;
}

void pt_aliases_done(struct pt_aliases *aliases)
{
	free(aliases->pci.v);
	free(aliases->vfio.v);
	free(aliases->text);
	*aliases = (struct pt_aliases){ 0 };
}
