/* SPDX-License-Identifier: Apache-2.0 */
#include "change/timed.h"

#include <errno.h>
#include <time.h>

#define LIBVIRT(t, call) PT_WATCHED((t)->watch, PT_WATCH_LIBVIRT, call)

static int get_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->get_xml(t->vm->ctx, uuid, ret_xml, err));
}

static int define(void *ctx, const char *uuid, const char *xml, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->define(t->vm->ctx, uuid, xml, err));
}

static int state(void *ctx, const char *uuid, enum pt_domain_state *ret_state, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->state(t->vm->ctx, uuid, ret_state, err));
}

static int start(void *ctx, const char *uuid, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->start(t->vm->ctx, uuid, err));
}

static int alive(void *ctx, const char *uuid, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->alive(t->vm->ctx, uuid, err));
}

static int stop(void *ctx, const char *uuid, unsigned timeout_ms, bool force, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->stop(t->vm->ctx, uuid, timeout_ms, force, err));
}

static int autostart(void *ctx, const char *uuid, int set, bool *ret, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->autostart(t->vm->ctx, uuid, set, ret, err));
}

static int live_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->live_xml(t->vm->ctx, uuid, ret_xml, err));
}

static int which_run(void *ctx, const char *uuid, char **ret_run, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->which_run(t->vm->ctx, uuid, ret_run, err));
}

static int busy(void *ctx, const char *uuid, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->busy(t->vm->ctx, uuid, err));
}

static int plug(void *ctx, const char *uuid, const char *element, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->plug(t->vm->ctx, uuid, element, err));
}

static int unplug(void *ctx, const char *uuid, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->unplug(t->vm->ctx, uuid, bdf, timeout_ms, err));
}

static int migrate(void *ctx, const char *uuid, const struct pt_migrate_to *to, unsigned timeout_ms,
		   struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->migrate(t->vm->ctx, uuid, to, timeout_ms, err));
}

static int settle(void *ctx, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->settle(t->vm->ctx, uuid, to, ret_doubt, err));
}

static int leave(void *ctx, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->leave(t->vm->ctx, uuid, to, err));
}

static int arrive(void *ctx, const char *uuid, const struct pt_migrate_to *to, const char *element,
		  struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->arrive(t->vm->ctx, uuid, to, element, err));
}

static int managed_save(void *ctx, const char *uuid, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return LIBVIRT(t, t->vm->managed_save(t->vm->ctx, uuid, err));
}

void pt_timed_vm_ops(struct pt_timed *timed, struct pt_vm_ops *ret_ops)
{
	*ret_ops = (struct pt_vm_ops){
		.ctx = timed,
		.get_xml = get_xml,
		.define = define,
		.state = state,
		.start = start,
		.alive = alive,
		.stop = stop,
		.autostart = autostart,
		.managed_save = managed_save,
		.live_xml = live_xml,
		.which_run = which_run,
		.busy = busy,
		.plug = plug,
		.unplug = unplug,
		.migrate = migrate,
		.settle = settle,
		.leave = leave,
		.arrive = arrive,
	};
}

static int host_write(void *ctx, struct pt_bdf bdf, const char *path, const char *value, unsigned timeout_ms,
		      struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->write(t->host->ctx, bdf, path, value, timeout_ms, err));
}

static int host_quiet(void *ctx, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->quiet(t->host->ctx, bdf, timeout_ms, err));
}

/* reading an attribute is our own looking */
static int host_read(void *ctx, const char *path, char **ret_line)
{
	const struct pt_timed *t = ctx;

	return t->host->read(t->host->ctx, path, ret_line);
}

static int host_link(void *ctx, const char *path, char **ret_name)
{
	const struct pt_timed *t = ctx;

	return t->host->link(t->host->ctx, path, ret_name);
}

static int host_exists(void *ctx, const char *path)
{
	const struct pt_timed *t = ctx;

	return t->host->exists(t->host->ctx, path);
}

static void host_pause(void *ctx, unsigned ms)
{
	const struct pt_timed *t = ctx;
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };
	enum pt_watch_kind before = pt_watch_turn(t->watch, PT_WATCH_KERNEL);

	if (t->host->pause)
		t->host->pause(t->host->ctx, ms);
	else
		(void)nanosleep(&ts, NULL);
	(void)pt_watch_turn(t->watch, before);
}

static int load_module(void *ctx, const char *name, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->load_module(t->host->ctx, name, err));
}

static char *host_holders(void *ctx, struct pt_bdf bdf)
{
	const struct pt_timed *t = ctx;

	return t->host->holders(t->host->ctx, bdf);
}

static int host_viable(void *ctx, struct pt_bdf bdf, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->viable(t->host->ctx, bdf, err));
}

static int file_read(void *ctx, enum pt_host_place place, const char *name, char **ret_text, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return t->host->file_read(t->host->ctx, place, name, ret_text, err);
}

static int file_write(void *ctx, enum pt_host_place place, const char *name, const char *text, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_DISK, t->host->file_write(t->host->ctx, place, name, text, err));
}

static int vf_read(void *ctx, struct pt_bdf pf, struct pt_pf_link *ret_link, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->vf_read(t->host->ctx, pf, ret_link, err));
}

static int vf_write(void *ctx, struct pt_bdf pf, unsigned index, const struct pt_vf_settings *one, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->vf_write(t->host->ctx, pf, index, one, err));
}

static int pf_link(void *ctx, struct pt_bdf pf, bool up, unsigned timeout_ms, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->pf_link(t->host->ctx, pf, up, timeout_ms, err));
}

static int nvme_read(void *ctx, struct pt_bdf pf, struct pt_nvme_virt *ret_virt, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	if (!t->host->nvme_read)
		return -ENODEV;
	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->nvme_read(t->host->ctx, pf, ret_virt, err));
}

static int nvme_act(void *ctx, struct pt_bdf pf, const struct pt_nvme_command *command, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->nvme_act(t->host->ctx, pf, command, err));
}

static int link_write(void *ctx, struct pt_bdf pf, const struct pt_link_state *want, struct pt_error *err)
{
	const struct pt_timed *t = ctx;

	return PT_WATCHED(t->watch, PT_WATCH_KERNEL, t->host->link_write(t->host->ctx, pf, want, err));
}

void pt_timed_host_ops(struct pt_timed *timed, struct pt_host_ops *ret_ops)
{
	*ret_ops = (struct pt_host_ops){
		.ctx = timed,
		.settle_ms = timed->host->settle_ms,
		.write = host_write,
		.quiet = host_quiet,
		.read = host_read,
		.link = host_link,
		.exists = host_exists,
		.pause = host_pause,
		.load_module = load_module,
		.holders = host_holders,
		.viable = host_viable,
		.file_read = file_read,
		.file_write = file_write,
		.vf_read = vf_read,
		.vf_write = vf_write,
		.pf_link = pf_link,
		.nvme_read = nvme_read,
		.nvme_act = nvme_act,
		.link_write = link_write,
	};
}
