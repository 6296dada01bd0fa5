/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/help.h"

bool pt_cli_flag(const struct pt_cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].name, name) == 0)
			return true;
	return false;
}

const char *pt_cli_value(const struct pt_cli *cli, const char *name)
{
	for (size_t i = cli->n_values; i-- > 0;)
		if (strcmp(cli->values[i].name, name) == 0)
			return cli->values[i].value;
	return NULL;
}

const char *pt_cli_value_at(const struct pt_cli *cli, const char *name, size_t at)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].name, name) == 0 && at-- == 0)
			return cli->values[i].value;
	return NULL;
}

int pt_cli_number(const struct pt_cli *cli, const char *name, long min, long max, long preset, long *ret_value,
		  struct pt_error *err)
{
	const char *text = pt_cli_value(cli, name);
	char *end = NULL;
	long value;

	if (!text) {
		*ret_value = preset;
		return 0;
	}
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return pt_usage(err, -EINVAL, "--%s %s: expected a number from %ld to %ld", name, text, min, max);
	*ret_value = value;
	return 0;
}

int pt_cli_confirm(struct pt_cli *cli, const char *question, struct pt_error *err)
{
	enum pt_watch_kind before;
	char answer[64] = "";

	if (pt_cli_flag(cli, "yes"))
		return 1;
	if (!isatty(STDIN_FILENO)) {
		int r = pt_usage(err, -ENOTTY,
				 "%s: this asks before it does anything, and there is no terminal to ask on",
				 cli->command->name);

		pt_hint(err, "add --yes to go ahead, or --dry-run to see the plan");
		return r;
	}
	(void)fprintf(cli->diag, "%s [y/N] ", question);
	(void)fflush(cli->diag);
	before = pt_watch_turn(&cli->watch, PT_WATCH_OTHERS);
	if (!fgets(answer, sizeof(answer), stdin))
		answer[0] = '\0';
	(void)pt_watch_turn(&cli->watch, before);
	return answer[0] == 'y' || answer[0] == 'Y';
}

int pt_cli_need_root(const struct pt_cli *cli, struct pt_error *err)
{
	int r;

	if (geteuid() == 0)
		return 0;
	r = pt_usage(err, -EPERM, "passthru %s must be run as root", cli->command->name);
	pt_hint(err, "try `sudo passthru %s …`; list, show, tree and doctor work without root", cli->command->name);
	return r;
}

int pt_cli_need_live(const struct pt_cli *cli, struct pt_error *err)
{
	if (!cli->root.captured)
		return 0;
	return pt_usage(err, -EROFS, "passthru %s changes the running host; with --sysroot %s there is none to change",
			cli->command->name, cli->root.path);
}

const char *pt_cli_bold(const struct pt_cli *cli, const char *text)
{
	static _Thread_local char buffers[4][256];
	static _Thread_local unsigned next;
	char *b = buffers[next++ % 4];

	if (!cli->color)
		return text;
	(void)snprintf(b, sizeof(buffers[0]), "\033[1m%s\033[0m", text);
	return b;
}

void pt_cli_progress(struct pt_cli *cli, const char *format, ...)
{
	bool terminal = isatty(fileno(cli->diag)) == 1;
	va_list ap;

	if (terminal)
		(void)fputs("\r\033[K", cli->diag);
	va_start(ap, format);
	(void)vfprintf(cli->diag, format, ap);
	va_end(ap);
	if (!terminal)
		(void)fputc('\n', cli->diag);
	(void)fflush(cli->diag);
}

void pt_cli_progress_end(struct pt_cli *cli)
{
	if (isatty(fileno(cli->diag)) == 1)
		(void)fputs("\r\033[K", cli->diag);
	(void)fflush(cli->diag);
}
