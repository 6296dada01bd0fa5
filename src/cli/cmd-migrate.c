/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "cli/candidates.h"
#include "cli/commands.h"
#include "cli/cpuing.h"
#include "cli/migrating.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "decide/migrate.h"
#include "host/filesystem.h"
#include "vm/cpu.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	{ "check", 0, NULL, "say where the VM could go, and why not elsewhere; moves nothing", false },
	{ "to", 0, "HOST", "a URI of libvirt, a file of `passthru facts --json`, or a folder of them", true },
	{ "all", 0, NULL, "every host that the configuration names: [migrate] host", false },
	{ NULL, 0, NULL, NULL, false },
};

/* all that is looked at */
struct moving {
	struct pt_cpu_look look;
	struct pt_migrate_host source;
	struct pt_migrate_hosts hosts;
	struct pt_devices devices;
	PT_ARRAY(struct pt_migrate_device) held;
	PT_ARRAY(struct pt_migrate_disk) disks;
};

static void moving_done(struct moving *m)
{
	pt_cpu_look_done(&m->look);
	pt_migrate_host_done(&m->source);
	pt_migrate_hosts_done(&m->hosts);
	pt_devices_done(&m->devices);
	for (size_t i = 0; i < m->disks.n; i++) {
		free(m->disks.v[i].target);
		free(m->disks.v[i].path);
		free(m->disks.v[i].file_system);
	}
	/* the names in it are those of @devices */
	free(m->held.v);
	free(m->disks.v);
}

static void look_at_file(struct pt_cli *cli, const char *target, const char *path, struct moving *m)
{
	struct pt_migrate_disk fact = { 0 };
	int r;

	/* a volume of a pool on the network has a path that is none of this host's */
	if (!path || *path != '/')
		return;
	r = pt_file_system_of(&cli->root, path, &fact.file_system, &fact.shared);
	fact.target = pt_strdup_opt(target);
	fact.path = pt_strdup(path);
	fact.block = r > 0;
	fact.error = r < 0 ? r : 0;
	pt_array_push(&m->disks, fact);
}

static void look_at_disks(struct pt_cli *cli, struct moving *m)
{
	const struct pt_domain *vm = pt_cpu_look_now(&m->look);

	for (size_t i = 0; i < vm->disks.n; i++) {
		const struct pt_domain_disk *d = &vm->disks.v[i];

		if (d->type == PT_DISK_FILE || d->type == PT_DISK_DIR)
			look_at_file(cli, d->target, d->source, m);
		/* the path of a volume is among them */
		for (size_t k = 0; k < d->also.n; k++)
			look_at_file(cli, d->target, d->also.v[k], m);
	}
}

static void look_at_devices(struct moving *m)
{
	const struct pt_domain *vm = pt_cpu_look_now(&m->look);

	for (size_t i = 0; i < vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &vm->hostdevs.v[i];
		const struct pt_device *d = h->has_bdf ? pt_devices_find(&m->devices, h->bdf) : NULL;

		if (d)
			pt_array_push(&m->held, ((struct pt_migrate_device){ d->bdf, d->device_name, d->driver }));
	}
}

/* a folder for all hosts holds this one's facts too */
static void leave_out_this(struct moving *m)
{
	const struct pt_migrate_host *here = &m->source;
	size_t n = 0;

	for (size_t i = 0; i < m->hosts.n; i++) {
		struct pt_migrate_host *h = &m->hosts.v[i];
		const char *uuid = h->hypervisor.host_uuid;

		if (pt_streq(h->name, here->name) &&
		    (!uuid || !here->hypervisor.host_uuid || strcasecmp(uuid, here->hypervisor.host_uuid) == 0))
			pt_migrate_host_done(h);
		else
			m->hosts.v[n++] = *h;
	}
	m->hosts.n = n;
}

static int look_at_configured(struct pt_cli *cli, struct moving *m, struct pt_error *err)
{
	PT_AUTO(pt_strv) words = { 0 };
	int r = pt_placeable_candidates(cli, &words, err);

	if (r >= 0 && !words.n) {
		r = pt_usage(err, -ENOENT, "--all: the configuration names no host");
		pt_hint(err,
			"in /etc/passthru/passthru.conf: [migrate], and below it `host =` with a URI of libvirt, a "
			"file of `passthru facts --json` or a folder of them; a line each");
	}
	for (size_t i = 0; i < words.n && r >= 0; i++)
		r = pt_candidates_add(cli, words.v[i], &m->hosts, err);
	if (r >= 0)
		leave_out_this(m);
	return r;
}

static int look_at_all(struct pt_cli *cli, struct pt_vm_conn *conn, struct moving *m, struct pt_error *err)
{
	int r = pt_cpu_look(cli, conn, cli->operands[0], NULL, &m->look, err);

	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_hypervisor(conn, &m->source, err));
	if (r >= 0)
		r = pt_look_devices(cli, &m->devices, err);
	if (r >= 0 && pt_cli_flag(cli, "all"))
		r = look_at_configured(cli, m, err);
	for (size_t i = 0; r >= 0; i++) {
		const char *word = pt_cli_value_at(cli, "to", i);

		if (!word)
			break;
		r = pt_candidates_add(cli, word, &m->hosts, err);
	}
	if (r < 0)
		return r;
	look_at_disks(cli, m);
	look_at_devices(m);
	return 0;
}

static int tell(struct pt_cli *cli, const struct moving *m, struct pt_error *err)
{
	PT_AUTO(pt_migrate_needs) needs = { 0 };
	const struct pt_migrate_ask ask = { .look = &m->look,
					    .needs = &needs,
					    .source = &m->source,
					    .devices = m->held.v,
					    .n_devices = m->held.n,
					    .disks = m->disks.v,
					    .n_disks = m->disks.n };

	pt_migrate_needs_of(&m->look, &m->source, &needs);
	return pt_migrate_tell(cli, &ask, &m->hosts, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(moving) m = { 0 };
	int r = pt_cli_need_live(cli, err);

	if (r >= 0 && !pt_cli_flag(cli, "check")) {
		r = pt_usage(err, -EINVAL, "passthru migrate looks only so far: it needs --check");
		pt_hint(err, "`virsh migrate --live --persistent` moves a VM to a host that --check says yes to");
	} else if (r >= 0 && !pt_cli_value(cli, "to") && !pt_cli_flag(cli, "all")) {
		r = pt_usage(err, -EINVAL, "no host is named");
		pt_hint(err, "--to qemu+ssh://root@HOST/system, --to FILE of `passthru facts --json`, or a folder of "
			     "them; --all "
			     "takes those that the configuration names");
	}
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r >= 0)
		r = look_at_all(cli, conn, &m, err);
	return r < 0 ? r : tell(cli, &m, err);
}

const struct pt_command pt_command_migrate = {
	.name = "migrate",
	.args = "VM",
	.group = "Look",
	.summary = "Say to which hosts a VM could move while it runs, and why not to the others",
	.description =
		"For each host yes, no or unknown, with every reason: processor flags that are missing there, by "
		"name;\n"
		"another vendor, microcode or TSC frequency; the machine type; memory. Before that, what holds the VM\n"
		"back wherever it goes: devices of this host, disks that no other host has.\n\n"
		"A host is a URI of libvirt (qemu+ssh://root@HOST/system), a file that `passthru facts --json` wrote\n"
		"there, or a folder of such files; --all takes those of [migrate] host in the configuration. Exit "
		"status 0 when the VM can move to one of them, else 3.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
