/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step that resets a function on its way back from a guest, while VFIO holds it and nobody has it open.  A reset
 * that fails does not keep the device from the host, which is its owner; it keeps it from the next guest: the mark
 * lasts until a reset succeeds or the next boot, which resets everything.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "change/run.h"
#include "host/ops.h"
#include "host/reserved.h"

/* pci_dev_wait() gives a function a minute to come back from its reset */
#define RESET_MS 70000u

static char *path_of(const struct pt_step *s, const char *name)
{
	return pt_strf("bus/pci/devices/%s/%s", pt_bdf_str(s->bdf).s, name);
}

int pt_step_check_reset(const struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	struct pt_bind card = pt_step_bind_before(s);

	return pt_bind_check(run->env->host, &card, err);
}

static void warn(const struct pt_run *run, const char *text)
{
	if (run->env->warn)
		run->env->warn(run->env->ctx, text);
}

/* @why: NULL: it is usable.  A mark that cannot be written must not be missed: the change fails then */
static int mark(const struct pt_run *run, const struct pt_step *s, const char *why, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	pt_autofree char *name = pt_strf(PT_UNUSABLE_PREFIX "%s", pt_bdf_str(s->bdf).s);
	int r = host->file_write(host->ctx, PT_HOST_RUN, name, why, why ? err : NULL);

	return !why && r == -ENOENT ? 0 : r;
}

/* a driver of the host's own that holds it would lose it under its feet */
static bool is_held_by_vfio(const struct pt_run *run, const struct pt_step *s)
{
	const struct pt_host_ops *host = run->env->host;
	pt_autofree char *path = path_of(s, "driver");
	pt_autofree char *driver = NULL;

	return host->link(host->ctx, path, &driver) == 0 && driver && strstr(driver, "vfio");
}

int pt_step_make_reset(struct pt_run *run, const struct pt_step *s, struct pt_error *err)
{
	const struct pt_host_ops *host = run->env->host;
	pt_autofree char *path = path_of(s, "reset");
	pt_autofree char *text = NULL;
	pt_autofree char *who = NULL;
	struct pt_error why = { 0 };
	int r = pt_step_check_reset(run, s, err);

	if (r < 0)
		return r;
	who = host->holders(host->ctx, s->bdf);
	if (who)
		return pt_say(err, -EBUSY, "%s is not reset: it is in use: %s", pt_bdf_str(s->bdf).s, who);
	if (!is_held_by_vfio(run, s) || host->exists(host->ctx, path) != 1) {
		text = pt_strf("%s is not reset: the kernel knows no way to, or VFIO does not hold it",
			       pt_bdf_str(s->bdf).s);
		warn(run, text);
		return 0;
	}
	r = host->write(host->ctx, s->bdf, path, "1", RESET_MS, &why);
	if (r == 0)
		return mark(run, s, NULL, err);
	text = pt_strf("%s cannot be reset, and is not given to guests until it is or the host has been rebooted: %s",
		       pt_bdf_str(s->bdf).s, why.msg);
	warn(run, text);
	return mark(run, s, why.msg, err);
}
