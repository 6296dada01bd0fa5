/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/fleeting.h"
#include "cli/placeable.h"
#include "cli/print.h"
#include "cli/requesting.h"
#include "fleet/leftover.h"

static const struct pt_option options[] = {
	{ "facts", 0, "FILE", "publish: hosts as JSON (as `passthru place` reads them), instead of this host", false },
	{ "name", 0, "HOST", "publish: under this name, instead of the host's own", false },
	{ "host", 0, "HOST", "devices, why: only this one", false },
	{ "class", 0, "CLASS", "devices: display, network, storage, … as `list` has them, or 0302", false },
	{ "free", 0, NULL, "devices: only those that can be claimed", false },
	{ "claimed", 0, NULL, "devices: only those that are", false },
	{ "fenced", 0, NULL, "evacuate: the host is off, surely", false },
	{ "password-file", 0, "FILE", "add-host, add-user: write the password there, mode 0600, instead of showing it",
	  false },
	{ "view", 0, NULL, "add-user, remove-user: one who may look, and claim nothing", false },
	PT_REQUESTING_OPTIONS,
	PT_STORING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

static int publish(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	const char *name = pt_cli_value(cli, "name");
	json_t *list = json_array();
	int r = pt_placeable_hosts(cli, &hosts, NULL, err);

	if (r == 0 && name && hosts.n != 1)
		r = pt_usage(err, -EINVAL, "--name %s: there are %zu hosts", name, hosts.n);
	for (size_t i = 0; i < hosts.n && r >= 0; i++) {
		struct pt_host_record record = { .host = hosts.v[i] };

		if (name)
			pt_strset(&hosts.v[i].name, name);
		/* both are borrowed: what is published is written from them and not kept */
		record.host.name = hosts.v[i].name;
		record.config.device_spec = s->config.device_spec;
		r = pt_fleet_publish(s->store, &record, err);
		if (r >= 0 && cli->json)
			(void)json_array_append_new(list,
						    json_pack("{s:s, s:b}", "name", hosts.v[i].name, "changed", r));
		else if (r >= 0)
			(void)fprintf(cli->out, "%s: %zu devices, %s\n", hosts.v[i].name, hosts.v[i].n,
				      r ? "published" : "as published before");
	}
	if (r < 0 || !cli->json) {
		json_decref(list);
		return r < 0 ? r : PT_EXIT_DONE;
	}
	return pt_print_json(cli, json_pack("{s:o}", "hosts", list), err);
}

static int withdraw(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *name = cli->operands[1];
	int r = pt_fleet_withdraw(s->store, name, 0, err);

	if (r < 0)
		return r;
	if (r == 0) {
		r = pt_usage(err, -ENOENT, "there is no host '%.80s' in %s", name, pt_store_name(s->store));
		pt_hint(err, "`passthru fleet hosts` lists them");
		return r;
	}
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:s}", "withdrawn", name), err);
	(void)fprintf(cli->out, "%s is no longer in the fleet\n", name);
	return PT_EXIT_DONE;
}

static int forget(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	const char *id = cli->operands[1];
	int r = pt_fleet_forget(s->store, id, err);

	if (r < 0)
		return r;
	if (r == 0) {
		r = pt_usage(err, -ENOENT, "nothing in %s is said or held for %s", pt_store_name(s->store), id);
		pt_hint(err, "`passthru claims` lists orphans");
		return r;
	}
	if (cli->json)
		return pt_print_json(cli, json_pack("{s:s}", "forgotten", id), err);
	(void)fprintf(cli->out, "%s: nothing is said or held for it any more\n", id);
	return PT_EXIT_DONE;
}

/**
 * struct verb
 * @operands: with the verb itself; -n: at most n, and the verb looks itself; @args: what is expected behind it
 * @options: those that it takes, beside --config; the words are separated by blanks
 */
struct verb {
	const char *name;
	int operands;
	const char *args;
	const char *options;
	int (*run)(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
};

static const struct verb verbs[] = {
	{ "publish", 1, "no operand", "facts name", publish },
	{ "hosts", 1, "no operand", "", pt_fleeting_hosts },
	{ "devices", 1, "no operand", "host class free claimed", pt_fleeting_devices },
	{ "why", 2, "one REQUEST like a1:2", "host policy numa spread", pt_fleeting_why },
	{ "queue", 1, "no operand", "", pt_fleeting_queue },
	{ "limit", -4, "nothing, PROJECT, or PROJECT ALIAS N", "", pt_fleeting_limit },
	{ "evacuate", 2, "one HOST", "fenced", pt_fleeting_evacuate },
	{ "add-host", 2, "one HOST", "password-file", pt_fleeting_add_host },
	{ "remove-host", 2, "one HOST", "", pt_fleeting_remove_host },
	{ "add-user", 2, "one USER", "password-file view", pt_fleeting_add_user },
	{ "remove-user", 2, "one USER", "view", pt_fleeting_remove_user },
	{ "forget", 2, "one CLAIM", "", forget },
	{ "withdraw", 2, "one HOST", "", withdraw },
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == n && memcmp(p, word, n) == 0)
			return true;
	return false;
}

static int check_use(const struct pt_cli *cli, const struct verb *v, struct pt_error *err)
{
	if (v->operands > 0 ? cli->n_operands != v->operands : cli->n_operands > -v->operands)
		return pt_usage(err, -EINVAL, "passthru fleet %s: %s is expected", v->name, v->args);
	for (const struct pt_option *o = options; o->name; o++)
		if (pt_cli_flag(cli, o->name) && strcmp(o->name, "config") != 0 && !has_word(v->options, o->name))
			return pt_usage(err, -EINVAL, "passthru fleet %s: it has no --%s", v->name, o->name);
	return 0;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_buf) names = { 0 };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		PT_AUTO(pt_storing) s = { 0 };
		int r;

		pt_buf_addf(&names, "%s%s", i ? ", " : "", verbs[i].name);
		if (strcmp(cli->operands[0], verbs[i].name) != 0)
			continue;
		r = check_use(cli, &verbs[i], err);
		r = r < 0 ? r : pt_storing_open(cli, &s, err);
		return r < 0 ? r : verbs[i].run(cli, &s, err);
	}
	return pt_usage(err, -EINVAL, "passthru fleet %s: there are %s", cli->operands[0], names.s);
}

const struct pt_command pt_command_fleet = {
	.name = "fleet",
	.args = "publish | hosts | devices | why REQUEST | queue | limit [PROJECT [ALIAS N]] | evacuate HOST | "
		"add-host HOST | remove-host HOST | add-user USER | remove-user USER | forget CLAIM | "
		"withdraw HOST",
	.group = "Fleet",
	.summary = "Show the fleet's hosts and devices; publish this host, limit projects, evacuate",
	.description =
		"publish writes what this host has, and what its own device_spec offers, for others to claim; nothing\n"
		"is written when nothing has changed. withdraw takes a host out that nobody has a claim on.\n"
		"forget takes away what is said or held for a claim that is gone (`passthru claims`: orphan).\n\n"
		"hosts lists them with counts, devices each device with its state: free, claimed, used (its host says\n"
		"so), blocked (its PF or a VF is given), not-offered, unavailable. why asks every host about a "
		"request\n"
		"and claims nothing: exit status 0 when some host fits, 3 with the reasons when none does. queue "
		"lists\n"
		"requests that wait (`passthru claim --wait`), in their order.\n\n"
		"limit says how many devices of an alias a project may have, and lists what is said and what is used.\n"
		"It is kept in the store, for all who claim. A number below what the project has refuses new claims\n"
		"only; none takes the limit away.\n\n"
		"evacuate places the claims of a host that is lost on others that fit. It wants --fenced: somebody "
		"has\n"
		"seen to it that the host is off. Claims keep their ids; exit status 3 when one fits nowhere and "
		"stays.",
	.options = options,
	.min_operands = 1,
	.max_operands = 4,
	.run = run,
};
