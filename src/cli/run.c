/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command's run(), and from its answer to an exit status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/remote.h"
#include "client/client.h"
#include "shape/finding.h"

static const struct pt_option *find_option(const struct pt_option *l, const char *name, size_t n, char letter)
{
	for (; l && l->name; l++)
		if (letter ? l->letter == letter : strlen(l->name) == n && memcmp(l->name, name, n) == 0)
			return l;
	return NULL;
}

static int unknown_option(const struct pt_cli *cli, const char *text, struct pt_error *err)
{
	pt_autofree char *name = pt_strndup(text + strspn(text, "-"), strcspn(text + strspn(text, "-"), "="));
	const char *guess = pt_help_guess_option(cli->command, name);
	int r = pt_usage(err, -EINVAL, "passthru%s%s: no option '%s'", cli->command ? " " : "",
			 cli->command ? cli->command->name : "", text);

	if (guess)
		pt_hint(err, "did you mean --%s?", guess);
	else
		pt_hint(err, "`passthru help%s%s` lists the options%s", cli->command ? " " : "",
			cli->command ? cli->command->name : "",
			cli->command && cli->command->max_operands ? "; a name that begins with '-' comes after --"
								   : "");
	return r;
}

static void keep_value(struct pt_cli *cli, const struct pt_option *o, const char *value)
{
	cli->values = pt_realloc(cli->values, cli->n_values + 1, sizeof(*cli->values));
	cli->values[cli->n_values++] = (struct pt_option_value){ o->name, value };
}

/* one option at argv[*i]; advances *i over a value that is an argument of its own */
static int parse_option(struct pt_cli *cli, int argc, char **argv, int *i, struct pt_error *err)
{
	const char *text = argv[*i];
	bool is_long = text[1] == '-';
	const char *name = is_long ? text + 2 : text + 1;
	size_t n = is_long ? strcspn(name, "=") : 1;
	const char *rest = name[n] == '=' && is_long ? name + n + 1 : !is_long && name[1] ? name + 1 : NULL;
	char letter = (char)(is_long ? 0 : name[0]);
	const struct pt_option *o = find_option(cli->command ? cli->command->options : NULL, name, n, letter);

	if (!o)
		o = find_option(pt_global_options, name, n, letter);
	if (!o)
		return unknown_option(cli, text, err);
	if (!o->arg && rest)
		return pt_usage(err, -EINVAL, "--%s takes no value (in '%s')", o->name, text);
	/* "[SECONDS]" may be left out; what follows is taken for it only when it is a number */
	if (o->arg && *o->arg == '[' && !rest) {
		const char *next = *i + 1 < argc ? argv[*i + 1] : "";

		if (*next && strspn(next, "0123456789") == strlen(next))
			rest = argv[++*i];
	} else if (o->arg && !rest) {
		if (*i + 1 >= argc)
			return pt_usage(err, -EINVAL, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
		rest = argv[++*i];
	}
	keep_value(cli, o, rest);
	return 0;
}

static int unknown_command(const char *name, struct pt_error *err)
{
	const char *guess = pt_help_guess_command(name);
	int r = pt_usage(err, -EINVAL, "there is no command '%s'", name);

	if (guess)
		pt_hint(err, "did you mean `passthru %s`?", guess);
	else
		pt_hint(err, "`passthru --help` lists the commands");
	return r;
}

/* the command is the first word that is no option; global options may stand before it */
static int parse(struct pt_cli *cli, int argc, char **argv, struct pt_error *err)
{
	bool only_operands = false;

	for (int i = 1; i < argc; i++) {
		if (!only_operands && argv[i][0] == '-' && argv[i][1]) {
			int r = 0;

			if (strcmp(argv[i], "--") == 0)
				only_operands = true;
			else
				r = parse_option(cli, argc, argv, &i, err);
			if (r < 0)
				return r;
		} else if (!cli->command) {
			cli->command = pt_help_find(argv[i]);
			if (!cli->command)
				return unknown_command(argv[i], err);
		} else {
			cli->operands[cli->n_operands++] = argv[i];
		}
	}
	return 0;
}

static int check_operands(const struct pt_cli *cli, struct pt_error *err)
{
	const struct pt_command *c = cli->command;
	int r;

	if (cli->n_operands >= c->min_operands && (c->max_operands < 0 || cli->n_operands <= c->max_operands))
		return 0;
	if (cli->n_operands < c->min_operands)
		r = pt_usage(err, -EINVAL, "passthru %s: %s missing", c->name,
			     cli->n_operands ? "an argument is" : "its arguments are");
	else
		r = pt_usage(err, -EINVAL, "passthru %s: '%s' is one argument too many", c->name,
			     cli->operands[c->max_operands]);
	pt_hint(err, "usage: passthru %s %s", c->name, c->args);
	return r;
}

static int set_color(struct pt_cli *cli, struct pt_error *err)
{
	const char *when = pt_cli_value(cli, "color");
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (!when || strcmp(when, "auto") == 0)
		cli->color =
			isatty(STDOUT_FILENO) == 1 && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	else if (strcmp(when, "always") == 0)
		cli->color = true;
	else if (strcmp(when, "never") != 0)
		return pt_usage(err, -EINVAL, "--color %s: expected auto, always or never", when);
	return 0;
}

static int dispatch(struct pt_cli *cli, struct pt_error *err)
{
	int r = set_color(cli, err);

	if (r < 0)
		return r;
	cli->json = pt_cli_flag(cli, "json");
	cli->verbose = pt_cli_flag(cli, "verbose");
	cli->uri = pt_cli_value(cli, "connect");
	if (pt_cli_flag(cli, "version")) {
		(void)fprintf(cli->out, "passthru %s\n", PT_VERSION);
		return PT_EXIT_DONE;
	}
	if (pt_cli_flag(cli, "help")) {
		if (cli->command)
			pt_help_command(cli->out, cli->command);
		else
			pt_help_all(cli->out);
		return PT_EXIT_DONE;
	}
	if (!cli->command) {
		pt_help_all(cli->diag);
		return PT_EXIT_USAGE;
	}
	r = check_operands(cli, err);
	if (r < 0)
		return r;
	r = pt_root_open(pt_cli_value(cli, "sysroot"), &cli->root, err);
	if (r < 0)
		return r;
	return pt_client_is_url(cli->uri) ? pt_remote_run(cli, err) : cli->command->run(cli, err);
}

static int exit_status(const struct pt_error *err)
{
	switch (err->kind) {
	case PT_ERROR_USAGE:
		return PT_EXIT_USAGE;
	case PT_ERROR_REFUSED:
		return PT_EXIT_NO;
	case PT_ERROR_INTERRUPTED:
		return PT_EXIT_INTERRUPTED;
	case PT_ERROR_FAILED:
		break;
	}
	return PT_EXIT_FAILED;
}

/* the first line is the cause; what follows it, and the hint, stand below it */
static void print_indented(FILE *out, const char *first, const char *text)
{
	(void)fputs(first, out);
	for (; *text; text++) {
		(void)fputc(*text, out);
		if (*text == '\n')
			(void)fputs("          ", out);
	}
	(void)fputc('\n', out);
}

static bool has_flag(const struct pt_cli *cli, const char *refusal)
{
	for (const struct pt_option *o = cli->command ? cli->command->options : NULL; o && o->name; o++)
		if (pt_startswith(o->name, "force-") && strcmp(o->name + strlen("force-"), refusal) == 0)
			return true;
	return false;
}

static void print_error(const struct pt_cli *cli, struct pt_error *err)
{
	/* names of VMs, words of libvirt and of guests end up in messages: no escape sequence may reach the terminal */
	(void)pt_text_clean_lines(err->msg);
	(void)pt_text_clean_lines(err->hint);
	if (cli->json) {
		json_t *o = json_pack("{s:o}", "error", pt_error_json(err));

		if (o && json_dumpf(o, cli->out, JSON_INDENT(2)) == 0)
			(void)fputc('\n', cli->out);
		json_decref(o);
	}
	print_indented(cli->diag, "passthru: ", err->msg[0] ? err->msg : strerror(-err->code));
	if (err->hint[0])
		print_indented(cli->diag, "          ", err->hint);
	if (err->refusal[0] && err->forceable && has_flag(cli, err->refusal))
		(void)fprintf(cli->diag, "          to do it all the same: --force-%s\n", err->refusal);
	else if (err->refusal[0])
		(void)fprintf(cli->diag, "          %s: this cannot be forced\n", err->refusal);
}

int pt_cli_main(int argc, char **argv)
{
	struct pt_cli cli = { .root = PT_ROOT_NONE, .out = stdout, .diag = stderr };
	struct pt_error err = { 0 };
	int r;

	pt_watch_start(&cli.watch);
	cli.operands = pt_alloc((size_t)(argc + 1) * sizeof(*cli.operands));
	r = parse(&cli, argc, argv, &err);
	if (r >= 0)
		r = dispatch(&cli, &err);
	if (r < 0) {
		if (!err.code)
			err.code = r;
		print_error(&cli, &err);
		r = exit_status(&err);
	}
	if (fflush(cli.out) != 0 && r == PT_EXIT_DONE) {
		(void)fprintf(cli.diag, "passthru: cannot write the answer: %s\n", strerror(errno));
		r = PT_EXIT_FAILED;
	}
	pt_root_done(&cli.root);
	pt_strv_done(&cli.warnings);
	free(cli.operands);
	free(cli.values);
	return r;
}
