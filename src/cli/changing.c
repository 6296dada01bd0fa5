/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/changing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "change/lock.h"
#include "change/timed.h"
#include "cli/findings.h"
#include "cli/identify.h"
#include "cli/print.h"
#include "decide/attach.h"
#include "decide/verify.h"
#include "domxml/domxml.h"
#include "host/block.h"
#include "host/gather.h"
#include "host/ops.h"
#include "host/pci.h"
#include "host/reserved.h"
#include "host/sriov-kept.h"
#include "journal/journal.h"
#include "shape/device.h"
#include "shape/finding.h"
#include "shape/plan.h"

/* how long a guest must live with its devices: QEMU refuses a device within its first second or two */
#define SETTLE_MS 5000u
/* a shutdown or a start that was cut off comes true within this or, most likely, not at all */
#define GRACE_MS 20000u

/* a RAID controller's firmware may take a minute to come up before it shows a disk */
#define BACK_MS 120000u

const struct pt_host_paths pt_changing_paths = {
	.reserved = PT_RESERVED_DIR,
	.rules = "/etc/udev/rules.d",
	.sriov = PT_SRIOV_DIR,
	.run = PT_LOCK_DIR,
};

struct pt_changing_parts {
	struct pt_cli *cli;
	struct pt_vm_conn *conn;
	struct pt_journal *journal;
	struct pt_lock *lock;
	struct pt_host_writer *writer;
	struct pt_host_ops host;
	struct pt_vm_ops vm;
	struct pt_timed timed;
	struct pt_host_ops timed_host;
	sigset_t watched;
	sigset_t mask_before;
	struct sigaction pipe_before;
	pthread_t watcher;
	bool watching;
	atomic_uint signals; /* how many came */
	atomic_bool unwinding;
	atomic_bool ending; /* SIGUSR1 is then for the watching thread to end, and from nobody else */
};

/* a thread that takes the signals, so that none of them hits in the middle of a write */
static void *watch_signals(void *arg)
{
	struct pt_changing_parts *p = arg;
	int number;

	for (;;) {
		if (sigwait(&p->watched, &number) != 0 || atomic_load(&p->ending))
			return NULL;
		if (number == SIGUSR1)
			continue;
		if (atomic_fetch_add(&p->signals, 1) > 0)
			_exit(PT_EXIT_INTERRUPTED);
		if (!atomic_load(&p->unwinding))
			(void)fprintf(p->cli->diag, "\npassthru: interrupted: what was made is taken back as soon as "
						    "the step under way ends;\n"
						    "          once more leaves it to `passthru recover`\n");
	}
}

static int start_watching(struct pt_changing_parts *p, struct pt_error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int r;

	(void)sigemptyset(&p->watched);
	(void)sigaddset(&p->watched, SIGINT);
	(void)sigaddset(&p->watched, SIGTERM);
	(void)sigaddset(&p->watched, SIGHUP);
	(void)sigaddset(&p->watched, SIGUSR1); /* to wake the watching thread */
	r = -pthread_sigmask(SIG_BLOCK, &p->watched, &p->mask_before);
	if (r == 0)
		r = -pthread_create(&p->watcher, NULL, watch_signals, p);
	if (r < 0)
		return pt_fail(err, r, "cannot watch for Ctrl-C");
	/* `passthru attach … | head` must not be killed for its last line in the middle of a change */
	(void)sigaction(SIGPIPE, &ignore, &p->pipe_before);
	p->watching = true;
	return 0;
}

static void stop_watching(struct pt_changing_parts *p)
{
	if (!p->watching)
		return;
	atomic_store(&p->ending, true);
	(void)pthread_kill(p->watcher, SIGUSR1);
	(void)pthread_join(p->watcher, NULL);
	(void)sigaction(SIGPIPE, &p->pipe_before, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &p->mask_before, NULL);
	p->watching = false;
}

/* what was begun to be taken back is taken back: the first signal has had its way then */
static int interrupted(void *ctx)
{
	struct pt_changing_parts *p = ctx;

	return atomic_load(&p->signals) > 0 && !atomic_load(&p->unwinding);
}

static void progress(void *ctx, size_t index, size_t total, const struct pt_step *step, enum pt_progress_state state)
{
	struct pt_changing_parts *p = ctx;
	pt_autofree char *what = pt_step_describe(step);

	switch (state) {
	case PT_PROGRESS_BEGIN:
		pt_cli_progress(p->cli, "[%zu/%zu] %s", index + 1, total, what);
		break;
	case PT_PROGRESS_FAILED:
		atomic_store(&p->unwinding, true);
		pt_cli_progress(p->cli, "[%zu/%zu] failed: %s", index + 1, total, what);
		break;
	case PT_PROGRESS_UNDO_BEGIN:
		atomic_store(&p->unwinding, true);
		pt_cli_progress(p->cli, "[%zu/%zu] taking back: %s", index + 1, total, what);
		break;
	case PT_PROGRESS_UNDO_FAILED:
		pt_cli_progress(p->cli, "[%zu/%zu] cannot be taken back: %s", index + 1, total, what);
		break;
	case PT_PROGRESS_DONE:
	case PT_PROGRESS_UNDONE:
		break;
	}
}

static void waiting(void *ctx, const char *holder)
{
	struct pt_changing_parts *p = ctx;

	pt_cli_progress(p->cli, "waiting for another change: %s", holder);
}

static void warn(void *ctx, const char *text)
{
	struct pt_changing_parts *p = ctx;

	pt_cli_progress_end(p->cli);
	(void)fprintf(p->cli->diag, "passthru: warning: %s\n", text);
	pt_strv_add(&p->cli->warnings, text);
}

/* is there a disk behind @bdf with this serial number or WWN, and has udev given it its names? */
static bool disk_is_back(const struct pt_blocks *blocks, struct pt_bdf bdf, const char *serial, const char *wwn,
			 bool udev)
{
	for (size_t i = 0; i < blocks->n; i++) {
		const struct pt_block *b = &blocks->v[i];

		if (!b->has_controller || !pt_bdf_eq(b->controller, bdf) || !pt_streq(b->name, b->disk))
			continue;
		if (pt_disk_is(b->serial, serial, NULL) || pt_disk_is(b->wwn, NULL, wwn))
			return !udev || b->links.n > 0;
	}
	return false;
}

static int disks_are_back(void *ctx, const struct pt_step *step)
{
	const struct pt_root *root = &((struct pt_changing_parts *)ctx)->cli->root;
	bool udev = pt_file_exists(root->root_fd, "run/udev/control") == 1;
	PT_AUTO(pt_blocks) blocks = { 0 };
	const char *at = step->carried;
	char *kind = NULL;
	char *serial = NULL;
	char *wwn = NULL;
	bool all = true;
	int r = pt_block_list(root, &blocks, NULL);

	if (r < 0)
		return r;
	while (pt_carried_next(&at, &kind, &serial, &wwn)) {
		if (pt_streq(kind, "disk"))
			all = all && disk_is_back(&blocks, step->bdf, serial, wwn, udev);
		free(kind);
		free(serial);
		free(wwn);
	}
	/* there while udev has events that it has not worked off */
	return all && pt_file_exists(root->root_fd, "run/udev/queue") != 1;
}

/* --yes says that the VM may be stopped, not that its guest may lose what it did not write out */
static int force_stop(void *ctx, const struct pt_step *step)
{
	struct pt_changing_parts *p = ctx;
	enum pt_watch_kind before;
	char answer[16] = "";

	if (pt_cli_flag(p->cli, "force-stop"))
		return 1;
	if (!isatty(STDIN_FILENO) || interrupted(ctx))
		return 0;
	pt_cli_progress_end(p->cli);
	(void)fprintf(p->cli->diag,
		      "%s does not shut down. Power it off? What its guest did not write out is lost. [y/N] ",
		      step->vm);
	(void)fflush(p->cli->diag);
	before = pt_watch_turn(&p->cli->watch, PT_WATCH_OTHERS);
	if (!fgets(answer, sizeof(answer), stdin))
		answer[0] = '\0';
	(void)pt_watch_turn(&p->cli->watch, before);
	return answer[0] == 'y' || answer[0] == 'Y';
}

/* a guest that has a VF is no use by this host, though it is one of its PF */
static char *who_uses(const struct pt_root *root, struct pt_bdf bdf, bool address)
{
	PT_AUTO(pt_host) host = { 0 };
	char *who = NULL;

	if (pt_pci_list(root, &host.devices, NULL) < 0 || pt_gather(root, &bdf, 1, &host, NULL, NULL) < 0)
		return pt_strdup("who uses it cannot be told");
	for (size_t i = 0; i < host.uses.n && !who; i++)
		if (pt_bdf_eq(host.uses.v[i].bdf, bdf) && host.uses.v[i].kind != PT_USE_VFIO &&
		    (address || host.uses.v[i].kind != PT_USE_ADDRESS))
			who = pt_strf("this host uses it: %s", host.uses.v[i].chain);
	return who;
}

static char *uses(void *ctx, struct pt_bdf bdf)
{
	return who_uses(&((struct pt_changing_parts *)ctx)->cli->root, bdf, true);
}

/* an address goes with its interface, and comes again with it */
static char *held(void *ctx, struct pt_bdf bdf)
{
	return who_uses(&((struct pt_changing_parts *)ctx)->cli->root, bdf, false);
}

/* @record: judged with those that are kept, instead of the one of that address */
static char *stranger(void *ctx, struct pt_bdf bdf, const char *record)
{
	const struct pt_root *root = &((struct pt_changing_parts *)ctx)->cli->root;
	PT_AUTO(pt_host) host = { 0 };
	PT_AUTO(pt_keep) was = { 0 };
	struct pt_error err = { 0 };
	struct pt_keep *k;
	int r = pt_pci_list(root, &host.devices, &err);

	if (r == 0)
		r = pt_keep_list(root, &host.reserved, NULL, &err);
	if (r == 0 && record)
		r = pt_reservation_parse(record, &was, &err);
	k = pt_keep_by_bdf(&host.reserved, bdf);
	if (r == 0 && record && !k) {
		pt_array_push(&host.reserved, was);
		was = (struct pt_keep){ 0 };
		k = &host.reserved.v[host.reserved.n - 1];
	}
	if (r == 0 && k)
		r = pt_block_list(root, &host.blocks, &err);
	if (r == 0 && k)
		r = pt_keep_present(root, &host.reserved, &host.devices, &host.blocks, &host.present, &err);
	if (r < 0)
		return pt_strf("that cannot be told: %s", err.msg);
	return k ? pt_decide_stranger(&host, k) : NULL;
}

static int open_journal(struct pt_changing_parts *p, bool look_only, struct pt_error *err)
{
	int r = pt_journal_open(PT_JOURNAL_DIR, look_only ? PT_JOURNAL_READ : PT_JOURNAL_WRITE, &p->journal, err);

	if (r == -ENOENT && look_only)
		return pt_usage(err, -ENOENT, "passthru has changed nothing on this host yet");
	if (r == 0 && !look_only)
		r = pt_lock_open(PT_LOCK_DIR, &p->lock, err);
	return r;
}

static int open_all(struct pt_cli *cli, struct pt_vm_conn *conn, bool look_only, struct pt_changing *ret,
		    struct pt_error *err)
{
	struct pt_changing_parts *p = pt_alloc(sizeof(*p));
	long wait_s = PT_LOCK_WAIT_MS / 1000;
	int r;

	*ret = (struct pt_changing){ .cli = cli, .parts = p };
	p->cli = cli;
	p->conn = conn;
	r = pt_cli_number(cli, "wait", 0, 86400, wait_s, &wait_s, err);
	if (r == 0)
		r = open_journal(p, look_only, err);
	if (r == 0 && !look_only)
		r = start_watching(p, err);
	if (r < 0) {
		pt_changing_close(ret);
		return r;
	}
	pt_host_writer_open(&cli->root, &pt_changing_paths, &p->writer, &p->host);
	pt_vm_ops_init(conn, &p->vm);
	p->timed = (struct pt_timed){ &p->host, &p->vm, &cli->watch };
	pt_timed_host_ops(&p->timed, &p->timed_host);
	pt_timed_vm_ops(&p->timed, &ret->vm);
	pt_journal_watch(p->journal, &cli->watch);
	if (conn)
		pt_vm_set_poll(conn, interrupted, p);
	ret->env = (struct pt_change_env){
		.journal = p->journal,
		.host = &p->timed_host,
		.vm = &ret->vm,
		.ctx = p,
		.progress = progress,
		.force_stop = force_stop,
		.interrupted = interrupted,
		.waiting = waiting,
		.warn = warn,
		.back = disks_are_back,
		.uses = uses,
		.held = held,
		.stranger = stranger,
		.back_ms = BACK_MS,
		.lock = p->lock,
		.wait_ms = (unsigned)wait_s * 1000,
		.proc_fd = cli->root.proc_fd,
		.settle_ms = SETTLE_MS,
		.grace_ms = GRACE_MS,
		.as_of = cli->as_of,
		.watch = &cli->watch,
	};
	return 0;
}

int pt_changing_open(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_changing *ret, struct pt_error *err)
{
	return open_all(cli, conn, pt_cli_flag(cli, "dry-run"), ret, err);
}

int pt_changing_look(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_changing *ret, struct pt_error *err)
{
	return open_all(cli, conn, true, ret, err);
}

void pt_changing_close(struct pt_changing *c)
{
	struct pt_changing_parts *p = c->parts;

	if (!p)
		return;
	if (p->conn)
		pt_vm_set_poll(p->conn, NULL, NULL);
	stop_watching(p);
	pt_cli_progress_end(p->cli);
	pt_host_writer_close(p->writer);
	pt_lock_close(p->lock);
	pt_journal_close(p->journal);
	free(p);
	*c = (struct pt_changing){ 0 };
}

void pt_changing_print(struct pt_cli *cli, const struct pt_plan *plan, bool differences)
{
	(void)fprintf(cli->out, "%s\n", pt_cli_bold(cli, plan->summary));
	for (size_t i = 0; i < plan->steps.n; i++) {
		pt_autofree char *what = pt_step_describe(&plan->steps.v[i]);

		(void)fprintf(cli->out, "%3zu. ", i + 1);
		pt_cli_wrap(cli->out, what, 5, 5);
	}
	if (plan->findings.n) {
		(void)fputc('\n', cli->out);
		pt_cli_findings(cli, &plan->findings);
	}
	for (size_t i = 0; differences && i < plan->steps.n; i++) {
		const struct pt_step *s = &plan->steps.v[i];
		pt_autofree char *diff =
			s->xml_before && s->xml_after ? pt_domxml_diff(s->xml_before, s->xml_after) : NULL;

		if (diff && *diff)
			(void)fprintf(cli->out, "\nthe definition of %s:\n%s", s->vm, diff);
	}
	(void)fflush(cli->out);
}

json_t *pt_changing_json(const struct pt_plan *plan, struct pt_error *err)
{
	json_t *o = pt_plan_to_json(plan, false, err);

	for (size_t i = 0; o && i < plan->steps.n; i++) {
		const struct pt_step *s = &plan->steps.v[i];
		pt_autofree char *diff =
			s->xml_before && s->xml_after ? pt_domxml_diff(s->xml_before, s->xml_after) : NULL;

		if (diff)
			(void)json_object_set_new(json_array_get(json_object_get(o, "steps"), i), "difference",
						  json_string(diff));
	}
	return o;
}

/* where the time went, up to here: ours, and that of those whom we waited for */
static json_t *spent_json(const struct pt_cli *cli)
{
	json_t *o = json_object();

	for (int kind = 0; kind < PT_WATCH_KINDS; kind++) {
		pt_autofree char *name = pt_strf("%s_ms", pt_watch_kind_str(kind));
		double ms = pt_watch_ms(&cli->watch, kind);

		/* in tenths: finer is noise, and no document should show seventeen digits of it */
		(void)json_object_set_new(o, name, json_real((double)(long long)(ms * 10 + 0.5) / 10));
	}
	return o;
}

static void print_spent(struct pt_cli *cli)
{
	if (!cli->verbose || cli->json)
		return;
	(void)fprintf(cli->out,
		      "\nspent: own %.1f ms, libvirt and guest %.0f ms, kernel %.0f ms, disk %.0f ms, others %.0f ms\n",
		      pt_watch_ms(&cli->watch, PT_WATCH_OWN), pt_watch_ms(&cli->watch, PT_WATCH_LIBVIRT),
		      pt_watch_ms(&cli->watch, PT_WATCH_KERNEL), pt_watch_ms(&cli->watch, PT_WATCH_DISK),
		      pt_watch_ms(&cli->watch, PT_WATCH_OTHERS));
}

static int dry_run(struct pt_cli *cli, const struct pt_plan *plan, struct pt_error *err)
{
	json_t *o;

	if (!cli->json) {
		pt_changing_print(cli, plan, true);
		(void)fputs("\nnothing was changed (--dry-run)\n", cli->out);
		print_spent(cli);
		return PT_EXIT_DONE;
	}
	o = pt_changing_json(plan, err);
	return o ? pt_print_json(cli, json_pack("{s:o, s:b, s:o}", "plan", o, "made", 0, "spent", spent_json(cli)), err)
		 : -EILSEQ;
}

static int report_json(struct pt_cli *cli, const struct pt_plan *plan, long long id, const struct pt_findings *found,
		       struct pt_error *err)
{
	json_t *o = pt_changing_json(plan, err);

	if (!o)
		return -EILSEQ;
	o = json_pack("{s:I, s:b, s:o, s:o}", "change", (json_int_t)id, "made", 1, "plan", o, "spent", spent_json(cli));
	if (cli->warnings.n)
		(void)json_object_set_new(o, "warnings", pt_json_strv(&cli->warnings));
	if (found)
		(void)json_object_set_new(o, "proof", pt_findings_json(found));
	return pt_print_json(cli, o, err);
}

/* looking again: the exit code of a write is not believed.  What is not proved is said, and not taken back by itself */
static int prove(struct pt_cli *cli, const struct pt_plan *plan, long long id, const struct pt_changing_proof *proof,
		 struct pt_error *err)
{
	PT_AUTO(pt_findings) found = { 0 };
	int r = proof->prove(proof->ctx, &found, err);

	/* the change stands: an exit status that says "as it was" would be a lie, and a program would believe it */
	if (r < 0) {
		pt_findings_add(&found, PT_FAIL, "proof", NULL, "`passthru verify` asks again",
				"the proofs could not be asked for: %s", err->msg);
		*err = (struct pt_error){ 0 };
		r = 0;
	}
	if (!cli->json) {
		(void)fputc('\n', cli->out);
		pt_cli_findings(cli, &found);
		print_spent(cli);
	} else {
		r = report_json(cli, plan, id, &found, err);
	}
	if (r < 0 || pt_findings_worst(&found) != PT_FAIL)
		return r;
	(void)fflush(cli->out);
	if (pt_plan_has(plan, PT_STEP_VM_MIGRATE)) {
		(void)fprintf(cli->diag,
			      "passthru: change %lld is made, but the VM has not there what it was to have\n", id);
		return PT_EXIT_NO;
	}
	(void)fprintf(cli->diag,
		      "passthru: change %lld is made, but not every proof came in time\n"
		      "          `passthru verify` asks again; `passthru undo %lld` takes the change back\n",
		      id, id);
	return PT_EXIT_NO;
}

/* plan shown and agreed to: 1 go ahead, 0 the user says no */
static int agree(struct pt_cli *cli, const struct pt_plan *plan, const char *question, struct pt_error *err)
{
	int r;

	if (!cli->json)
		pt_changing_print(cli, plan, cli->verbose);
	if (!cli->json)
		(void)fputc('\n', cli->out);
	(void)fflush(cli->out);
	r = pt_cli_confirm(cli, question ? question : "Go ahead?", err);
	if (r == 0)
		(void)fputs("nothing was changed\n", cli->diag);
	return r;
}

static int apply(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_plan *plan, long long *ret_id,
		 struct pt_error *err)
{
	struct pt_changing c = { 0 };
	int r = pt_changing_open(cli, conn, &c, err);

	if (r == 0)
		r = pt_change_apply(&c.env, plan, ret_id, err);
	pt_changing_close(&c);
	return r;
}

int pt_changing_begin(struct pt_cli *cli, struct pt_error *err)
{
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r == -ENOENT) {
		*err = (struct pt_error){ 0 };
		cli->as_of = 1;
		return 0;
	}
	if (r == 0)
		r = pt_change_as_of(journal, &cli->as_of, err);
	pt_journal_close(journal);
	return r;
}

int pt_changing_run(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_plan *plan, const char *question,
		    const struct pt_changing_proof *proof, struct pt_error *err)
{
	struct pt_vm_ops untimed;
	struct pt_timed timed = { .vm = &untimed, .watch = &cli->watch };
	struct pt_vm_ops vm;
	long long id = 0;
	int r;

	pt_vm_ops_init(conn, &untimed);
	pt_timed_vm_ops(&timed, &vm);
	r = pt_change_prepare(&vm, plan, err);
	if (r < 0)
		return r;
	pt_tell_of_initramfs(cli, plan);
	/* an undo that finds everything as before is made all the same: the history shall say so */
	if (plan->steps.n == 0 && !plan->undoes) {
		if (!cli->json)
			pt_cli_findings(cli, &plan->findings);
		(void)fflush(cli->out);
		(void)fputs("there is nothing to do\n", cli->diag);
		return PT_EXIT_DONE;
	}
	if (pt_cli_flag(cli, "dry-run"))
		return dry_run(cli, plan, err);
	r = agree(cli, plan, question, err);
	if (r <= 0)
		return r < 0 ? r : PT_EXIT_FAILED;
	r = apply(cli, conn, plan, &id, err);
	if (r < 0)
		return r;
	if (!cli->json && pt_plan_has(plan, PT_STEP_VM_MIGRATE))
		(void)fprintf(cli->out, "change %lld is made; the VM is the other host's now\n", id);
	else if (!cli->json)
		(void)fprintf(cli->out, "change %lld is made; `passthru undo %lld` takes it back\n", id, id);
	(void)fflush(cli->out);
	if (proof)
		return prove(cli, plan, id, proof, err);
	print_spent(cli);
	return cli->json ? report_json(cli, plan, id, NULL, err) : PT_EXIT_DONE;
}
