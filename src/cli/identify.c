/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/identify.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "decide/boot-step.h"
#include "host/identity.h"
#include "host/platform.h"
#include "host/reserve.h"
#include "host/reserved.h"

int pt_early_installed(const struct pt_root *root)
{
	return pt_file_exists(root->root_fd, &PT_EARLY[1]) == 1;
}

/* a module waits for udev, which asks us first; what is in the kernel image waits for nobody */
static void warn_of_builtin(const struct pt_cli *cli, const struct pt_device *d, struct pt_plan *plan)
{
	struct pt_device_platform more;

	pt_platform_device(&cli->root, d, &more);
	if (more.builtin[0])
		pt_findings_add(&plan->findings, PT_WARN, "built-in", "driver",
				"boot a kernel that has it as a module, if the host must never touch the device",
				"%s, a driver of this host for %s, is part of the kernel: at each boot it has the "
				"device before "
				"anything can keep it away, until passthru-boot.service takes it",
				more.builtin, pt_bdf_str(d->bdf).s);
}

static int identify(const struct pt_cli *cli, const struct pt_host *host, struct pt_step *s, struct pt_error *err)
{
	const struct pt_device *d = pt_devices_find(&host->devices, s->bdf);
	PT_AUTO(pt_identity) id = { 0 };
	int r = d ? pt_identity_read(&cli->root, d, &host->blocks, &id, err) : 0;

	if (r == 0 && d)
		s->identity = pt_identity_lines(&id);
	return r;
}

/* an initramfs binds what was reserved when it was made: too little, or what was given back since */
void pt_tell_of_initramfs(const struct pt_cli *cli, struct pt_plan *plan)
{
	PT_AUTO(pt_keeps) known = { 0 };
	const char *how = pt_file_exists(cli->root.root_fd, "usr/sbin/update-initramfs") == 1 ? "`update-initramfs -u`"
			  : pt_file_exists(cli->root.root_fd, "usr/bin/dracut") == 1	      ? "`dracut -f`"
											      : NULL;
	const struct pt_step *s;

	/* what cannot be read is taken for kept at boot: a note too many */
	(void)pt_keep_list(&cli->root, &known, NULL, NULL);
	s = how ? pt_boot_step(plan, &known) : NULL;
	if (s)
		pt_findings_add(
			&plan->findings, PT_NOTE, "initramfs", NULL, how,
			"where the driver of %s is loaded in the initramfs, that has to be made anew afterwards: %s",
			pt_bdf_str(s->bdf).s,
			s->kind == PT_STEP_RESERVE ? "else the host has it first at the next boot"
						   : "else VFIO has it again at the next boot");
}

int pt_identify_steps(const struct pt_cli *cli, const struct pt_host *host, struct pt_plan *plan, struct pt_error *err)
{
	bool reserves = false;
	int r = 0;

	for (size_t i = 0; i < plan->steps.n && r == 0; i++) {
		struct pt_step *s = &plan->steps.v[i];

		if (s->kind != PT_STEP_RESERVE || s->identity)
			continue;
		r = identify(cli, host, s, err);
		if (r == 0 && pt_devices_find(&host->devices, s->bdf) && !pt_streq(s->driver_after, PT_DRIVER_LIBVIRT))
			warn_of_builtin(cli, pt_devices_find(&host->devices, s->bdf), plan);
		reserves = reserves || !pt_streq(s->driver_after, PT_DRIVER_LIBVIRT);
	}
	if (r == 0 && reserves && !pt_early_installed(&cli->root))
		pt_findings_add(&plan->findings, PT_WARN, "not-installed", PT_EARLY, "`make install`",
				"passthru is not installed on this host: after a reboot the host's drivers take what "
				"is reserved, since nobody answers udev");
	return r;
}
