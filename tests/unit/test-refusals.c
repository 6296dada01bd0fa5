/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every refusal has a name; every name is in the table, in the manual and in the help; every --force-NAME is a flag of
 * just the commands that the table says.  The names are taken from the sources, so that a new one is not forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "decide/judge.h"
#include "model/refusal.h"
#include "model/use.h"
#include "program.h"
#include "tree.h"

/* all that a command of the shell prints */
static char *output_of(const char *command)
{
	struct pt_buf out = { 0 };
	char part[4096];
	FILE *p = popen(command, "r");
	size_t n;

	assert_non_null(p);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		pt_buf_addn(&out, part, n);
	assert_int_equal(pclose(p), 0);
	return pt_buf_take(&out);
}

/* where a name is given: the call, and what must stand before it ends with the first string */
static const char *const calls[] = { "pt_judge_refuse(", "pt_refuse(", "pt_refused_by(", "moved(err, ", "no(h, " };

static bool is_name(const char *text, size_t n)
{
	return n && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= n;
}

/* a call in the sources of the program; @may: how many may take the name from elsewhere */
static unsigned walk(const char *source, const char *call, unsigned *ret_unnamed)
{
	unsigned n = 0;

	for (const char *at = source; (at = strstr(at, call)); at += strlen(call)) {
		const char *end = strchr(at, ';');
		const char *quote = strchr(at, '"');
		const char *close = quote ? strchr(quote + 1, '"') : NULL;
		pt_autofree char *name = NULL;

		/* a longer function's name, a declaration or definition, or a word of a comment */
		if (at > source && (at[-1] == '_' || (at[-1] >= 'a' && at[-1] <= 'z')))
			continue;
		if (!end || strncmp(at + strlen(call), "struct", 6) == 0 || at[strlen(call)] == ')')
			continue;
		n++;
		if (!quote || quote > end || !close || !is_name(quote + 1, (size_t)(close - quote - 1))) {
			(*ret_unnamed)++;
			continue;
		}
		name = pt_strf("%.*s", (int)(close - quote - 1), quote + 1);
		if (!pt_refusal_find(name))
			fail_msg("the refusal '%s' is not in the table (src/model/refusal.c)", name);
	}
	return n;
}

static void every_name_in_the_sources_is_in_the_table(void **state)
{
	pt_autofree char *command = pt_strf("cat $(find %s/src -name '*.c' | sort)", getenv("PT_SOURCE"));
	pt_autofree char *source = output_of(command);
	unsigned unnamed = 0;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		n += walk(source, calls[i], &unnamed);
	assert_in_range(n, 120, 400);
	/* pt_refuse() itself; a finding's own name, in judge.c and apply.c twice each; a use's kind, of which the names
	 * are walked over below; those of check.c and hook.c that go through one function, which is walked over, too */
	assert_int_equal(unnamed, 8);
	assert_null(strstr(source, "pt_refuse(err, NULL"));
	for (int i = 0; i < PT_USE_KINDS; i++)
		if (i != PT_USE_ADDRESS && !pt_refusal_find(pt_use_kind_str((enum pt_use_kind)i)))
			fail_msg("the use '%s' is not in the table", pt_use_kind_str((enum pt_use_kind)i));
}

/* what decides in other files adds its refusals as findings */
static void findings_that_refuse_are_in_the_table(void **state)
{
	pt_autofree char *command =
		pt_strf("tr -d '\\n\\t' <%s/src/decide/sriov-why.c | grep -oE 'PT_FAIL, \"[a-z-]+\"' | "
			"grep -oE '\"[a-z-]+\"' | tr -d '\"' | sort -u",
			getenv("PT_SOURCE"));
	pt_autofree char *names = output_of(command);
	char *save = NULL;
	unsigned n = 0;

	(void)state;
	for (char *name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save), n++)
		if (!pt_refusal_find(name))
			fail_msg("the refusal '%s' is not in the table (src/model/refusal.c)", name);
	assert_in_range(n, 6, 20);
}

static void the_table_is_in_order_and_says_what_to_do(void **state)
{
	(void)state;
	for (const struct pt_refusal *r = pt_refusals; r->name; r++) {
		assert_true(is_name(r->name, strlen(r->name)));
		assert_true(r == pt_refusals || strcmp(r[-1].name, r->name) < 0);
		assert_true(r->what[0] && r->instead[0]);
	}
	assert_null(pt_refusal_find("everything"));
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += n)
		if ((at == words || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static bool has_flag(const struct pt_command *c, const char *name)
{
	pt_autofree char *flag = pt_strf("force-%s", name);

	for (const struct pt_option *o = c->options; o && o->name; o++)
		if (strcmp(o->name, flag) == 0)
			return true;
	return false;
}

static void every_flag_belongs_to_the_commands_that_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; pt_commands[i]; i++) {
		const struct pt_command *c = pt_commands[i];

		for (const struct pt_refusal *r = pt_refusals; r->name; r++)
			if (has_flag(c, r->name) != (r->commands && has_word(r->commands, c->name)))
				fail_msg("--force-%s and `passthru %s`: the table says otherwise", r->name, c->name);
		for (const struct pt_option *o = c->options; o && o->name; o++)
			if (strncmp(o->name, "force-", 6) == 0 && !pt_refusal_find(o->name + 6))
				fail_msg("`passthru %s` has --%s, and no refusal has that name", c->name, o->name);
	}
}

/* the program itself takes them; it comes no further than its help */
static unsigned take(const struct pt_command *c, const struct pt_refusal **r)
{
	PT_AUTO(pt_strv) words = { 0 };
	pt_autofree char *line = NULL;
	struct program p;
	unsigned n = 0;

	pt_strv_addf(&words, "passthru %s --help", c->name);
	for (; (*r)->name && n < 20; (*r)++) {
		if (!(*r)->commands || !has_word((*r)->commands, c->name))
			continue;
		pt_strv_addf(&words, "--force-%s", (*r)->name);
		n++;
	}
	line = pt_strv_join(&words, " ");
	program_run(&p, line, NULL);
	if (p.status != 0)
		fail_msg("%s: exit %d: %s", line, p.status, p.err);
	program_done(&p);
	return n;
}

static void every_flag_is_taken_by_its_commands(void **state)
{
	struct program p;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; pt_commands[i]; i++)
		for (const struct pt_refusal *r = pt_refusals; r->name;)
			n += take(pt_commands[i], &r);
	assert_in_range(n, 100, 300);
	program_run(&p, "passthru attach --help --force-managed-save", NULL);
	assert_int_equal(p.status, 2);
	assert_non_null(strstr(p.err, "no option '--force-managed-save'"));
	program_done(&p);
}

static void every_name_is_in_the_manual_and_in_the_help(void **state)
{
	struct tree *t = *state;
	struct program p;
	pt_autofree char *command = NULL;
	pt_autofree char *page = NULL;

	command = pt_strf("%s/tools/make-man %s %s/docs/man/passthru.man %s/page && tr -d '\\\\' <%s/page",
			  getenv("PT_SOURCE"), getenv("PT_PASSTHRU"), getenv("PT_SOURCE"), t->path, t->path);
	page = output_of(command);
	program_run(&p, "passthru help refusals", NULL);
	assert_int_equal(p.status, 0);
	for (const struct pt_refusal *r = pt_refusals; r->name; r++) {
		pt_autofree char *in_page = pt_strf("fB%sfR\n", r->name);
		pt_autofree char *in_help = pt_strf("\n  %s\n", r->name);

		if (!strstr(page, in_page))
			fail_msg("the manual page has no '%s'", r->name);
		if (!strstr(p.out, in_help))
			fail_msg("`passthru help refusals` has no '%s'", r->name);
	}
	program_done(&p);
}

static void a_refusal_that_cannot_be_forced_is_printed_with_its_name(void **state)
{
	struct tree *t = *state;
	struct program p;
	json_t *o;

	tree_file(t, "var/lib/passthru/journal.db", "this is no journal");
	program_run(&p, "passthru history", t->path);
	assert_int_equal(p.status, 1);
	assert_non_null(strstr(p.err, "is damaged"));
	assert_non_null(strstr(p.err, "\n          damaged: this cannot be forced\n"));
	program_done(&p);
	program_run(&p, "passthru history --json", t->path);
	o = json_loads(p.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "error"), "refusal")), "damaged");
	assert_null(json_object_get(json_object_get(o, "error"), "forceable"));
	json_decref(o);
	program_done(&p);
}

#define TREE(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_in_the_sources_is_in_the_table),
		cmocka_unit_test(findings_that_refuse_are_in_the_table),
		cmocka_unit_test(the_table_is_in_order_and_says_what_to_do),
		cmocka_unit_test(every_flag_belongs_to_the_commands_that_the_table_says),
		cmocka_unit_test(every_flag_is_taken_by_its_commands),
		TREE(every_name_is_in_the_manual_and_in_the_help),
		TREE(a_refusal_that_cannot_be_forced_is_printed_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
