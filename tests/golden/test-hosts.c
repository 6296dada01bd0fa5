/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captured hosts in tests/data/hosts/NAME/capture, and what list, show and tree say of them, byte for byte, in
 * tests/data/hosts/NAME/expected.  PT_UPDATE=1 makes captures and expected outputs again (names then come from this
 * machine's hwdb); the difference is to be read before it is committed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "hosts.h"
#include "program.h"

#define COMMANDS 7

/* the first word of an expected file's name, then what is run */
static const struct host {
	const char *name;
	void (*make)(struct fakesys *sys);
	const char *commands[COMMANDS];
} hosts[] = {
	{ "dell-r530",
	  host_dell_r530,
	  { "passthru list", "passthru list all --json", "passthru tree", "passthru show MegaRAID",
	    "passthru show eno1", "passthru show /dev/sdd", "passthru show MegaRAID --json" } },
	{ "gpu-node",
	  host_gpu_node,
	  { "passthru list", "passthru list display vfio", "passthru tree", "passthru show 43:00.0",
	    "passthru show a1:00.0", "passthru show ibs0", "passthru tree ibs0v1" } },
	{ "vmd",
	  host_vmd,
	  { "passthru list", "passthru tree", "passthru show nvme0n1", "passthru show 0000:5d:05.5",
	    "passthru tree --json" } },
	{ "laptop",
	  host_laptop,
	  { "passthru list", "passthru list network --json", "passthru tree", "passthru show i915",
	    "passthru show 00:14.0" } },
};

static const char *data_dir(void)
{
	const char *data = getenv("PT_TEST_DATA");

	return data ? data : "tests/data";
}

static char *host_path(const struct host *h, const char *what)
{
	return pt_strf("%s/hosts/%s/%s", data_dir(), h->name, what);
}

/* "passthru show /dev/sdd --json" -> "show-dev-sdd-json" */
static char *file_name(const char *command)
{
	char *name = pt_alloc(strlen(command) + 1);
	size_t n = 0;

	for (const char *p = command + strlen("passthru "); *p; p++) {
		if (strchr(" /-", *p)) {
			if (n && name[n - 1] != '-')
				name[n++] = '-';
		} else {
			name[n++] = *p;
		}
	}
	return name;
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	pt_autofree char *command = NULL;
	va_list ap;

	va_start(ap, format);
	command = pt_strfv(format, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void make_capture(const struct host *h)
{
	pt_autofree char *dir = host_path(h, "capture");
	pt_autofree char *expected = host_path(h, "expected");
	struct fakesys *sys = fakesys_new();
	pt_autofree char *line = pt_strf("passthru facts --raw --capture %s/host.tar", sys->dir);
	struct program p;

	h->make(sys);
	program_run(&p, line, sys->dir);
	if (p.status != 0)
		fail_msg("%s: %s", h->name, p.err);
	program_done(&p);
	shell("rm -rf '%s' '%s' && mkdir -p '%s' '%s' && tar -C '%s' -xf %s/host.tar", dir, expected, dir, expected,
	      dir, sys->dir);
	fakesys_free(sys);
}

static void write_expected(const struct host *h, const char *name, const char *text)
{
	pt_autofree char *dir = host_path(h, "expected");
	pt_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pt_file_write_atomic(fd, name, text, strlen(text), 0644), 0);
}

static size_t lines_until(const char *text, size_t at)
{
	size_t n = 1;

	for (size_t i = 0; i < at; i++)
		n += text[i] == '\n';
	return n;
}

static void compare(const struct host *h, const char *name, const char *out)
{
	pt_autofree char *dir = host_path(h, "expected");
	pt_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pt_autofree char *expected = NULL;

	if (fd < 0 || pt_file_read(fd, name, PT_FILE_MAX, &expected, NULL) < 0)
		fail_msg("there is no %s/%s: PT_UPDATE=1 makes it", dir, name);
	for (size_t i = 0; expected[i] || out[i]; i++)
		if (expected[i] != out[i])
			fail_msg("%s/%s, line %zu: got\n%s", dir, name, lines_until(expected, i), out);
}

static void run_host(const struct host *h)
{
	pt_autofree char *capture = host_path(h, "capture");
	bool update = getenv("PT_UPDATE") != NULL;

	if (update)
		make_capture(h);
	for (size_t i = 0; i < COMMANDS && h->commands[i]; i++) {
		pt_autofree char *name = file_name(h->commands[i]);
		struct program p;

		program_run(&p, h->commands[i], capture);
		if (p.status != 0 || p.err[0])
			fail_msg("%s of %s: exit %d, %s", h->commands[i], h->name, p.status, p.err);
		if (update)
			write_expected(h, name, p.out);
		else
			compare(h, name, p.out);
		program_done(&p);
	}
}

static void the_r530_says_what_it_should(void **state)
{
	(void)state;
	run_host(&hosts[0]);
}

static void the_gpu_node_says_what_it_should(void **state)
{
	(void)state;
	run_host(&hosts[1]);
}

static void the_host_with_vmd_says_what_it_should(void **state)
{
	(void)state;
	run_host(&hosts[2]);
}

static void the_laptop_says_what_it_should(void **state)
{
	(void)state;
	run_host(&hosts[3]);
}

/* the capture on disk is of the host that tests/lib/hosts.c makes today */
static void the_captures_are_of_the_hosts_in_the_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		pt_autofree char *capture = host_path(&hosts[i], "capture");
		struct fakesys *sys = fakesys_new();
		struct program live;
		struct program captured;

		hosts[i].make(sys);
		shell("cp '%s/names' '%s/names'", capture, sys->dir);
		program_run(&live, "passthru facts", sys->dir);
		program_run(&captured, "passthru facts", capture);
		assert_int_equal(live.status, 0);
		if (strcmp(live.out, captured.out) != 0)
			fail_msg("%s has changed: PT_UPDATE=1 captures it again", hosts[i].name);
		program_done(&live);
		program_done(&captured);
		fakesys_free(sys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_r530_says_what_it_should),
		cmocka_unit_test(the_gpu_node_says_what_it_should),
		cmocka_unit_test(the_host_with_vmd_says_what_it_should),
		cmocka_unit_test(the_laptop_says_what_it_should),
		cmocka_unit_test(the_captures_are_of_the_hosts_in_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
