/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/moving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/giving.h"
#include "cli/networking.h"
#include "cli/twins.h"
#include "domxml/domxml.h"
#include "model/migrate.h"
#include "model/vf.h"
#include "vm/far.h"

#define UNPLUG_TIMEOUT_S 60

/**
 * struct moving - what is looked at, and what comes of it; owns everything
 * @g, @n: of the functions that cannot move, here
 * @to: where to; @edit: of what it runs with here, for what it is to run with there
 */
struct moving {
	struct pt_giving g;
	struct pt_networking n;
	struct pt_migrate_to to;
	struct pt_domain_edit edit;
};

static void moving_done(struct moving *m)
{
	pt_giving_done(&m->g);
	pt_networking_done(&m->n);
	pt_migrate_to_done(&m->to);
	pt_domain_edit_done(&m->edit);
}

/* as `detach VM DEVICE…` looks at them */
static int look_here(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_strv *words, struct moving *m,
		     struct pt_error *err)
{
	const struct pt_cli as_given = *cli;
	PT_ARRAY(const char *) operands = { 0 };
	int r;

	pt_array_push(&operands, as_given.operands[0]);
	for (size_t i = 0; i < words->n; i++)
		pt_array_push(&operands, words->v[i]);
	cli->operands = operands.v;
	cli->n_operands = (int)operands.n;
	r = pt_giving_look(cli, conn, &m->g, err);
	cli->operands = as_given.operands;
	cli->n_operands = as_given.n_operands;
	free(operands.v);
	if (r >= 0)
		r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_vm_live(conn, m->g.vm.uuid, &m->g.running, err));
	m->g.runs = r == 0;
	return r < 0 ? r : pt_networking_detach(cli, &m->g, &m->n, err);
}

static const struct pt_vf_settings *settings_of(const struct moving *m, const struct pt_device *vf)
{
	for (size_t i = 0; i < m->n.pfs.n; i++)
		if (vf->sriov == PT_SRIOV_VF && pt_bdf_eq(m->n.pfs.v[i].pf, vf->pf))
			return pt_pf_link_vf(&m->n.pfs.v[i].link, vf->vf_index);
	return NULL;
}

/* libvirt sets a VF's MAC and VLAN; all else that was set for it here it does not know */
static void tell_settings(const struct pt_device *mine, const struct pt_vf_settings *s, const char *uri,
			  struct pt_findings *findings)
{
	struct pt_vf_settings rest;
	pt_autofree char *text = NULL;

	if (!s)
		return;
	rest = *s;
	rest.has &= ~(unsigned)(PT_VF_MAC | PT_VF_VLAN | PT_VF_LINK);
	if (!rest.trust)
		rest.has &= ~(unsigned)PT_VF_TRUST;
	if (rest.spoofchk)
		rest.has &= ~(unsigned)PT_VF_SPOOFCHK;
	if (!rest.min_rate && !rest.max_rate)
		rest.has &= ~(unsigned)PT_VF_RATE;
	text = pt_vf_settings_text(&rest);
	if (*text)
		pt_findings_add(
			findings, PT_WARN, "vf-settings", uri, "`passthru vf` there, when it has moved",
			"libvirt sets MAC and VLAN of a VF, and nothing else: what %s has here besides is not set "
			"there: %s",
			pt_bdf_str(mine->bdf).s, text);
}

/* the same interface, with the other host's function in it */
static int add_twin(const struct moving *m, const struct pt_device *mine, struct pt_bdf twin,
		    struct pt_domain_edit *edit, struct pt_error *err)
{
	const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(&m->g.running, mine->bdf);
	const struct pt_vf_settings *s = settings_of(m, mine);
	struct pt_hostdev_add add = { .bdf = twin, .managed = true, .is_interface = mine->sriov == PT_SRIOV_VF };
	const char *mac = h->mac;

	for (size_t i = 0; !mac && i < m->g.running.nics.n; i++)
		if (pt_streq(m->g.running.nics.v[i].alias, h->team_of))
			mac = m->g.running.nics.v[i].mac;
	if (add.is_interface && (!mac || pt_mac_parse(mac, add.mac) < 0))
		return pt_say(err, -EINVAL, "the interface that stands in for %s has no MAC", pt_bdf_str(mine->bdf).s);
	if (s && (s->has & PT_VF_VLAN))
		add.vlan = s->vlan;
	if (strlen(h->team_of) >= sizeof(add.team_of))
		return pt_say(err, -ENAMETOOLONG, "the alias %s is too long", h->team_of);
	memcpy(add.team_of, h->team_of, strlen(h->team_of) + 1);
	if (h->has_place && h->guest_bus && !h->guest_slot)
		add.guest_bus = h->guest_bus;
	pt_array_push(&edit->remove_hostdevs, mine->bdf);
	pt_array_push(&edit->add_hostdevs, add);
	return 0;
}

static int pick_twins(struct pt_cli *cli, struct moving *m, const char *uri, struct pt_findings *findings,
		      struct pt_error *err)
{
	PT_AUTO(pt_twins) twins = { 0 };
	int r = pt_twins_find(cli, &m->g.host.devices, &m->g.running, uri, &twins, findings, err);

	for (size_t i = 0; i < twins.n && r >= 0; i++) {
		const struct pt_device *mine = twins.v[i].mine;

		r = add_twin(m, mine, twins.v[i].twin, &m->edit, err);
		if (r < 0)
			return r;
		pt_array_push(&m->to.devices, twins.v[i].twin);
		pt_findings_add(
			findings, PT_NOTE, "twin", uri, NULL,
			"%s stays here, and %s of that host takes its place: libvirt there binds it, and sets MAC "
			"and VLAN each time the VM starts; it is recorded nowhere else",
			pt_bdf_str(mine->bdf).s, pt_bdf_str(twins.v[i].twin).s);
		tell_settings(mine, settings_of(m, mine), uri, findings);
	}
	return r;
}

/* the steps of `detach --live`: they are made first, and taken back when the VM stays */
static int plan_detach(struct pt_cli *cli, struct moving *m, struct pt_plan *plan, struct pt_error *err)
{
	struct pt_attach_facts facts = {
		.host = &m->g.host, .vm = &m->g.vm, .others = &m->g.others, .running = &m->g.running
	};
	struct pt_attach_request request = { .devices = m->g.wanted.v,
					     .n_devices = m->g.wanted.n,
					     .managed = -1,
					     .live = true,
					     .settings = &m->n.settings };
	long seconds = UNPLUG_TIMEOUT_S;
	int r = pt_cli_number(cli, "unplug-timeout", 1, 86400, UNPLUG_TIMEOUT_S, &seconds, err);

	if (r < 0)
		return r;
	request.unplug_timeout_ms = (unsigned)seconds * 1000;
	r = pt_decide_detach(&facts, &request, plan, err);
	return r < 0 ? pt_giving_refused(cli, plan, r, err) : 0;
}

static int plan_devices(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_strv *words, const char *uri,
			struct moving *m, struct pt_plan *plan, struct pt_error *err)
{
	PT_AUTO(pt_findings) findings = { 0 };
	int r = look_here(cli, conn, words, m, err);

	if (r >= 0)
		r = pick_twins(cli, m, uri, &findings, err);
	if (r >= 0)
		r = plan_detach(cli, m, plan, err);
	for (size_t i = 0; i < findings.n; i++)
		pt_array_push(&plan->findings, findings.v[i]);
	findings.n = 0;
	return r;
}

static int plan_move(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_domain *vm, struct moving *m,
		     struct pt_plan *plan, struct pt_error *err)
{
	struct pt_step *s = pt_plan_step(plan, PT_STEP_VM_MIGRATE);
	struct pt_vm_ops ops;
	long seconds = 0;
	long mib = 0;
	int r = pt_cli_number(cli, "timeout", 1, 86400L * 7, 0, &seconds, err);

	s->vm = pt_strdup(vm->name);
	s->vm_uuid = pt_strdup(vm->uuid);
	if (r >= 0)
		r = pt_cli_number(cli, "bandwidth", 1, PT_BANDWIDTH_MAX, 0, &mib, err);
	if (r < 0)
		return r;
	s->timeout_ms = (unsigned)seconds * 1000;
	m->to.bandwidth_mib = (unsigned)mib;
	m->to.autostart = vm->autostart;
	m->to.data_uri = pt_strdup_opt(pt_cli_value(cli, "data-uri"));
	m->to.tls = pt_cli_flag(cli, "tls");
	m->to.converge = pt_cli_flag(cli, "converge");
	s->state_after = pt_migrate_to_text(&m->to);
	if (m->to.devices.n) {
		pt_autofree char *live = NULL;

		pt_vm_ops_init(conn, &ops);
		r = ops.live_xml(ops.ctx, vm->uuid, &live, err);
		if (r >= 0)
			r = pt_domxml_edit(live, &m->edit, &s->xml_after, err);
		/* the difference is told with the plan */
		s->xml_before = pt_take_ptr(live);
	}
	return r;
}

/* told on a terminal's last line; where nobody watches, the step's own line is enough */
static void tell(void *ctx, const char *how_far)
{
	if (isatty(STDERR_FILENO))
		pt_cli_progress(ctx, "moving: %s", how_far);
}

int pt_moving_options(const struct pt_cli *cli, struct pt_error *err)
{
	long ignored = 0;
	int r = pt_cli_number(cli, "timeout", 1, 86400L * 7, 0, &ignored, err);

	if (r >= 0)
		r = pt_cli_number(cli, "bandwidth", 1, PT_BANDWIDTH_MAX, 0, &ignored, err);
	if (r >= 0)
		r = pt_cli_number(cli, "unplug-timeout", 1, 86400, UNPLUG_TIMEOUT_S, &ignored, err);
	for (size_t i = 0; r >= 0 && pt_cli_value_at(cli, "device", i); i++) {
		const char *word = pt_cli_value_at(cli, "device", i);
		struct pt_bdf bdf;

		if (pt_bdf_parse(word, &bdf) < 0)
			r = pt_usage(err, -EINVAL,
				     "--device %s: an address of the other host is wanted, such as 0000:41:10.0", word);
	}
	if (r >= 0 && pt_cli_value(cli, "data-uri") && !pt_migrate_data_uri(pt_cli_value(cli, "data-uri")))
		r = pt_usage(err, -EINVAL, "--data-uri %s: expected tcp://ADDRESS or tcp://ADDRESS:PORT",
			     pt_cli_value(cli, "data-uri"));
	return r < 0 ? r : 0;
}

struct proof {
	struct pt_cli *cli;
	const char *uri;
	const struct pt_domain *vm;
	const struct moving *m;
};

/* @uuid: asked with; @live: the answer */
struct arrived {
	char *uuid;
	struct pt_domain live;
};

static void arrived_free(void *said)
{
	struct arrived *a = said;

	free(a->uuid);
	pt_domain_done(&a->live);
	free(a);
}

static int look_at_it(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	struct arrived *a = said;

	return pt_vm_live(there, a->uuid, &a->live, err);
}

static int read_live(const struct proof *p, struct pt_domain *ret_live, struct pt_error *err)
{
	struct pt_far_talk talk = { .uri = p->uri, .talk = look_at_it, .done = arrived_free };
	struct arrived *a = pt_alloc(sizeof(*a));
	void *said = NULL;
	int r;

	*a = (struct arrived){ .uuid = pt_strdup(p->vm->uuid) };
	talk.said = a;
	r = pt_far(&p->cli->root, &talk, PT_FAR_MS, &said, err);
	if (r < 0)
		return r;
	a = said;
	*ret_live = a->live;
	a->live = (struct pt_domain){ 0 };
	arrived_free(a);
	return 0;
}

static int prove(void *ctx, struct pt_findings *l, struct pt_error *err)
{
	const struct proof *p = ctx;
	PT_AUTO(pt_domain) live = { 0 };
	int r = read_live(p, &live, err);

	if (r == -ENOTCONN || r == -ENOENT) {
		pt_findings_add(l, PT_FAIL, "runs-there", p->uri, "see libvirt's logs there", "%s does not run there",
				p->vm->name);
		return 0;
	}
	if (r < 0)
		return r;
	pt_findings_add(l, PT_OK, "runs-there", p->uri, NULL, "%s runs there", p->vm->name);
	for (size_t i = 0; i < p->m->to.devices.n; i++) {
		struct pt_bdf bdf = p->m->to.devices.v[i];
		bool has = pt_domain_hostdev_by_bdf(&live, bdf) != NULL;

		pt_findings_add(l, has ? PT_OK : PT_FAIL, "device-there", p->uri,
				has ? NULL : "there: see why, then `passthru attach --network … --failover --live`",
				"it runs %s %s of that host", has ? "with" : "without", pt_bdf_str(bdf).s);
	}
	return 0;
}

static void summarize(struct pt_plan *plan, const struct pt_domain *vm, const char *uri, struct pt_findings *check)
{
	free(plan->verb);
	free(plan->summary);
	plan->verb = pt_strdup("migrate");
	plan->summary = pt_strf("move %s to %s", vm->name, uri);
	pt_findings_add(&plan->findings, PT_NOTE, "definition", NULL, NULL,
			vm->persistent ? "its definition goes along: %s is defined there then, and no more here"
				       : "%s has no definition here, and gets none there",
			vm->name);
	for (size_t i = 0; i < check->n; i++)
		if (check->v[i].verdict == PT_WARN || check->v[i].verdict == PT_UNKNOWN)
			pt_findings_add(&plan->findings, check->v[i].verdict, check->v[i].name, check->v[i].where,
					check->v[i].fix, "%s", check->v[i].fact);
}

/* by what name QEMU there is reached; its qemu.conf (migration_host) may say another, so that this is no certain no */
static void tell_way(struct pt_cli *cli, const struct pt_migrate_host *there, struct pt_plan *plan)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	bool loops = false;
	int r;

	if (!pt_cli_flag(cli, "tls"))
		pt_findings_add(&plan->findings, PT_NOTE, "clear-text", there->where, NULL,
				"the guest's memory is sent as it is, not encrypted, whatever the URI of libvirt is: "
				"over a network of your own, or with --tls");
	if (pt_cli_value(cli, "data-uri"))
		return;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, getaddrinfo(there->name, NULL, &hints, &found));
	for (const struct addrinfo *a = found; r == 0 && a; a = a->ai_next) {
		const struct sockaddr_in *in = (const void *)a->ai_addr;

		loops = loops || (a->ai_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127);
	}
	if (r != 0)
		pt_findings_add(
			&plan->findings, PT_WARN, "data-way", there->where, "--data-uri tcp://ADDRESS",
			"its memory is sent to the name that host calls itself, %s, which is not known here: %s",
			there->name, gai_strerror(r));
	else if (loops)
		pt_findings_add(&plan->findings, PT_WARN, "data-way", there->where, "--data-uri tcp://ADDRESS",
				"its memory is sent to the name that host calls itself, %s, which is an address of "
				"this host itself here",
				there->name);
	if (r == 0)
		freeaddrinfo(found);
}

int pt_moving_run(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_look *look,
		  const struct pt_migrate_host *there, struct pt_findings *check, struct pt_error *err)
{
	PT_AUTO(moving) m = { 0 };
	PT_AUTO(pt_strv) teamed = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	const char *uri = there->where;
	pt_autofree char *question = pt_strf("Move %s to %s?", look->vm.name, uri);
	struct proof p = { .cli = cli, .uri = uri, .vm = &look->vm, .m = &m };
	const struct pt_changing_proof proof = { .prove = prove, .ctx = &p };
	int r = 0;

	m.to.uri = pt_strdup(uri);
	pt_twins_wanted(&look->live, &teamed);
	if (teamed.n)
		r = plan_devices(cli, conn, &teamed, uri, &m, &plan, err);
	if (r != 0)
		return r;
	if (pt_cli_value_at(cli, "device", teamed.n))
		return pt_usage(err, -EINVAL, "--device %s: %s has %zu device%s that cannot move and may have a twin",
				pt_cli_value_at(cli, "device", teamed.n), look->vm.name, teamed.n,
				teamed.n == 1 ? "" : "s");
	summarize(&plan, &look->vm, uri, check);
	tell_way(cli, there, &plan);
	r = plan_move(cli, conn, &look->vm, &m, &plan, err);
	if (r < 0)
		return r;
	pt_vm_set_tell(conn, tell, cli);
	r = pt_changing_run(cli, conn, &plan, question, &proof, err);
	pt_vm_set_tell(conn, NULL, NULL);
	return r;
}
