/* SPDX-License-Identifier: Apache-2.0 */
/* [network NAME]: what is read, what is refused and why; and `passthru network` on a made-up host. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "fakesys.h"
#include "program.h"
#include "shape/networks.h"

static int parse(const char *text, struct pt_networks *networks, struct pt_error *err)
{
	PT_AUTO(pt_ini) ini = { 0 };
	int r;

	assert_int_equal(pt_ini_parse(text, "passthru.conf", &ini, NULL), 0);
	r = pt_networks_read(&ini, "passthru.conf", networks, err);
	return r < 0 ? r : pt_networks_check(networks, err);
}

static void a_network_says_what_each_vf_is_set_to(void **state)
{
	PT_AUTO(pt_networks) l = { 0 };
	pt_autofree char *blue = NULL;
	pt_autofree char *open = NULL;

	(void)state;
	assert_int_equal(parse("[pci]\ndevice_spec = { \"address\": \"0000:41:00.0\" }\n"
			       "[network blue]\nphysical_network = physnet1\nvlan = 42      # 1 to 4094\nmtu = 9000\n"
			       "trust = on\nspoofchk = False\nrate = 100\nlink_state = auto\n"
			       "[network open]\nvlan = none\n",
			       &l, NULL),
			 0);
	assert_int_equal(l.n, 2);
	blue = pt_vf_settings_text(&l.v[0].settings);
	assert_string_equal(blue, "vlan=42 qos=0 trust=on spoofchk=off link=auto min_rate=0 max_rate=100");
	assert_string_equal(l.v[0].physical_network, "physnet1");
	assert_int_equal(l.v[0].mtu, 9000);
	assert_string_equal(l.v[0].where, "passthru.conf:4");
	open = pt_vf_settings_text(&l.v[1].settings);
	assert_string_equal(open, "vlan=0 qos=0");
	assert_null(pt_networks_find(&l, "red"));
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "[network a]\nvlan = 10\n[network b]\nvlan = 1\n[network a]\nmtu = 1500\nvlan = 20\n",
		  "passthru.conf:7: [network a] sets vlan, which passthru.conf:2 does already" },
		{ "[network a]\nvlan = 10\nvlan = 10\n", "passthru.conf:3: [network a] sets vlan" },
		{ "[network a]\nvlan = 10,20\n", "passthru.conf:2: [network a] vlan = 10,20: a card has one VLAN" },
		{ "[network a]\nvlan = 10-20\n", "not a list of them" },
		{ "[network a]\nvlan = -1\n", "vlan = -1: expected none (the guest may tag), or 1 to 4094" },
		{ "[network a]\nvlan = 0\n", "expected none (the guest may tag), or 1 to 4094" },
		{ "[network a]\nvlan = 4095\n", "1 to 4094" },
		{ "[network a]\nvlan = 5\ntrust = maybe\n", "passthru.conf:3: [network a] trust = maybe" },
		{ "[network a]\nvlan = 5\nmtu = 9\n", "68 to 65535" },
		{ "[network a]\nvlan = 5\ncolour = red\n", "has no 'colour'; allowed are physical_network" },
		{ "[network a]\nmtu = 1500\n", "says no vlan" },
		{ "[network a]\nvlan = none\nqos = 3\n", "there is no tag" },
		{ "[network a]\nvlan = 5\nrate = 10\nmin_rate = 20\n", "more than" },
		{ "[network ../x]\nvlan = 5\n", "a network's name is" },
		{ "[network ]\nvlan = 5\n", "a network's name is" },
		{ "[network]\nvlan = 5\n", "passthru.conf:2: [network]: a network's section is called [network NAME]" },
		{ "[Network blue]\nvlan = 5\n", "[network NAME]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		PT_AUTO(pt_networks) l = { 0 };
		struct pt_error err = { 0 };

		if (parse(bad[i].text, &l, &err) != -EINVAL || err.kind != PT_ERROR_USAGE ||
		    !strstr(err.msg, bad[i].says))
			fail_msg("'%s': '%s' instead of '%s'", bad[i].text, err.msg, bad[i].says);
	}
}

static int setup(void **state)
{
	struct fakesys *sys = fakesys_new();

	fakesys_bridge(sys, "0000:00:02.0", 0x41, 20);
	fakesys_add_pci(sys, "0000:41:00.0", 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(sys, "0000:41:00.0", 7);
	fakesys_add_vf(sys, "0000:41:00.0", 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	fakesys_add_vf(sys, "0000:41:00.0", 1, "0000:41:10.2", 0x10ca, NULL, 23);
	fakesys_file(sys, "etc/passthru/passthru.conf", "%s",
		     "[pci]\ndevice_spec = { \"address\": \"0000:41:00.0\", \"physical_network\": \"physnet1\" }\n"
		     "[network blue]\nphysical_network = physnet1\nvlan = 42\n"
		     "[network red]\nphysical_network = physnet2\nvlan = 43\n");
	*state = sys;
	return 0;
}

static int teardown(void **state)
{
	fakesys_free(*state);
	return 0;
}

static void networks_are_shown_with_the_vfs_on_their_cables(void **state)
{
	struct fakesys *sys = *state;
	struct program p;
	json_t *answer;
	json_t *list;

	program_run(&p, "passthru network --json", sys->dir);
	if (p.status != 0)
		fail_msg("%s", p.err);
	answer = json_loads(p.out, 0, NULL);
	list = json_object_get(answer, "networks");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), "blue");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "vfs")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "vfs")), 0);
	json_decref(answer);
	program_done(&p);
	program_run(&p, "passthru network blue", sys->dir);
	assert_int_equal(p.status, 0);
	assert_non_null(strstr(p.out, "vlan 42"));
	assert_null(strstr(p.out, "red"));
	program_done(&p);
	program_run(&p, "passthru network green", sys->dir);
	assert_int_equal(p.status, 2);
	assert_non_null(strstr(p.err, "networks of this host are blue, red"));
	program_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_says_what_each_vf_is_set_to),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test_setup_teardown(networks_are_shown_with_the_vfs_on_their_cables, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
