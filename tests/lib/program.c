/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define WORDS_MAX  30
#define OUTPUT_MAX ((size_t)64 << 20)

/* the whole of a temporary file, which is closed */
static char *slurp(FILE *file)
{
	long size;
	char *text;

	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size >= 0 && (size_t)size < OUTPUT_MAX);
	rewind(file);
	text = pt_alloc((size_t)size + 1);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	assert_int_equal(fclose(file), 0);
	return text;
}

static int spawn(char **argv, FILE *out, FILE *err)
{
	static char locale[] = "LC_ALL=C.UTF-8";
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *asan = getenv("ASAN_OPTIONS") ? pt_strf("ASAN_OPTIONS=%s", getenv("ASAN_OPTIONS")) : NULL;
	char *tmp = getenv("TMPDIR") ? pt_strf("TMPDIR=%s", getenv("TMPDIR")) : NULL;
	char *env[5] = { locale, path };
	size_t n = 2;
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	if (asan)
		env[n++] = asan;
	if (tmp)
		env[n++] = tmp;
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(out), 1), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(err), 2), 0);
	assert_int_equal(posix_spawn(&pid, argv[0], &actions, NULL, argv, env), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	free(asan);
	free(tmp);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void program_run(struct program *ret, const char *line, const char *sysroot)
{
	pt_autofree char *words = pt_strdup(line);
	pt_autofree char *option = sysroot ? pt_strf("--sysroot=%s", sysroot) : NULL;
	FILE *out = tmpfile();
	FILE *err = tmpfile();
	char *argv[WORDS_MAX + 3] = { NULL };
	char *save = NULL;
	size_t n = 0;

	assert_true(out && err);
	for (char *word = strtok_r(words, " ", &save); word && n < WORDS_MAX; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	assert_true(n > 0);
	argv[0] = getenv("PT_PASSTHRU");
	assert_non_null(argv[0]);
	if (option)
		argv[n++] = option;
	ret->status = spawn(argv, out, err);
	ret->out = slurp(out);
	ret->err = slurp(err);
}

void program_done(struct program *p)
{
	free(p->out);
	free(p->err);
	*p = (struct program){ 0 };
}
