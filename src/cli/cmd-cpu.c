/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/cpuing.h"
#include "cli/giving.h"
#include "cli/prove.h"
#include "host/cpu.h"
#include "shape/cpu.h"

#define STOP_TIMEOUT_S 180
#define PROVE_S	       180

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	PT_CHANGING_OPTIONS,
	{ "nested", 0, NULL, "give it vmx or svm, so that it can run VMs of its own", false },
	{ "restart", 0, NULL, "a running VM: shut it down, change it, start it, and prove that it took", false },
	{ "start", 0, NULL, "start the VM afterwards even if it did not run", false },
	{ "guest", 0, NULL, "ask the guest too, through its agent, what it sees", false },
	{ "stop-timeout", 0, "SECONDS", "how long the guest may take to shut down (180)", false },
	{ "prove-timeout", 0, "SECONDS", "how long to wait for the guest's word afterwards (180)", false },
	{ NULL, 0, NULL, NULL, false },
};

static int show_host(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_cpu_host) host = { 0 };
	int r = pt_cpu_host_read(&cli->root, &host, err);

	return r < 0 ? r : pt_cpu_show_host(cli, &host, err);
}

static int show_vm(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_cpu_look) look = { 0 };
	PT_AUTO(pt_cpu_host) guest = { 0 };
	pt_autofree char *silent = NULL;
	bool told = false;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r >= 0)
		r = pt_cpu_look(cli, conn, cli->operands[0], NULL, &look, err);
	if (r < 0)
		return r;
	if (pt_cli_flag(cli, "guest"))
		told = pt_cpu_look_guest(cli, conn, &look, &guest, &silent) == 1;
	return pt_cpu_show_vm(cli, &look, told ? &guest : NULL, silent, err);
}

/* a file that `passthru cpu baseline --json` wrote: {"cpu": …} */
static int read_baseline(const char *path, struct pt_cpu_def *ret_def, struct pt_error *err)
{
	json_error_t where;
	json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	int r;

	if (!o) {
		r = pt_usage(err, -EINVAL, "%s: %s (line %d)", path, where.text, where.line);
		pt_hint(err,
			"a word with a slash is the file of a baseline: `passthru cpu baseline HOST… --json > FILE`");
		return r;
	}
	r = pt_cpu_def_from_json(json_object_get(o, "cpu"), ret_def, err);
	json_decref(o);
	if (r < 0) {
		r = pt_wrap(err, r, "%s", path);
		if (err)
			err->kind = PT_ERROR_USAGE;
		return r;
	}
	if (ret_def->model)
		return 0;
	return pt_usage(err, -EINVAL, "%s: its processor has no model", path);
}

static int read_request(struct pt_cli *cli, struct pt_cpu_request *request, struct pt_cpu_def *baseline,
			struct pt_error *err)
{
	const char *mode = cli->n_operands > 1 ? cli->operands[1] : NULL;
	long stop_s = 0;
	int r = pt_cli_number(cli, "stop-timeout", 1, 86400, STOP_TIMEOUT_S, &stop_s, err);

	if (r < 0)
		return r;
	*request = (struct pt_cpu_request){ .nested = pt_cli_flag(cli, "nested"),
					    .restart = pt_cli_flag(cli, "restart"),
					    .start = pt_cli_flag(cli, "start"),
					    .stop_timeout_ms = (unsigned)stop_s * 1000 };
	if (!mode)
		return 0;
	if (strchr(mode, '/')) {
		request->baseline = baseline;
		request->mode = PT_CPU_MODE_CUSTOM;
		return read_baseline(mode, baseline, err);
	}
	if (!*mode)
		return pt_usage(err, -EINVAL, "an empty word is no processor model");
	if (strcmp(mode, "none") == 0 || strcmp(mode, "custom") == 0)
		return pt_usage(err, -EINVAL, "'%s' is no processor: name the model itself", mode);
	if (pt_cpu_mode_parse(mode, &request->mode) == 0)
		return 0;
	request->mode = PT_CPU_MODE_CUSTOM;
	request->model = mode;
	return 0;
}

/* what the proof needs after the change */
struct proving {
	struct pt_cli *cli;
	struct pt_vm_conn *conn;
	const char *vm;
	const struct pt_cpu_def *wanted;
	long wait_s;
};

/* a guest takes its time until its agent answers; one that may not read files is asked once */
static bool ask_guest(struct proving *p, const struct pt_cpu_look *look, struct pt_cpu_host *ret_guest,
		      char **ret_silent)
{
	long long end = pt_watch_now_ms() + p->wait_s * 1000;

	for (;;) {
		pt_autofree char *silent = NULL;
		int r = pt_cpu_look_guest(p->cli, p->conn, look, ret_guest, &silent);

		if (r == 1 || r == -EACCES || !look->vm.guest_agent || pt_watch_now_ms() >= end) {
			*ret_silent = pt_take_ptr(silent);
			pt_cli_progress_end(p->cli);
			return r == 1;
		}
		pt_prove_pause(p->cli, look->vm.name);
	}
}

static int prove(void *ctx, struct pt_findings *ret_findings, struct pt_error *err)
{
	struct proving *p = ctx;
	PT_AUTO(pt_cpu_look) look = { 0 };
	PT_AUTO(pt_cpu_host) guest = { 0 };
	pt_autofree char *silent = NULL;
	bool told = false;
	int r = pt_cpu_look(p->cli, p->conn, p->vm, p->wanted, &look, err);

	if (r < 0)
		return r;
	if (look.running)
		told = ask_guest(p, &look, &guest, &silent);
	pt_decide_cpu_proof(&look, p->wanted, told ? &guest : NULL, silent, ret_findings);
	return 0;
}

static int change(struct pt_cli *cli, struct pt_vm_conn *conn, const struct pt_cpu_request *request, long prove_s,
		  struct pt_error *err)
{
	struct pt_cpu_def also = { .mode = request->mode };
	PT_AUTO(pt_cpu_look) look = { 0 };
	PT_AUTO(pt_cpu_def) wanted = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	struct proving p = { cli, conn, NULL, &wanted, prove_s };
	int r = pt_changing_begin(cli, err);

	/* borrowed: only its name is looked at */
	also.model = (char *)(uintptr_t)(request->baseline ? request->baseline->model : request->model);
	if (r >= 0)
		r = pt_cpu_look(cli, conn, cli->operands[0], &also, &look, err);
	if (r < 0)
		return r;
	pt_cpu_wanted(&look, request, &wanted);
	r = pt_decide_cpu(&look, request, &plan, err);
	if (r < 0)
		return pt_giving_refused(cli, &plan, r, err);
	p.vm = look.vm.uuid;
	return pt_changing_run(cli, conn, &plan, NULL,
			       pt_plan_has(&plan, PT_STEP_VM_START) ? &(struct pt_changing_proof){ prove, &p } : NULL,
			       err);
}

static int run_change(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_cpu_def) baseline = { 0 };
	struct pt_cpu_request request = { 0 };
	long prove_s = PROVE_S;
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_cli_number(cli, "prove-timeout", 0, 3600, PROVE_S, &prove_s, err);
	if (r >= 0)
		r = read_request(cli, &request, &baseline, err);
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	return r < 0 ? r : change(cli, conn, &request, prove_s, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	if (cli->n_operands == 0)
		return show_host(cli, err);
	if (strcmp(cli->operands[0], "baseline") == 0)
		return pt_cpu_baseline(cli, err);
	if (cli->n_operands > 2) {
		int r = pt_usage(err, -EINVAL, "passthru cpu: '%s' is one argument too many", cli->operands[2]);

		pt_hint(err, "usage: passthru cpu [VM [MODE]], or passthru cpu baseline HOST…");
		return r;
	}
	if (cli->n_operands > 1 || pt_cli_flag(cli, "nested"))
		return run_change(cli, err);
	return show_vm(cli, err);
}

const struct pt_command pt_command_cpu = {
	.name = "cpu",
	.args = "[VM [MODE]] | baseline HOST…",
	.group = "Change",
	.summary = "Show this host's processor and what a VM gets of it, or change that",
	.description =
		"Without VM: model, microcode, flags by group, and whether guests may run guests of their own. With "
		"VM:\n"
		"what it is given, what it runs with, and which flags it would gain or lose under host-model and\n"
		"host-passthrough.\n\n"
		"MODE is host-passthrough, host-model, a model that libvirt knows, or a file (a word with a slash). "
		"The\n"
		"definition is changed, and `passthru undo` puts it back. A running VM is refused, since a guest "
		"reads\n"
		"its processor's flags once; --restart shuts it down, changes it and starts it again, and puts\n"
		"everything back when it does not come up.\n\n"
		"--nested adds just vmx or svm to what the VM has: guests in the guest without host-passthrough, "
		"which\n"
		"ties a VM to hosts like this one.\n\n"
		"`cpu baseline` tells the richest processor that all of the hosts can run, each a URI of libvirt, a "
		"file\n"
		"of `passthru facts --json` or a folder of them; with --json into a FILE it is a MODE. A VM that is\n"
		"called baseline is named by its UUID.",
	.options = options,
	.max_operands = -1,
	.run = run,
};
