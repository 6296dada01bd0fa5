/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"

#define NARROWEST     44 /* below that a finding would be a word a line */
#define VERDICT_WIDTH 8
#define NAME_WIDTH    21
#define FACT_COLUMN   (VERDICT_WIDTH + NAME_WIDTH)

/* columns of UTF-8 text: our own words have no wide characters, and outside text has been cleaned */
static unsigned columns(const char *text, size_t n)
{
	unsigned columns = 0;

	for (size_t i = 0; i < n; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

/* bytes of the next word; one that would not fit on a line of its own is broken */
static size_t word_length(const char *text, unsigned most)
{
	size_t n = strcspn(text, " ");

	while (columns(text, n) > most)
		for (n--; n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	return n;
}

/* PT_CLI_WIDTH, or the terminal's where that is narrower */
static unsigned line_width(FILE *out)
{
	struct winsize size = { 0 };

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_col > PT_CLI_WIDTH)
		return PT_CLI_WIDTH;
	return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

void pt_cli_wrap(FILE *out, const char *text, unsigned at, unsigned indent)
{
	unsigned most = line_width(out);
	bool first = true;

	while (*(text += strspn(text, " "))) {
		size_t n = word_length(text, most - indent);
		unsigned width = columns(text, n);

		if (!first && at + 1 + width > most) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			(void)fputc(' ', out);
			at++;
		}
		(void)fwrite(text, 1, n, out);
		at += width;
		text += n;
		first = false;
	}
	(void)fputc('\n', out);
}

static const char *verdict_color(enum pt_verdict verdict)
{
	static const char *const colors[] = {
		[PT_OK] = "\033[32m",	   [PT_NOTE] = "\033[36m", [PT_WARN] = "\033[33m",
		[PT_UNKNOWN] = "\033[35m", [PT_FAIL] = "\033[31m",
	};

	return colors[verdict];
}

/* under the fact; a place is a path to copy, so one that is too long for that begins further left */
static void print_where(const struct pt_cli *cli, const char *where)
{
	pt_autofree char *line = pt_strf("[%s]", where);
	unsigned width = columns(line, strlen(line));
	unsigned at = FACT_COLUMN + width > line_width(cli->out) ? VERDICT_WIDTH : FACT_COLUMN;

	(void)fprintf(cli->out, "%*s", (int)at, "");
	pt_cli_wrap(cli->out, pt_text_clean(line), at, at);
}

static void print_fix(const struct pt_cli *cli, const char *fix)
{
	pt_autofree char *line = pt_strf("→ %s", fix);

	(void)fprintf(cli->out, "%*s", (int)FACT_COLUMN, "");
	pt_cli_wrap(cli->out, pt_text_clean(line), FACT_COLUMN, FACT_COLUMN + 2);
}

static void print_one(const struct pt_cli *cli, const struct pt_finding *f)
{
	pt_autofree char *fact = pt_strdup(f->fact);
	unsigned at = FACT_COLUMN;

	(void)fprintf(cli->out, "%s%-*s%s", cli->color ? verdict_color(f->verdict) : "", VERDICT_WIDTH,
		      pt_verdict_str(f->verdict), cli->color ? "\033[0m" : "");
	(void)fprintf(cli->out, "%-*s", NAME_WIDTH - 1, f->name);
	/* a longer name than the column pushes its fact to the right */
	if (strlen(f->name) > NAME_WIDTH - 1)
		at += (unsigned)(strlen(f->name) - (NAME_WIDTH - 1));
	(void)fputc(' ', cli->out);
	pt_cli_wrap(cli->out, pt_text_clean(fact), at, FACT_COLUMN);
	if (f->where && (cli->verbose || (f->verdict != PT_OK && f->verdict != PT_NOTE)))
		print_where(cli, f->where);
	if (f->fix)
		print_fix(cli, f->fix);
}

void pt_cli_findings(const struct pt_cli *cli, const struct pt_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		print_one(cli, &findings->v[i]);
}
