/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/candidates.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/cpuing.h"
#include "cli/migrating.h"
#include "cli/moving.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "cli/twins.h"
#include "decide/migrate.h"
#include "host/filesystem.h"
#include "vm/cpu.h"
#include "vm/now.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	{ "check", 0, NULL, "say where the VM could go, and why not elsewhere; moves nothing", false },
	{ "to", 0, "HOST",
	  "a URI of libvirt, or a host of [migrate] host by its name; for --check also a file of `passthru facts "
	  "--json`, or a folder of them",
	  true },
	{ "all", 0, NULL, "every host that the configuration names: [migrate] host", false },
	{ "ask-qemu", 0, NULL, "ask the VM's QEMU, too, what it cannot move; libvirt then marks the VM as tainted",
	  false },
	PT_MOVING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

/* all that is looked at */
struct moving {
	struct pt_cpu_look look;
	struct pt_migrate_now now;
	struct pt_migrate_host source;
	struct pt_migrate_hosts hosts;
	struct pt_devices devices;
	PT_ARRAY(struct pt_migrate_device) held;
	PT_ARRAY(struct pt_migrate_disk) disks;
	PT_ARRAY(struct pt_findings) there;
};

static void moving_done(struct moving *m)
{
	pt_cpu_look_done(&m->look);
	pt_migrate_now_done(&m->now);
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
	for (size_t i = 0; i < m->there.n; i++)
		pt_findings_done(&m->there.v[i]);
	free(m->there.v);
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
			pt_array_push(&m->held, ((struct pt_migrate_device){ d->bdf, d->device_name, d->driver,
									     pt_device_is_network(d) }));
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
	return r;
}

/* of recorded facts it is not known what is free: libvirt there is asked, where it answered before */
static int look_at_twins(struct pt_cli *cli, struct moving *m, const struct pt_migrate_host *host, struct pt_error *err)
{
	const struct pt_domain *vm = pt_cpu_look_now(&m->look);
	struct pt_findings *l = pt_array_add(&m->there);
	PT_AUTO(pt_twins) twins = { 0 };
	struct pt_error why = { 0 };
	int r;

	if (host->why_not || !strstr(host->where, "://"))
		return 0;
	r = pt_twins_find(cli, &m->devices, vm, host->where, &twins, l, &why);
	if (r < 0 && why.kind == PT_ERROR_USAGE && pt_cli_value(cli, "device")) {
		*err = why;
		return r;
	}
	if (r < 0)
		pt_findings_add(l, why.kind == PT_ERROR_REFUSED ? PT_FAIL : PT_UNKNOWN, "twin", host->where,
				why.hint[0] ? why.hint : NULL, "%s", why.msg);
	for (size_t i = 0; i < twins.n; i++)
		pt_findings_add(l, PT_OK, "twin", host->where, NULL, "%s there is free, and can take the place of %s",
				pt_bdf_str(twins.v[i].twin).s, pt_bdf_str(twins.v[i].mine->bdf).s);
	return 0;
}

static int look_at_now(struct pt_cli *cli, struct pt_vm_conn *conn, struct moving *m, struct pt_error *err)
{
	const char *uuid = m->look.vm.uuid;
	int r;

	if (!m->look.running && pt_cli_flag(cli, "ask-qemu"))
		return pt_usage(err, -ENOTCONN, "--ask-qemu: %s does not run, and has no QEMU to ask", m->look.vm.name);
	if (!m->look.running)
		return 0;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_now_holds(conn, uuid, &m->look.live, &m->now, err));
	if (r >= 0 && pt_cli_flag(cli, "ask-qemu"))
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_now_ask_qemu(conn, uuid, &m->now, err));
	return r;
}

/* @uri: what is moved to, and so what is checked: the word may be a folder of old facts, too; NULL: --check */
static int look_at_all(struct pt_cli *cli, struct pt_vm_conn *conn, const char *uri, struct moving *m,
		       struct pt_error *err)
{
	int r = pt_cpu_look(cli, conn, cli->operands[0], NULL, &m->look, err);

	if (r >= 0)
		r = look_at_now(cli, conn, m, err);
	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_hypervisor(conn, &m->source, err));
	if (r >= 0)
		r = pt_look_devices(cli, &m->devices, err);
	if (r >= 0 && pt_cli_flag(cli, "all"))
		r = look_at_configured(cli, m, err);
	if (r >= 0 && uri)
		r = pt_candidates_add_target(cli, uri, &m->hosts, err);
	for (size_t i = 0; r >= 0 && !uri; i++) {
		const char *word = pt_cli_value_at(cli, "to", i);

		if (!word)
			break;
		r = pt_candidates_add(cli, word, &m->hosts, err);
	}
	if (r < 0)
		return r;
	pt_candidates_ask(cli, &m->hosts);
	if (pt_cli_flag(cli, "all"))
		leave_out_this(m);
	look_at_disks(cli, m);
	look_at_devices(m);
	for (size_t i = 0; i < m->hosts.n && r >= 0; i++)
		r = look_at_twins(cli, m, &m->hosts.v[i], err);
	return r;
}

static void make_ask(const struct moving *m, struct pt_migrate_needs *needs, struct pt_migrate_ask *ret_ask)
{
	pt_migrate_needs_of(&m->look, &m->source, needs);
	*ret_ask = (struct pt_migrate_ask){ .look = &m->look,
					    .there = m->there.v,
					    .now = m->look.running ? &m->now : NULL,
					    .needs = needs,
					    .source = &m->source,
					    .devices = m->held.v,
					    .n_devices = m->held.n,
					    .disks = m->disks.v,
					    .n_disks = m->disks.n };
}

static int tell(struct pt_cli *cli, const struct moving *m, struct pt_error *err)
{
	PT_AUTO(pt_migrate_needs) needs = { 0 };
	struct pt_migrate_ask ask;

	make_ask(m, &needs, &ask);
	return pt_migrate_tell(cli, &ask, &m->hosts, err);
}

static int not_running(const struct moving *m, struct pt_error *err)
{
	const struct pt_domain *vm = &m->look.vm;
	int r = pt_refuse(err, "vm-state", "%s %s: only one that runs is moved", vm->name,
			  vm->state == PT_DOMAIN_PAUSED ? "is paused" : "does not run");

	if (vm->state == PT_DOMAIN_PAUSED)
		pt_hint(err, "`virsh resume %s`, then give the command again", pt_shell(vm->name).s);
	else
		pt_hint(err, "start it first; `virsh migrate --offline --persistent` moves a definition alone");
	return r;
}

/* the same check as --check makes, of the one host; what is no yes moves nothing */
static int move(struct pt_cli *cli, struct pt_vm_conn *conn, const struct moving *m, const char *uri,
		struct pt_error *err)
{
	PT_AUTO(pt_migrate_needs) needs = { 0 };
	PT_AUTO(pt_findings) found = { 0 };
	struct pt_migrate_ask ask;
	int answer;

	if (!m->look.running || m->look.vm.state == PT_DOMAIN_PAUSED)
		return not_running(m, err);
	make_ask(m, &needs, &ask);
	answer = pt_migrate_judge(&ask, &m->hosts.v[0], &found);
	if (answer == 0 || (answer < 0 && !pt_cli_flag(cli, "force-unknown"))) {
		(void)pt_migrate_tell(cli, &ask, &m->hosts, err);
		(void)fflush(cli->out);
		(void)fprintf(cli->diag, "passthru: %s was not moved: the check %s%s\n", m->look.vm.name,
			      answer ? "cannot tell everything" : "says no",
			      answer ? "; --force-unknown leaves that to libvirt, which checks again" : "");
		return PT_EXIT_NO;
	}
	return pt_moving_run(cli, conn, &m->look, &m->hosts.v[0], &found, err);
}

/* 1: one host that can be moved to */
static int which_host(struct pt_cli *cli, char **ret_uri, struct pt_error *err)
{
	const char *word = pt_cli_value(cli, "to");
	int r;

	if (pt_cli_flag(cli, "all") || !word || pt_cli_value_at(cli, "to", 1)) {
		r = pt_usage(err, -EINVAL, "a VM moves to one host: --to HOST, once");
		pt_hint(err, "--check says which it could move to: of several, or of --all");
		return r;
	}
	r = pt_candidates_uri(cli, word, ret_uri, err);
	if (r != 0)
		return r;
	r = pt_usage(err, -EINVAL, "'%s' is neither a URI of libvirt nor the host of one in [migrate] host", word);
	pt_hint(err,
		"--to qemu+ssh://root@HOST/system: recorded facts can be checked against, but nothing moves there");
	return r;
}

static int check_options(struct pt_cli *cli, char **ret_uri, struct pt_error *err)
{
	static const char *const of_moving[] = { "timeout",  "bandwidth", "unplug-timeout", "dry-run",
						 "data-uri", "tls",	  "converge" };
	int r;

	r = pt_moving_options(cli, err);
	if (r < 0)
		return r;
	if (!pt_cli_flag(cli, "check"))
		return which_host(cli, ret_uri, err);
	for (size_t i = 0; i < sizeof(of_moving) / sizeof(*of_moving); i++)
		if (pt_cli_value(cli, of_moving[i]) || pt_cli_flag(cli, of_moving[i]))
			return pt_usage(err, -EINVAL, "--%s is about moving, and --check only looks", of_moving[i]);
	if (pt_cli_value(cli, "to") || pt_cli_flag(cli, "all"))
		return 0;
	r = pt_usage(err, -EINVAL, "no host is named");
	pt_hint(err, "--to qemu+ssh://root@HOST/system, --to FILE of `passthru facts --json`, or a folder of them; "
		     "--all takes those that the configuration names");
	return r;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(moving) m = { 0 };
	pt_autofree char *uri = NULL;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = check_options(cli, &uri, err);
	if (r >= 0 && uri)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r >= 0 && uri)
		r = pt_changing_begin(cli, err);
	if (r >= 0)
		r = look_at_all(cli, conn, uri, &m, err);
	if (r < 0)
		return r;
	return uri ? move(cli, conn, &m, uri, err) : tell(cli, &m, err);
}

const struct pt_command pt_command_migrate = {
	.name = "migrate",
	.args = "VM",
	.group = "Change",
	.summary = "Move a running VM to another host, or say to which it could move and why not to others",
	.description =
		"With --check: for each host yes, no or unknown, with every reason: processor flags that are missing "
		"there, by "
		"name;\n"
		"another vendor, microcode or TSC frequency; the machine type; memory. Before that, what holds the VM\n"
		"back wherever it goes: devices of this host, disks that no other host has.\n\n"
		"A host is a URI of libvirt (qemu+ssh://root@HOST/system), a file that `passthru facts --json` wrote\n"
		"there, or a folder of such files; --all takes those of [migrate] host in the configuration. Exit "
		"status 0 when the VM can move to one of them, else 3.\n\n"
		"Without --check the VM is moved to the one host, after the same check: a no is a no before anything "
		"moves.\n"
		"Its definition goes along. A VF that an interface stands in for (attach --failover) is taken from "
		"the\n"
		"running guest first, and a free one of the same network there takes its place. When it breaks, the "
		"VM\n"
		"runs on here with its devices.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
