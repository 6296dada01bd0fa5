/* SPDX-License-Identifier: Apache-2.0 */
/* passthru place, passthru providers and passthru config, as a user runs them: on recorded facts and on a captured
 * host. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "program.h"
#include "tree.h"

#define CONF                                                                                                           \
	"[pci]\n"                                                                                                      \
	"device_spec = { \"vendor_id\": \"8086\", \"product_id\": \"154d\" }\n"                                        \
	"alias = { \"vendor_id\":\"8086\", \"product_id\":\"154d\", \"device_type\":\"type-PF\", \"name\":\"a1\" }\n"

#define FACTS                                                                                                          \
	"[{\"name\": \"h1\", \"numa\": [{\"id\": 0}, {\"id\": 1}], \"devices\": ["                                     \
	"{\"address\": \"0000:41:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", "   \
	"\"numa_node\": 0}, "                                                                                          \
	"{\"address\": \"0000:42:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", "   \
	"\"numa_node\": 1}]}, {\"name\": \"h2\"}]"

struct desk {
	struct tree *tree;
	struct program p;
};

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));

	d->tree = tree_new();
	tree_file(d->tree, "nova.conf", CONF);
	tree_file(d->tree, "facts.json", FACTS);
	*state = d;
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	program_done(&d->p);
	tree_free(d->tree);
	free(d);
	return 0;
}

/* @line with the configuration and the facts of the desk */
static void run(struct desk *d, const char *line, const char *config_option)
{
	pt_autofree char *whole =
		pt_strf("%s %s%s/nova.conf --facts %s/facts.json", line, config_option, d->tree->path, d->tree->path);

	program_done(&d->p);
	program_run(&d->p, whole, NULL);
}

static void hosts_that_fit_are_named_with_their_devices(void **state)
{
	struct desk *d = *state;

	run(d, "passthru place a1:2", "--config ");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "h1 fits\n  0000:41:00.0  a1\n  0000:42:00.0  a1\n"));
	assert_non_null(strstr(d->p.out, "1 of 2 hosts fit\n1 host has no free a1\n"));
}

static void no_host_fits_is_an_exit_status_and_a_reason(void **state)
{
	struct desk *d = *state;

	run(d, "passthru place a1:2 --cells 0", "--config ");
	assert_int_equal(d->p.status, 3);
	assert_non_null(strstr(d->p.out, "1 host has 1 of the 2 a1 asked for near enough to the guest's NUMA cells"));
	assert_non_null(strstr(d->p.out, "1 more would fit with numa_policy=preferred"));
	run(d, "passthru place a1:2 --cells 0 --policy preferred", "--config ");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "1 of them on another NUMA cell"));
}

static void the_host_with_fewest_to_give_comes_first(void **state)
{
	struct desk *d = *state;
	const char *a;
	const char *b;

	tree_file(d->tree, "facts.json",
		  "[{\"name\": \"rich\", \"devices\": ["
		  "{\"address\": \"0000:41:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": "
		  "\"type-PF\"}, "
		  "{\"address\": \"0000:42:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": "
		  "\"type-PF\"}]}, {\"name\": \"none\"}, {\"name\": \"poor\", \"devices\": ["
		  "{\"address\": \"0000:41:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": "
		  "\"type-PF\"}]}]");
	run(d, "passthru place a1:1", "--config ");
	a = strstr(d->p.out, "poor fits");
	b = strstr(d->p.out, "rich fits");
	assert_true(a && b && a < b);
	run(d, "passthru place a1:1 --spread", "--config ");
	a = strstr(d->p.out, "poor fits");
	b = strstr(d->p.out, "rich fits");
	assert_true(a && b && b < a);
}

static void providers_heal_what_placement_has(void **state)
{
	struct desk *d = *state;

	tree_file(d->tree, "facts.json",
		  "{\"hosts\": [{\"name\": \"h1\", \"devices\": [{\"address\": \"0000:41:00.0\", \"vendor_id\": "
		  "\"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", \"owner\": \"vm1\"}], \"placement\": "
		  "{\"consumers\": [\"vm1\"]}}]}");
	run(d, "passthru providers", "--config ");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "healed: vm1 has 1 of CUSTOM_PCI_8086_154D at h1_0000:41:00.0, not 0"));
	run(d, "passthru place a1:1", "--config ");
	assert_int_equal(d->p.status, 3);
	assert_non_null(strstr(d->p.out, "alias a1 asks for 1; host h1: 1 match, 0 of them free"));
}

static void the_answer_is_json_when_asked(void **state)
{
	struct desk *d = *state;
	json_t *json;

	run(d, "passthru place a1:1 --json", "--config ");
	json = json_loads(d->p.out, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "hosts")), 2);
	json_decref(json);
}

static void wrong_words_are_named(void **state)
{
	static const char *const bad[][2] = { { "passthru place b:1", "alias 'b' is not defined" },
					      { "passthru place a1", "NAME:COUNT" },
					      { "passthru place a1:1 --policy best", "--policy best" },
					      { "passthru place a1:1 --cells x", "--cells x" },
					      { "passthru place", "what is asked for is missing" },
					      { "passthru place a1:1 --batch", "one too many" } };
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		run(d, bad[i][0], "--config ");
		assert_int_equal(d->p.status, 2);
		assert_non_null(strstr(d->p.err, bad[i][1]));
	}
}

static void config_check_says_what_each_line_matches(void **state)
{
	struct desk *d = *state;

	run(d, "passthru config check", "");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "nova.conf:2: device_spec"));
	assert_non_null(strstr(d->p.out, "  0000:41:00.0  8086:154d  type-PF\n"));
	assert_non_null(strstr(d->p.out, "alias a1 (numa_policy=legacy): 2 devices, 2 free"));
}

static void config_check_names_file_line_and_fault(void **state)
{
	struct desk *d = *state;

	tree_file(d->tree, "nova.conf", "[pci]\n\ndevice_spec = {\"address\": \"0000:100:00.0\"}\n");
	run(d, "passthru config check", "");
	assert_int_equal(d->p.status, 2);
	assert_non_null(strstr(d->p.err, "nova.conf:3"));
	assert_non_null(strstr(d->p.err, "bus '100' is greater than the maximum allowable value (FF)"));
	tree_file(d->tree, "nova.conf", "[pci]\nalias = {name: x}\n");
	run(d, "passthru config check", "");
	assert_int_equal(d->p.status, 2);
	assert_non_null(strstr(d->p.err, "nova.conf:2: alias = {name: x}: invalid entry: this is no JSON"));
}

static void config_check_reads_our_own_sections_too(void **state)
{
	static const char *const bad[][2] = {
		{ "[network blue]\nphysical_network = physnet1\nvlan = 4095\n", "nova.conf:3" },
		{ "[network blue]\nspeed = 3\n", "nova.conf:2" },
		{ "[migrate]\nhots = qemu+ssh://b/system\n", "nova.conf:2: [migrate] has no 'hots'" },
		{ "[store]\nnonsense = 1\n", "nova.conf:2" },
	};
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		tree_file(d->tree, "nova.conf", bad[i][0]);
		run(d, "passthru config check", "");
		if (d->p.status != 2 || !strstr(d->p.err, bad[i][1]))
			fail_msg("%s: %d, %s", bad[i][0], d->p.status, d->p.err);
	}
	tree_file(d->tree, "nova.conf", "\xef\xbb\xbf[network blue]\r\nphysical_network = physnet1\r\nvlan = 42\r\n");
	run(d, "passthru config check", "");
	assert_int_equal(d->p.status, 0);
}

static void old_spellings_are_read_and_said(void **state)
{
	struct desk *d = *state;

	tree_file(d->tree, "nova.conf", "[DEFAULT]\npci_passthrough_whitelist = {\"vendor_id\": \"8086\"}\n");
	run(d, "passthru config check", "");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "0000:42:00.0"));
	assert_non_null(strstr(d->p.out, "is the old spelling of [pci] device_spec"));
}

static void providers_are_listed(void **state)
{
	struct desk *d = *state;

	run(d, "passthru providers", "--config ");
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "h1_0000:41:00.0"));
	assert_non_null(strstr(d->p.out, "CUSTOM_PCI_8086_154D"));
}

static void a_captured_host_is_read_with_its_own_configuration(void **state)
{
	struct desk *d = *state;

	tree_file(d->tree, "etc/passthru/passthru.conf", "[pci]\ndevice_spec = {\"vendor_id\": \"8086\"}\n");
	tree_file(d->tree, "etc/passthru/conf.d/10.conf",
		  "[pci]\nalias = {\"name\": \"n\", \"vendor_id\": \"8086\", \"product_id\": \"10fb\"}\n");
	tree_file(d->tree, "etc/passthru/conf.d/ignored.txt", "nonsense");
	tree_dir(d->tree, "sys/bus/pci/devices");
	program_run(&d->p, "passthru config check", d->tree->path);
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "/etc/passthru/passthru.conf:2: device_spec"));
	assert_non_null(strstr(d->p.out, "/etc/passthru/conf.d/10.conf:2: alias n"));
}

/* a server with a GPU and a network card with VFs, one of them on a VFIO driver */
static void a_real_hosts_capture_is_placed_on(void **state)
{
	struct desk *d = *state;
	pt_autofree char *capture = pt_strf("%s/hosts/gpu-node/capture", getenv("PT_TEST_DATA"));
	pt_autofree char *one = NULL;
	pt_autofree char *two = NULL;

	tree_file(d->tree, "nova.conf",
		  "[pci]\ndevice_spec = {\"vendor_id\": \"15b3\", \"product_id\": \"101e\"}\n"
		  "alias = {\"name\": \"vf\", \"vendor_id\": \"15b3\", \"product_id\": \"101e\", "
		  "\"device_type\": \"type-VF\"}\n");
	one = pt_strf("passthru place vf:1 --config %s/nova.conf", d->tree->path);
	two = pt_strf("passthru place vf:2 --config %s/nova.conf", d->tree->path);
	program_run(&d->p, one, capture);
	assert_int_equal(d->p.status, 0);
	assert_non_null(strstr(d->p.out, "0000:d1:00.2  vf\n"));
	program_done(&d->p);
	program_run(&d->p, two, capture);
	assert_int_equal(d->p.status, 3);
	assert_non_null(strstr(d->p.out, "alias vf asks for 2; host host: 2 match, 1 of them free"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_that_fit_are_named_with_their_devices, begin, end),
		cmocka_unit_test_setup_teardown(no_host_fits_is_an_exit_status_and_a_reason, begin, end),
		cmocka_unit_test_setup_teardown(the_host_with_fewest_to_give_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(providers_heal_what_placement_has, begin, end),
		cmocka_unit_test_setup_teardown(the_answer_is_json_when_asked, begin, end),
		cmocka_unit_test_setup_teardown(wrong_words_are_named, begin, end),
		cmocka_unit_test_setup_teardown(config_check_says_what_each_line_matches, begin, end),
		cmocka_unit_test_setup_teardown(config_check_names_file_line_and_fault, begin, end),
		cmocka_unit_test_setup_teardown(config_check_reads_our_own_sections_too, begin, end),
		cmocka_unit_test_setup_teardown(old_spellings_are_read_and_said, begin, end),
		cmocka_unit_test_setup_teardown(providers_are_listed, begin, end),
		cmocka_unit_test_setup_teardown(a_captured_host_is_read_with_its_own_configuration, begin, end),
		cmocka_unit_test_setup_teardown(a_real_hosts_capture_is_placed_on, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
