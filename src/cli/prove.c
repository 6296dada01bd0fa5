/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prove.h"

#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "decide/verify.h"
#include "host/proof.h"
#include "journal/journal.h"
#include "vm/agent.h"

#define ASK_AGAIN_S 2

PT_DEFINE_CLEANUP(struct pt_journal *, pt_journal_close)

int pt_prove_open(struct pt_cli *cli, struct pt_vm_conn **ret_conn, struct pt_error *err)
{
	int r;

	if (pt_vm_uri_is_local(cli->uri))
		return PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT,
				  pt_vm_open(&cli->root, cli->uri, false, ret_conn, err));
	r = pt_usage(err, -EREMOTE, "%s is another host's libvirt, and its devices cannot be seen from here", cli->uri);
	pt_hint(err, "run passthru on that host");
	return r;
}

/* all that is looked at; @devices, @proofs, @live_devs and @carried are parallel */
struct look {
	struct pt_domain vm;
	struct pt_domain live;
	struct pt_devices host;
	struct pt_guest guest;
	struct pt_qmp_functions qmp;
	PT_ARRAY(struct pt_bdf) bdfs;
	PT_ARRAY(struct pt_proof) proofs;
	PT_ARRAY(struct pt_verify_device) devices;
	struct pt_strv carried;
};

static void look_done(struct look *l)
{
	pt_domain_done(&l->vm);
	pt_domain_done(&l->live);
	pt_devices_done(&l->host);
	pt_guest_done(&l->guest);
	pt_qmp_functions_done(&l->qmp);
	for (size_t i = 0; i < l->proofs.n; i++)
		pt_proof_done(&l->proofs.v[i]);
	free(l->bdfs.v);
	free(l->proofs.v);
	free(l->devices.v);
	pt_strv_done(&l->carried);
}

static bool knows(const struct look *l, struct pt_bdf bdf)
{
	for (size_t i = 0; i < l->bdfs.n; i++)
		if (pt_bdf_eq(l->bdfs.v[i], bdf))
			return true;
	return false;
}

static void add_devices(struct look *l, const struct pt_domain *d)
{
	for (size_t i = 0; i < d->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &d->hostdevs.v[i];

		if (h->kind == PT_HOSTDEV_PCI && !knows(l, h->bdf))
			pt_array_push(&l->bdfs, h->bdf);
	}
}

/* the newest change that wrote down what was behind the function; NULL when none did */
static char *find_carried(struct pt_journal *journal, const struct pt_change_list *changes, struct pt_bdf bdf)
{
	for (size_t i = changes->n; i-- > 0;) {
		PT_AUTO(pt_change_record) record = { 0 };

		if (pt_journal_get(journal, changes->v[i].id, &record, NULL) < 0)
			continue;
		for (size_t j = 0; j < record.steps.n; j++) {
			const struct pt_step *s = &record.steps.v[j].step;

			if (s->kind == PT_STEP_DRIVER && s->carried && pt_bdf_eq(s->bdf, bdf))
				return pt_strdup(s->carried);
		}
	}
	return NULL;
}

/* what was behind each device before it was given away; without a journal that is not known, and no failure */
static void read_carried(struct look *l)
{
	PT_CLEANUP(pt_journal_closep) struct pt_journal *journal = NULL;
	PT_AUTO(pt_change_list) changes = { 0 };
	bool open = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, NULL) == 0 &&
		    pt_journal_list(journal, false, &changes, NULL) == 0;

	for (size_t i = 0; i < l->bdfs.n; i++)
		pt_strv_take(&l->carried, open ? find_carried(journal, &changes, l->bdfs.v[i]) : NULL);
}

static int look_at_host(struct pt_cli *cli, struct look *l, struct pt_error *err)
{
	int r = pt_look_devices(cli, &l->host, err);

	for (size_t i = 0; i < l->bdfs.n && r >= 0; i++)
		r = pt_proof_read(&cli->root, l->bdfs.v[i], pt_array_add(&l->proofs), err);
	return r;
}

static void assemble(struct look *l)
{
	for (size_t i = 0; i < l->bdfs.n; i++) {
		struct pt_bdf bdf = l->bdfs.v[i];

		pt_array_push(&l->devices, ((struct pt_verify_device){
						   .bdf = bdf,
						   .device = pt_devices_find(&l->host, bdf),
						   .proof = &l->proofs.v[i],
						   .carried = l->carried.v[i],
						   .hostdev = pt_domain_hostdev_by_bdf(&l->live, bdf),
					   }));
	}
}

static int look_at_vm(struct pt_vm_conn *conn, const struct pt_prove *ask, struct look *l, struct pt_error *err)
{
	int r = pt_vm_find(conn, ask->vm, &l->vm, err);

	if (r < 0)
		return r;
	add_devices(l, &l->vm);
	if (l->vm.state == PT_DOMAIN_SHUTOFF)
		return 0;
	r = pt_vm_live(conn, l->vm.uuid, &l->live, err);
	if (r < 0)
		return r;
	add_devices(l, &l->live);
	if (!ask->silent)
		pt_guest_ask(conn, l->vm.uuid, &l->guest);
	return ask->qmp ? pt_qmp_functions(conn, l->vm.uuid, &l->qmp, err) : 0;
}

static int prove_once(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_prove *ask,
		      struct pt_findings *ret_findings, struct pt_error *err)
{
	PT_AUTO(look) l = { 0 };
	int r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, look_at_vm(conn, ask, &l, err));

	if (r >= 0)
		r = look_at_host(cli, &l, err);
	if (r < 0)
		return r;
	read_carried(&l);
	assemble(&l);
	pt_decide_verify(&(struct pt_verify){ .vm = &l.vm,
					      .running = l.vm.state == PT_DOMAIN_SHUTOFF ? NULL : &l.live,
					      .devices = l.devices.v,
					      .n_devices = l.devices.n,
					      .guest = ask->silent ? NULL : &l.guest,
					      .qmp = ask->qmp ? &l.qmp : NULL },
			 ret_findings);
	return 0;
}

/* what is still missing and may yet come: a proof, or only the word of an agent, which starts later than the drivers */
enum missing {
	NOTHING,
	AGENT,
	PROOF,
};

static enum missing what_is_missing(const struct pt_findings *l)
{
	enum missing missing = NOTHING;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].verdict == PT_FAIL)
			return PROOF;
		if (l->v[i].verdict == PT_UNKNOWN && pt_streq(l->v[i].name, "guest-agent"))
			missing = AGENT;
	}
	return missing;
}

static const char *first_open(const struct pt_findings *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].verdict == PT_FAIL || l->v[i].verdict == PT_UNKNOWN)
			return l->v[i].name;
	return "";
}

static time_t seconds(void)
{
	struct timespec t;

	/* CLOCK_MONOTONIC is always there */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void tell_waiting(struct pt_cli *cli, const struct pt_prove *ask, const struct pt_findings *found, bool first,
			 time_t left)
{
	if (first || isatty(fileno(cli->diag)) == 1)
		pt_cli_progress(cli, "waiting for the guest of %s (%s), at most %lld seconds", ask->vm,
				first_open(found), (long long)left);
}

static void let_pass(struct pt_cli *cli)
{
	(void)PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, sleep(ASK_AGAIN_S));
}

void pt_prove_pause(struct pt_cli *cli, const char *vm)
{
	pt_cli_progress(cli, "waiting for the guest agent of %s", vm);
	let_pass(cli);
}

int pt_prove(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_prove *ask, struct pt_findings *ret_findings,
	     struct pt_error *err)
{
	time_t end = seconds() + ask->wait_s;
	time_t agent_end = 0;
	bool waited = false;

	for (;;) {
		PT_AUTO(pt_findings) found = { 0 };
		enum missing missing;
		int r = prove_once(cli, conn, ask, &found, err);

		if (r < 0)
			return r;
		missing = what_is_missing(&found);
		if (missing == AGENT && !agent_end)
			agent_end = seconds() + ask->agent_wait_s;
		if (missing == NOTHING || seconds() >= end || (missing == AGENT && seconds() >= agent_end)) {
			if (waited)
				pt_cli_progress_end(cli);
			*ret_findings = found;
			found = (struct pt_findings){ 0 };
			return 0;
		}
		tell_waiting(cli, ask, &found, !waited, end - seconds());
		waited = true;
		let_pass(cli);
	}
}
