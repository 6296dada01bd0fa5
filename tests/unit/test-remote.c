/* SPDX-License-Identifier: Apache-2.0 */
/* passthru --connect unix://…: what is printed is what the same command prints on that host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "claiming.h"
#include "fakesys.h"
#include "hosts.h"
#include "program.h"

struct desk {
	struct fakesys *sys;
	struct apiserver *s;
};

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));
	FILE *f;

	*state = d;
	d->sys = fakesys_new();
	host_dell_r530(d->sys);
	d->s = apiserver_new(2, 2);
	d->s->setup.sysroot = d->sys->dir;
	d->s->conf = pt_strf("%s/conf", d->s->dir);
	d->s->files[0] = d->s->conf;
	f = fopen(d->s->conf, "we");
	(void)fprintf(f,
		      "[store]\ndirectory = %s/state\n[pci]\n"
		      "device_spec = { \"vendor_id\": \"10de\", \"product_id\": \"2330\" }\n"
		      "alias = { \"vendor_id\":\"10de\", \"product_id\":\"2330\", \"device_type\":\"type-PCI\", "
		      "\"name\":\"gpu\" }\n",
		      d->s->dir);
	(void)fclose(f);
	apiserver_start(d->s);
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	apiserver_free(d->s);
	fakesys_free(d->sys);
	free(d);
	return 0;
}

static void remote(const struct desk *d, const char *line, struct program *p)
{
	pt_autofree char *whole = pt_strf("%s --connect unix://%s", line, d->s->socket);

	program_run(p, whole, NULL);
}

static void compare(const struct desk *d, const char *line, bool config)
{
	pt_autofree char *whole = config ? pt_strf("%s --config %s", line, d->s->conf) : pt_strdup(line);
	struct program here = { 0 };
	struct program there = { 0 };

	program_run(&here, whole, d->sys->dir);
	remote(d, line, &there);
	if (here.status != there.status || strcmp(here.out, there.out) != 0)
		fail_msg("%s: %d and %d\n%s\n--- there:\n%s\n%s", line, here.status, there.status, here.out, there.out,
			 there.err);
	if (here.status)
		assert_string_equal(here.err, there.err);
	program_done(&here);
	program_done(&there);
}

/* a claim that both see */
static void claim(const struct desk *d)
{
	struct program p = { 0 };

	remote(d, "passthru claim gpu:2 --for vm1 --id c-0123456789abcdef0123", &p);
	if (p.status)
		fail_msg("%s%s", p.out, p.err);
	assert_string_equal(p.out, "c-0123456789abcdef0123  gpu:2 for vm1 on host-000\n  0000:01:00.0  gpu\n"
				   "  0000:02:00.0  gpu\n");
	program_done(&p);
	claiming_check(d->s->store, &d->s->pci);
}

static void the_output_is_the_local_one(void **state)
{
	static const struct {
		const char *line;
		bool config;
	} cases[] = {
		{ "passthru list", false },
		{ "passthru list --json", false },
		{ "passthru list storage network", false },
		{ "passthru list nonesuch", false },
		{ "passthru show 01:00.0", false },
		{ "passthru show 01:00.0 --json", false },
		{ "passthru show 0000:99:00.0", false },
		{ "passthru tree", false },
		{ "passthru tree --json", false },
		{ "passthru facts", false },
		{ "passthru history", false },
		{ "passthru history --json", false },
		{ "passthru history 7", false },
		{ "passthru providers --json", true },
		{ "passthru claims", true },
		{ "passthru claims --json", true },
		{ "passthru claims --for nobody --json", true },
		{ "passthru claims c-0123456789abcdef0123", true },
		{ "passthru fleet hosts", true },
		{ "passthru fleet hosts --json", true },
		{ "passthru fleet devices", true },
		{ "passthru fleet devices --claimed --json", true },
		{ "passthru fleet why gpu:2", true },
		{ "passthru fleet why gpu:3", true },
		{ "passthru fleet why gpu:3 --json", true },
		{ "passthru claim gpu:3 --for vm2", true },
		{ "passthru claim gpu:3 --for vm2 --json", true },
		{ "passthru claim tpu:1 --for vm2", true },
		{ "passthru claim gpu:1 --for vm2 --host nowhere", true },
		{ "passthru release c-ffffffffffffffffffff", true },
		{ "passthru fleet limit red gpu 7", true },
		{ "passthru fleet limit blue gpu 0 --json", true },
		{ "passthru fleet limit", true },
		{ "passthru fleet limit red --json", true },
		{ "passthru fleet limit red tpu 1", true },
		{ "passthru fleet limit red gpu -1", true },
		{ "passthru fleet limit red gpu none", true },
		{ "passthru fleet limit --json", true },
		{ "passthru fleet evacuate host-000", true },
		{ "passthru fleet evacuate host-000 --json", true },
		{ "passthru fleet evacuate nowhere --fenced", true },
		{ "passthru fleet evacuate host-001 --fenced", true },
		{ "passthru fleet evacuate host-001 --fenced --json", true },
	};
	const struct desk *d = *state;

	claim(d);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		compare(d, cases[i].line, cases[i].config);
}

static void a_claim_is_released(void **state)
{
	const struct desk *d = *state;
	struct program p = { 0 };

	claim(d);
	remote(d, "passthru release c-0123456789abcdef0123", &p);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "released c-0123456789abcdef0123: gpu:2 for vm1 on host-000\n");
	program_done(&p);
	remote(d, "passthru fleet withdraw host-001", &p);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "host-001 is no longer in the fleet\n");
	program_done(&p);
}

static void claims_are_placed_on_another_host(void **state)
{
	const struct desk *d = *state;
	struct program p = { 0 };
	pt_autofree char *local = pt_strf("passthru fleet evacuate host-001 --fenced --config %s", d->s->conf);

	claim(d);
	remote(d, "passthru fleet evacuate host-000 --fenced", &p);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "c-0123456789abcdef0123  gpu:2 for vm1: from host-000 to host-001\n");
	program_done(&p);
	program_run(&p, local, NULL);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "c-0123456789abcdef0123  gpu:2 for vm1: from host-001 to host-000\n");
	program_done(&p);
	/* with all of both claimed it stays where it is */
	remote(d, "passthru claim gpu:2 --for vm2", &p);
	assert_int_equal(p.status, 0);
	program_done(&p);
	compare(d, "passthru fleet evacuate host-000 --fenced", true);
	compare(d, "passthru fleet evacuate host-000 --fenced --json", true);
	remote(d, "passthru fleet evacuate host-000 --fenced", &p);
	assert_int_equal(p.status, 3);
	assert_non_null(strstr(p.out, "stays on host-000"));
	program_done(&p);
	claiming_check(d->s->store, &d->s->pci);
}

static void what_is_not_for_there_is_said(void **state)
{
	static const char *const lines[] = { "passthru attach vm 01:00.0",     "passthru history -v",
					     "passthru facts --capture x.tar", "passthru claim gpu --for x --wait 5",
					     "passthru fleet publish",	       "passthru release 01:00.0" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct program p = { 0 };

		remote(*state, lines[i], &p);
		if (p.status != 2)
			fail_msg("%s: %d %s%s", lines[i], p.status, p.out, p.err);
		program_done(&p);
	}
}

static void nobody_there_is_said(void **state)
{
	struct program p = { 0 };

	program_run(&p, "passthru list --connect unix:///nonexistent/sock", NULL);
	assert_int_equal(p.status, 1);
	assert_non_null(strstr(p.err, "unix:///nonexistent/sock"));
	program_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_output_is_the_local_one, begin, end),
		cmocka_unit_test_setup_teardown(a_claim_is_released, begin, end),
		cmocka_unit_test_setup_teardown(claims_are_placed_on_another_host, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_for_there_is_said, begin, end),
		cmocka_unit_test_setup_teardown(nobody_there_is_said, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
