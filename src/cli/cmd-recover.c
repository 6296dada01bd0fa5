/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "journal/journal.h"

#define LIBVIRT_S	 60
#define BOOT_PATIENCE_MS 120000

static const struct pt_option options[] = {
	{ "dry-run", 'n', NULL, "say what there is to recover and touch nothing", false },
	{ "force-stop", 0, NULL, "power a guest off that does not shut down in time", false },
	{ "stop-timeout", 0, "SECONDS", "how long a guest may take to shut down (120)", false },
	{ "wait", 0, "SECONDS", "how long to wait for another change to end (60)", false },
	{ "boot", 0, "host|vms", "one part: the host's, before libvirt; the VMs', when libvirt has come up", false },
	{ "give-up", 0, "CHANGE", "settle it without what was to be done to a device, or a VM, that is gone for good",
	  false },
	{ "yes", 'y', NULL, "do not ask", false },
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

static json_t *ids_json(const struct pt_change_ids *ids)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ids->v.n; i++)
		(void)json_array_append_new(all, json_integer((json_int_t)ids->v.v[i]));
	return all;
}

/* what is open or stuck, and what a guest may still do; without a journal nothing is */
static int tell(struct pt_cli *cli, struct pt_journal *journal, const struct pt_change_ids *ids, struct pt_error *err)
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
		return pt_print_json(cli, json_pack("{s:o, s:o}", "unsettled", all, "unanswered", ids_json(ids)), err);
	json_decref(all);
	for (size_t i = 0; i < ids->v.n; i++)
		(void)fprintf(cli->out,
			      "change %lld has failed: a guest was asked to let go of a device, and may do so yet or "
			      "have done so; recover looks, and gives it back then\n",
			      ids->v.v[i]);
	if (r == 0 && list.n == 0 && ids->v.n == 0)
		(void)fputs("there is nothing to recover\n", cli->out);
	return r < 0 ? r : PT_EXIT_DONE;
}

static int look(struct pt_cli *cli, struct pt_error *err)
{
	struct pt_change_ids ids = { 0 };
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = !journal ? 0
		     : pt_change_unanswered(&(struct pt_change_env){ .journal = journal, .proc_fd = cli->root.proc_fd },
					    &ids, err);
	if (r == 0)
		r = tell(cli, journal, &ids, err);
	free(ids.v.v);
	pt_journal_close(journal);
	return r;
}

/* --boot: the two parts of a boot */
enum part {
	WHOLE,
	HOST,
	VMS,
};

static int read_part(const struct pt_cli *cli, enum part *ret_part, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "boot");

	if (text && strcmp(text, "host") != 0 && strcmp(text, "vms") != 0)
		return pt_usage(err, -EINVAL, "--boot %s: expected host or vms", text);
	*ret_part = !text ? WHOLE : text[0] == 'h' ? HOST : VMS;
	return 0;
}

/* 0: nothing is to be given up */
static int read_gone(const struct pt_cli *cli, enum part part, long long *ret_id, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "give-up");

	if (!text && pt_cli_flag(cli, "yes"))
		return pt_usage(err, -EINVAL, "--yes answers what only --give-up CHANGE asks");
	if (!text)
		return 0;
	if (part != WHOLE)
		return pt_usage(err, -EINVAL, "--give-up is somebody's decision: it does not go with --boot");
	return pt_cli_change_id(text, ret_id, err);
}

static int read_stop(const struct pt_cli *cli, long *ret_s, struct pt_error *err)
{
	return pt_cli_number(cli, "stop-timeout", 1, 86400, 120, ret_s, err);
}

/* what is wrong is wrong also where there is nothing to recover */
static int check_numbers(const struct pt_cli *cli, struct pt_error *err)
{
	long seconds = 0;
	int r = read_stop(cli, &seconds, err);

	return r < 0 ? r : pt_cli_number(cli, "wait", 0, 86400, 60, &seconds, err);
}

/* is there anything?  Asked before libvirt is: at boot, where nothing is to be done, it need not even run */
static int count(const struct pt_cli *cli, unsigned *ret_n, unsigned *ret_unanswered, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_change_ids ids = { 0 };
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r == -ENOENT) {
		*ret_n = 0;
		*ret_unanswered = 0;
		return 0;
	}
	if (r == 0)
		r = pt_journal_list(journal, true, &list, err);
	if (r == 0)
		r = pt_change_unanswered(&(struct pt_change_env){ .journal = journal, .proc_fd = cli->root.proc_fd },
					 &ids, err);
	pt_journal_close(journal);
	if (r == 0)
		*ret_n = (unsigned)list.n;
	if (r == 0)
		*ret_unanswered = (unsigned)ids.v.n;
	free(ids.v.v);
	return r;
}

/* at boot libvirt is on its way up: its socket may be there before anybody answers on it */
static int connect_vms(struct pt_cli *cli, enum part part, struct pt_vm_conn **ret_conn, struct pt_error *err)
{
	int r = pt_vm_open(&cli->root, cli->uri, false, ret_conn, err);

	for (unsigned waited = 0; r < 0 && part == VMS && waited < LIBVIRT_S; waited++) {
		(void)sleep(1);
		*err = (struct pt_error){ 0 };
		r = pt_vm_open(&cli->root, cli->uri, false, ret_conn, err);
	}
	return r;
}

/* what is not under way and not settled either */
static int count_waiting(const struct pt_cli *cli, unsigned *ret_n, struct pt_error *err)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_READ, &journal, err);

	if (r == 0)
		r = pt_journal_list(journal, true, &list, err);
	pt_journal_close(journal);
	*ret_n = 0;
	for (size_t i = 0; i < list.n; i++)
		*ret_n += list.v[i].state != PT_CHANGE_OPEN || !pt_owner_alive(cli->root.proc_fd, &list.v[i].owner);
	return r;
}

/* a change of devices alone can be recovered on a host whose libvirt is down; then @no_vms says why it was not asked */
static int find_vms(struct pt_cli *cli, enum part part, struct pt_vm_conn **ret_conn, struct pt_error *no_vms,
		    struct pt_error *err)
{
	int r = part == HOST ? 0 : connect_vms(cli, part, ret_conn, no_vms);

	if (r == 0 || (part == WHOLE && !cli->uri))
		return 0;
	*err = *no_vms;
	return r;
}

/* @unanswered: of how many changes a guest is to be asked whether it has let go of something since */
static int recover(struct pt_cli *cli, enum part part, unsigned unanswered, unsigned *ret_n, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	struct pt_error no_vms = { 0 };
	struct pt_changing c = { 0 };
	unsigned waiting = 0;
	long stop_s = 0;
	int r = read_stop(cli, &stop_s, err);

	if (r == 0)
		r = find_vms(cli, part, &conn, &no_vms, err);
	if (r < 0)
		return r;
	/* the other host of a VM that was moved may have lost its power with this one */
	if (conn && part == VMS)
		pt_vm_set_patience(conn, BOOT_PATIENCE_MS);
	r = pt_changing_open(cli, conn, &c, err);
	c.env.host_only = part == HOST;
	c.env.no_vms = no_vms.code != 0;
	c.env.stop_ms = (unsigned)stop_s * 1000;
	if (r == 0)
		r = pt_change_recover(&c.env, ret_n, err);
	pt_changing_close(&c);
	if (r == 0 && no_vms.code)
		r = count_waiting(cli, &waiting, err);
	if (no_vms.code)
		waiting += unanswered;
	if (r < 0 || !waiting)
		return r;
	*err = no_vms;
	return pt_wrap(err, no_vms.code, "what is left to recover is about VMs, too");
}

static json_t *lines_json(const struct pt_strv *lines)
{
	json_t *all = json_array();

	for (size_t i = 0; i < lines->n; i++)
		(void)json_array_append_new(all, json_string(lines->v[i]));
	return all;
}

static void print_lines(struct pt_cli *cli, const char *title, const struct pt_strv *lines)
{
	(void)fprintf(cli->out, "%s\n", title);
	for (size_t i = 0; i < lines->n; i++) {
		pt_autofree char *line = pt_text_clean(pt_strdup(lines->v[i]));

		(void)fputs("  - ", cli->out);
		pt_cli_wrap(cli->out, line, 4, 4);
	}
	(void)fflush(cli->out);
}

static int given_json(struct pt_cli *cli, long long id, bool made, const struct pt_given_up *given,
		      struct pt_error *err)
{
	return pt_print_json(cli,
			     json_pack("{s:I, s:b, s:s, s:s?, s:o}", "change", (json_int_t)id, "made", made, "way",
				       given->forward ? "forward" : "back", "why", given->forward, "given_up",
				       lines_json(&given->lines)),
			     err);
}

static void tell_give_up(struct pt_cli *cli, long long id, const struct pt_given_up *given)
{
	pt_autofree char *title =
		pt_strf("of change %lld this is never %s:", id, given->forward ? "made" : "taken back");
	pt_autofree char *rest =
		given->forward ? pt_text_clean(pt_strf("all else of it is finished, not taken back (%s); a VM that it "
						       "was to start again is started, without the device",
						       given->forward))
			       : pt_strdup("all else of it is; a VM that it shut down stays shut off if it has to do "
					   "with a device that is gone");

	print_lines(cli, title, &given->lines);
	pt_cli_wrap(cli->out, rest, 0, 0);
	(void)fflush(cli->out);
}

static int ask_give_up(struct pt_cli *cli, const struct pt_change_env *env, long long id, struct pt_given_up *told,
		       struct pt_error *err)
{
	int r = pt_change_gone(env, id, told, err);

	if (r < 0)
		return r;
	if (cli->json && pt_cli_flag(cli, "dry-run"))
		return given_json(cli, id, false, told, err);
	if (!cli->json)
		tell_give_up(cli, id, told);
	if (pt_cli_flag(cli, "dry-run"))
		return 0;
	r = pt_cli_confirm(cli, told->forward ? "Give it up, and finish the rest?" : "Give it up?", err);
	if (r == 0)
		(void)fputs("nothing was changed\n", cli->diag);
	return r;
}

static int report_given(struct pt_cli *cli, long long id, const struct pt_given_up *given, struct pt_error *err)
{
	pt_autofree char *title = pt_strf(given->forward ? "change %lld is finished; never made is:"
							 : "change %lld is settled; never taken back is:",
					  id);

	if (cli->json)
		return given_json(cli, id, true, given, err);
	print_lines(cli, title, &given->lines);
	return PT_EXIT_DONE;
}

static int give_up(struct pt_cli *cli, long long id, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	bool dry = pt_cli_flag(cli, "dry-run");
	PT_AUTO(pt_given_up) told = { 0 };
	PT_AUTO(pt_given_up) given = { 0 };
	struct pt_error no_vms = { 0 };
	struct pt_changing c = { 0 };
	long stop_s = 0;
	int r = read_stop(cli, &stop_s, err);

	if (r == 0)
		r = find_vms(cli, WHOLE, &conn, &no_vms, err);
	/* who gives up has seen that the other host does not answer */
	if (r == 0 && conn)
		pt_vm_set_patience(conn, 0);
	if (r == 0)
		r = pt_changing_look(cli, conn, &c, err);
	c.env.no_vms = no_vms.code != 0;
	if (r == 0)
		r = ask_give_up(cli, &c.env, id, &told, err);
	pt_changing_close(&c);
	if (r == -ENOTCONN && no_vms.code) {
		*err = no_vms;
		return pt_wrap(err, no_vms.code, "change %lld is about VMs, too, and is left as it is", id);
	}
	if (r > 0 && no_vms.code)
		(void)fprintf(
			cli->diag,
			"passthru: libvirt could not be asked, and the change has no step of a VM: whether one has a "
			"device of it is seen by who has it open\n          %s\n",
			no_vms.msg);
	if (r <= 0 || dry)
		return r < 0 || dry ? r : PT_EXIT_FAILED;
	r = pt_changing_open(cli, conn, &c, err);
	c.env.no_vms = no_vms.code != 0;
	c.env.stop_ms = (unsigned)stop_s * 1000;
	if (r == 0)
		r = pt_change_give_up(&c.env, id, &told, &given, err);
	pt_changing_close(&c);
	return r < 0 ? r : report_given(cli, id, &given, err);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void report(struct pt_cli *cli, enum part part, unsigned found, unsigned settled, unsigned left,
		   unsigned unanswered)
{
	if (settled)
		(void)fprintf(cli->out, "%u change%s settled; `passthru history` tells how\n", settled,
			      plural(settled));
	if (part == HOST && left)
		(void)fprintf(cli->out,
			      "%u change%s: the host's part is done, the VMs' waits for libvirt: `passthru recover`\n",
			      left, plural(left));
	else if (!settled && !found && unanswered)
		(void)fputs("there is nothing to recover yet: a guest still has what it was asked to let go of\n",
			    cli->out);
	else if (!settled)
		(void)fputs(found ? "there is nothing to recover: what is open is under way\n"
				  : "there is nothing to recover\n",
			    cli->out);
}

/* one that was lost begins anew: until there is one, libvirt's hook lets no VM start that a change gave a device */
static int begin_journal(struct pt_error *err)
{
	struct pt_journal *journal = NULL;
	int r = pt_journal_open(PT_JOURNAL_DIR, PT_JOURNAL_WRITE, &journal, err);

	pt_journal_close(journal);
	return r;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	enum part part = WHOLE;
	unsigned found = 0;
	unsigned settled = 0;
	unsigned left = 0;
	unsigned unanswered = 0;
	long long gone = 0;
	int r = read_part(cli, &part, err);

	if (r == 0)
		r = read_gone(cli, part, &gone, err);
	if (r == 0)
		r = check_numbers(cli, err);
	if (r == 0)
		r = pt_cli_need_live(cli, err);
	if (r == 0)
		r = pt_cli_need_root(cli, err);
	if (r == 0 && gone)
		return give_up(cli, gone, err);
	if (r == 0 && pt_cli_flag(cli, "dry-run"))
		return look(cli, err);
	if (r == 0)
		r = count(cli, &found, &unanswered, err);
	if (r == 0 && !found && part == WHOLE)
		r = begin_journal(err);
	if (r == 0 && (found || (unanswered && part == WHOLE)))
		r = recover(cli, part, unanswered, &settled, err);
	if (r == 0)
		r = count(cli, &left, &unanswered, err);
	if (r < 0)
		return r;
	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:i, s:i, s:i}", "settled", (int)settled, "left", (int)left,
					       "unanswered", (int)unanswered),
				     err);
	report(cli, part, found, settled, left, unanswered);
	return PT_EXIT_DONE;
}

const struct pt_command pt_command_recover = {
	.name = "recover",
	.args = "",
	.group = "Change",
	.summary = "Finish or take back what a crash cut off",
	.description =
		"A change whose process died, by a crash, a power cut or a second Ctrl-C, is in the journal "
		"with every step "
		"that was begun.  Where all were made it is finished; else it is taken back.  What could not be "
		"taken back "
		"before, since a write hung in the kernel, is tried again.\n\n"
		"One change goes the other way: a detach or a release, or an undo that comes to the same, of a device "
		"that a driver of this host has had since the boot, or whose disks the host uses by now (LVM, md and "
		"multipath activate what they find), is finished.  Nothing is taken from under the host.\n\n"
		"It may be run at any time and any number of times, and may itself be cut off.  A change that "
		"is under way "
		"in another process is left alone.\n\n"
		"At boot it is run twice, by the units that come with it: --boot host before libvirt starts any "
		"VM puts devices and "
		"reservations back, and --boot vms after it the definitions; until then a VM of a change that is "
		"open is not "
		"started.  A VM that a change had shut down before the power went is started only if it starts by "
		"itself.\n\n"
		"A card that was pulled in the middle of a change leaves it stuck: nothing can be put back on it. "
		"--give-up settles "
		"that one change without it, after telling what is never taken back; definitions, reservations and "
		"all other devices are.  Where the change is one that is finished, as above, all else of it is made "
		"instead: "
		"which of the two is said first.  What is there is never given up.  A VM that was on its way to a host "
		"that "
		"does not answer, and does not run here, is taken to be here alone.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
