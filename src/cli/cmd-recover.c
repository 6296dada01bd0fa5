/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "journal/journal.h"

static const struct pt_option options[] = {
	{ "dry-run", 'n', NULL, "say what there is to recover and touch nothing", false },
	{ "force-stop", 0, NULL, "power a guest off that does not shut down in time", false },
	{ "wait", 0, "SECONDS", "how long to wait for another change to end (60)", false },
	{ NULL, 0, NULL, NULL, false },
};

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const char *situation(const struct pt_cli *cli, const struct pt_change_row *row)
{
	if (row->state == PT_CHANGE_STUCK)
		return "could not be taken back completely";
	return pt_owner_alive(cli->root.proc_fd, &row->owner) ? "is under way" : "was cut off";
}

static json_t *row_json(const struct pt_cli *cli, const struct pt_change_row *row)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:i}", "change", (json_int_t)row->id, "summary", row->summary, "state",
			 pt_change_state_str(row->state), "situation", situation(cli, row), "pid", row->owner.pid);
}

/* what is open or stuck; without a journal nothing is */
static int tell(struct pt_cli *cli, struct pt_journal *journal, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	json_t *all = json_array();
	int r = journal ? pt_journal_list(journal, true, &list, err) : 0;

	for (size_t i = 0; i < list.n; i++) {
		const struct pt_change_row *row = &list.v[i];

		(void)json_array_append_new(all, row_json(cli, row));
		if (cli->json)
			continue;
		(void)fprintf(cli->out, "change %lld (%s) %s\n", row->id, row->summary, situation(cli, row));
		if (row->message)
			(void)fprintf(cli->out, "    %s\n", row->message);
	}
	if (r == 0 && cli->json)
		return pt_print_json(cli, json_pack("{s:o}", "unsettled", all), err);
	json_decref(all);
	if (r == 0 && list.n == 0)
		(void)fputs("there is nothing to recover\n", cli->out);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int look(struct pt_cli *cli, struct pt_error *err)
{
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = tell(cli, journal, err);
	pt_journal_close(journal);
	return r;
}

/* is there anything?  Asked before libvirt is: at boot, where nothing is to be done, it need not even run */
static int count(unsigned *ret_n, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r == -ENOENT) {
		*ret_n = 0;
		return 0;
	}
	if (r == 0)
		r = pt_journal_list(journal, true, &list, err);
	pt_journal_close(journal);
	if (r == 0)
		*ret_n = (unsigned)list.n;
	return r;
}

static int recover(struct pt_cli *cli, unsigned *ret_n, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	struct pt_changing c = { 0 };
	int r = pt_vm_open(&cli->root, cli->uri, false, &conn, err);

	if (r < 0)
		return r;
	r = pt_changing_open(cli, conn, &c, err);
	if (r == 0)
		r = pt_change_recover(&c.env, ret_n, err);
	pt_changing_close(&c);
	return r;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	unsigned unsettled = 0;
	unsigned settled = 0;
	int r = pt_cli_need_live(cli, err);

	if (r == 0)
		r = pt_cli_need_root(cli, err);
	if (r == 0 && pt_cli_flag(cli, "dry-run"))
		return look(cli, err);
	if (r == 0)
		r = count(&unsettled, err);
	if (r == 0 && unsettled)
		r = recover(cli, &settled, err);
	if (r < 0)
		return r;
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:i}", "settled", (int)settled), err);
	if (settled)
		(void)fprintf(cli->out, "%u change%s settled; `passthru history` tells how\n", settled,
			      settled == 1 ? "" : "s");
	else
		(void)fputs(unsettled ? "there is nothing to recover: what is open is under way\n"
				      : "there is nothing to recover\n",
			    cli->out);
	return PT_EXIT_DONE;
}

const struct pt_command pt_command_recover = {
	.name = "recover",
	.args = "",
	.group = "Change",
	.summary = "Finish or take back what a crash cut off",
	.description = "A change whose process died, by a crash, a power cut or a second Ctrl-C, is in the journal "
		       "with every step "
		       "that was begun.  Where all were made it is finished; else it is taken back.  What could not be "
		       "taken back "
		       "before, since a write hung in the kernel, is tried again.\n\n"
		       "It may be run at any time and any number of times, and may itself be cut off.  A change that "
		       "is under way "
		       "in another process is left alone.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
