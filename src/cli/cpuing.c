/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cpuing.h"

#include "base/cleanup.h"
#include "cli/vm-now.h"
#include "host/cpu.h"
#include "vm/agent.h"
#include "vm/cpu.h"

static bool knows(const struct pt_cpu_look *l, const char *model)
{
	for (size_t i = 0; i < l->models.n; i++)
		if (pt_streq(l->models.v[i].model, model))
			return true;
	return false;
}

static void ask_flags(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_look *look,
		      const struct pt_cpu_def *def, struct pt_cpu_model_flags *to)
{
	struct pt_error why = { 0 };
	int r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_cpu_flags(conn, &look->vm, def, &to->flags, &why));

	if (r < 0)
		to->why_not = pt_strdup(why.msg);
}

void pt_cpu_look_model(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_def *def,
		       struct pt_cpu_look *look)
{
	/* borrows: nothing of it is freed */
	struct pt_cpu_def bare = { .mode = PT_CPU_MODE_CUSTOM, .model = def->model };
	struct pt_cpu_model_flags *m;

	if (def->mode != PT_CPU_MODE_CUSTOM || !def->model || knows(look, def->model))
		return;
	m = pt_array_add(&look->models);
	m->model = pt_strdup(def->model);
	ask_flags(cli, conn, look, &bare, m);
}

static void look_at_modes(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_cpu_look *l)
{
	struct pt_error why = { 0 };
	int r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_cpu_caps(conn, &l->vm, &l->caps, &why));

	if (r < 0) {
		l->caps_why_not = pt_strdup(why.msg);
		l->host_model.why_not = pt_strdup(why.msg);
		return;
	}
	if (l->caps.host_model.model)
		ask_flags(cli, conn, l, &l->caps.host_model, &l->host_model);
	else
		l->host_model.why_not = pt_strf("libvirt does not offer host-model to %s", l->vm.name);
}

int pt_cpu_look(struct pt_cli *cli, struct pt_vm_conn *conn, const char *vm, const struct pt_cpu_def *also,
		struct pt_cpu_look *ret_look, struct pt_error *err)
{
	PT_AUTO(pt_cpu_look) l = { 0 };
	int r = pt_vm_now(cli, conn, vm, &l.vm, &l.live, &l.running, err);

	if (r < 0)
		return r;
	/* a host whose own list cannot be read has one of libvirt's words less to say */
	if (pt_cpu_host_read(&cli->root, &l.host, NULL) < 0)
		l.host = (struct pt_cpu_host){ .family = -1, .number = -1, .stepping = -1 };
	look_at_modes(cli, conn, &l);
	pt_cpu_look_model(cli, conn, &l.vm.cpu, &l);
	pt_cpu_look_model(cli, conn, &l.live.cpu, &l);
	if (also)
		pt_cpu_look_model(cli, conn, also, &l);
	*ret_look = l;
	l = (struct pt_cpu_look){ 0 };
	return 0;
}

int pt_cpu_look_guest(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_look *look,
		      struct pt_cpu_host *ret_guest, char **ret_silent)
{
	pt_autofree char *text = NULL;
	struct pt_error why = { 0 };
	int r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_guest_cpuinfo(conn, look->vm.uuid, &text, &why));

	if (r < 0) {
		*ret_silent = pt_strdup(why.msg);
		return r;
	}
	pt_cpuinfo_parse(text, ret_guest);
	if (ret_guest->flags.n)
		return 1;
	pt_cpu_host_done(ret_guest);
	*ret_silent = pt_strdup("its /proc/cpuinfo lists no flags");
	return -EBADMSG;
}
