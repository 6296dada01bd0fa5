/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's own console is shown on, or spoken to over.  Processes with a DRM node open are users-open.c's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-path.h"
#include "host/users-look.h"

/* the number behind a name of one class: "fb0" */
static bool number_of(const char *name, const char *prefix, unsigned *ret_number)
{
	int end = 0;

	return pt_startswith(name, prefix) && sscanf(name + strlen(prefix), "%9u%n", ret_number, &end) == 1 &&
	       name[strlen(prefix) + (size_t)end] == '\0';
}

/* given to VFIO before: whatever the firmware booted with, the host shows nothing on it now */
static bool is_given_away(const struct pt_look *look, struct pt_bdf bdf)
{
	const struct pt_device *d = pt_devices_find(&look->host->devices, bdf);

	return d && d->driver && (strstr(d->driver, "vfio") || pt_streq(d->driver, "pci-stub"));
}

/* Documentation/ABI/testing/sysfs-bus-pci, boot_vga: 1 for the display that the firmware booted with */
static bool is_boot_vga(const struct pt_look *look, struct pt_bdf bdf)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/boot_vga", pt_bdf_str(bdf).s);
	uint64_t value;

	return pt_file_read_u64(look->root->sys_fd, path, &value) == 0 && value == 1;
}

/* Documentation/ABI/testing/sysfs-class-vtconsole: is a text console drawn into a framebuffer now? */
static char *framebuffer_console(const struct pt_look *look)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no such class: a kernel without text consoles */
	(void)pt_file_list(look->root->sys_fd, "class/vtconsole", &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *bind = pt_strf("class/vtconsole/%s/bind", names.v[i]);
		pt_autofree char *name_path = pt_strf("class/vtconsole/%s/name", names.v[i]);
		pt_autofree char *name = NULL;
		uint64_t bound;

		if (pt_file_read_u64(look->root->sys_fd, bind, &bound) == 0 && bound &&
		    pt_file_read_line(look->root->sys_fd, name_path, &name) == 0 && strstr(name, "frame buffer"))
			return pt_strdup(names.v[i]);
	}
	return NULL;
}

/* the device path of the framebuffer with the lowest number: consoles are on it unless somebody moved them (fbcon.rst)
 */
static char *first_framebuffer(const struct pt_look *look, unsigned *ret_number)
{
	PT_AUTO(pt_strv) names = { 0 };
	unsigned best = 0;
	char *path = NULL;

	(void)pt_file_list(look->root->sys_fd, "class/graphics", &names);
	for (size_t i = 0; i < names.n; i++) {
		unsigned number;

		if (!number_of(names.v[i], "fb", &number) || (path && number > best))
			continue;
		free(path);
		path = pt_path_of_link(look->root->sys_fd, "class/graphics", names.v[i]);
		best = number;
	}
	*ret_number = best;
	return path;
}

static void judge_framebuffer(struct pt_look *look)
{
	unsigned number = 0;
	pt_autofree char *console = framebuffer_console(look);
	pt_autofree char *path = console ? first_framebuffer(look, &number) : NULL;
	pt_autofree char *where = console ? pt_strf("/sys/class/vtconsole/%s/bind", console) : NULL;
	struct pt_look_how how = { .kind = PT_USE_CONSOLE, .where = where };

	for (size_t t = 0; path && t < look->targets.n; t++)
		if (pt_path_has_function(path, look->targets.v[t].at))
			pt_look_use(look, &look->targets.v[t], &how, "framebuffer fb%u > text console %s", number,
				    console);
}

/* /proc/consoles: "ttyS4                -W- (EC p  a)    4:68": where the kernel's messages go, and perhaps a login */
static void judge_kernel_console(struct pt_look *look, const char *line)
{
	static const struct pt_look_how how = { .kind = PT_USE_CONSOLE, .where = "/proc/consoles" };
	pt_autofree char *number = NULL;
	pt_autofree char *path = NULL;
	char name[64];
	size_t n = strcspn(line, "\n");
	size_t start;

	if (sscanf(line, "%63s", name) != 1)
		return;
	for (start = n; start && line[start - 1] != ' '; start--)
		;
	number = pt_strndup(line + start, n - start);
	/* a console without a device (netconsole) has no number */
	if (!*number || strspn(number, "0123456789:") != strlen(number))
		return;
	path = pt_path_of_link(look->root->sys_fd, "dev/char", number);
	for (size_t t = 0; path && t < look->targets.n; t++)
		if (pt_path_has_function(path, look->targets.v[t].at))
			pt_look_use(look, &look->targets.v[t], &how, "%s > the kernel's console", name);
}

static void judge_boot_display(struct pt_look *look)
{
	for (size_t t = 0; t < look->targets.n; t++) {
		struct pt_bdf at = look->targets.v[t].at;
		pt_autofree char *where = pt_strf("/sys/bus/pci/devices/%s/boot_vga", pt_bdf_str(at).s);

		if (is_boot_vga(look, at) && !is_given_away(look, at))
			pt_look_use(look, &look->targets.v[t],
				    &(struct pt_look_how){ .kind = PT_USE_CONSOLE, .where = where },
				    "the display that this host booted with");
	}
}

void pt_look_gpu(struct pt_look *look)
{
	pt_autofree char *text = NULL;

	judge_boot_display(look);
	judge_framebuffer(look);
	/* no such file: a kernel from before 2.6.38, or a capture without it */
	if (look->root->proc_fd < 0 || pt_file_read(look->root->proc_fd, "consoles", PT_FILE_MAX, &text, NULL) < 0)
		return;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		judge_kernel_console(look, line);
	}
}

/* Documentation/driver-api/vfio-mediated-device.rst: they go when the parent's driver does */
void pt_look_mediated(struct pt_look *look)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no such bus: no driver here makes any */
	(void)pt_file_list(look->root->sys_fd, "bus/mdev/devices", &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_path_of_link(look->root->sys_fd, "bus/mdev/devices", names.v[i]);
		pt_autofree char *where = pt_strf("/sys/bus/mdev/devices/%s", names.v[i]);
		struct pt_look_how how = { .kind = PT_USE_MEDIATED, .where = where };

		for (size_t t = 0; path && t < look->targets.n; t++)
			if (pt_path_has_function(path, look->targets.v[t].at))
				pt_look_use(look, &look->targets.v[t], &how, "mediated device %s", names.v[i]);
	}
}
