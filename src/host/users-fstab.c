/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next boot will look for.  A host whose /etc/fstab names a disk that is gone stops in emergency mode, so an
 * entry counts although nothing is mounted now, unless it says that the boot goes on without it.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-look.h"

/* fstab(5): what, where, type, options, and two numbers that do not matter here */
enum { WHAT, WHERE, TYPE, OPTIONS, FIELDS };

static bool split(const char *line, char **field)
{
	const char *p = line;

	for (int i = 0; i < FIELDS; i++) {
		size_t n;

		p += strspn(p, " \t");
		n = strcspn(p, " \t\n");
		if (!n || *p == '#')
			return i > TYPE;
		field[i] = pt_mount_unescape(p, n);
		p += n;
	}
	return true;
}

static bool has_option(const char *options, const char *option)
{
	for (const char *p = options; p && *p; p += strcspn(p, ","), p += *p == ',') {
		size_t n = strcspn(p, ",");

		if (n == strlen(option) && strncmp(p, option, n) == 0)
			return true;
	}
	return false;
}

/* systemd.mount(5): a boot does not wait for these; but what is mounted on demand (/boot/efi, often) is lived on */
static bool may_be_missing(const char *options)
{
	return has_option(options, "nofail") ||
	       (has_option(options, "noauto") && !has_option(options, "x-systemd.automount"));
}

/* some hosts mount it only to install a kernel */
static bool is_for_boot(const char *where)
{
	return pt_streq(where, "/boot") || pt_startswith(where, "/boot/") || pt_streq(where, "/efi");
}

static void judge_entry(struct pt_look *look, const struct pt_block *b, char *const *field)
{
	struct pt_look_how how = { .kind = PT_USE_MOUNT, .where = "/etc/fstab" };

	if (pt_streq(field[TYPE], "swap")) {
		how.kind = PT_USE_SWAP;
		pt_look_block_intent(look, b->name, &how, "swap from the next boot on");
	} else if (is_for_boot(field[WHERE])) {
		how.kind = PT_USE_BOOT;
		pt_look_block_intent(look, b->name, &how, "this host boots from it (%.300s)", field[WHERE]);
	} else if (has_option(field[OPTIONS], "x-systemd.automount")) {
		pt_look_block_intent(look, b->name, &how, "to be mounted on %.300s when it is next looked into",
				     field[WHERE]);
	} else {
		pt_look_block_intent(look, b->name, &how, "to be mounted on %.300s at the next boot", field[WHERE]);
	}
}

static void judge_line(struct pt_look *look, const char *line)
{
	char *field[FIELDS] = { NULL };
	pt_autofree char *path = NULL;
	const struct pt_block *b = NULL;

	if (split(line, field) && (is_for_boot(field[WHERE]) || !may_be_missing(field[OPTIONS]))) {
		path = pt_look_tag_path(field[WHAT], strlen(field[WHAT]));
		b = pt_look_path(look, path);
	}
	if (b && !pt_look_claimed(look, b->name))
		judge_entry(look, b, field);
	for (int i = 0; i < FIELDS; i++)
		free(field[i]);
}

void pt_look_fstab(struct pt_look *look)
{
	pt_autofree char *text = NULL;

	/* a host may do without one: its file systems are mounted by units, or found by their partition types */
	if (pt_file_read(look->root->root_fd, "etc/fstab", PT_FILE_MAX, &text, NULL) < 0)
		return;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		judge_line(look, line);
	}
}
