/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/users-net.h"
#include "users-fixture.h"

/* eth0 on the network card, up */
static int setup(void **state)
{
	if (users_setup(state) < 0)
		return -1;
	/* a developer's own login is not the made-up host's */
	(void)unsetenv("SSH_CONNECTION");
	fakesys_add_net(((struct users_fixture *)*state)->sys, NIC, "eth0", NULL);
	return 0;
}

/* @upper stands on @lower; @devtype as in its uevent */
static void stack(struct users_fixture *f, const char *lower, const char *upper, const char *devtype)
{
	pt_autofree char *link = pt_strf("sys/class/net/%s/upper_%s", lower, upper);
	pt_autofree char *uevent = pt_strf("sys/class/net/%s/uevent", upper);

	fakesys_add_net(f->sys, NULL, upper, NULL);
	fakesys_link(f->sys, link, "x");
	fakesys_file(f->sys, uevent, "DEVTYPE=%s\nINTERFACE=%s\n", devtype, upper);
}

static void default_route(struct users_fixture *f, const char *netdev)
{
	fakesys_file(f->sys, "proc/net/route",
		     "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		     "%s\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
		     netdev);
}

static void an_interface_that_does_nothing_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	default_route(f, "eth9");
	users_look(f, NIC);
	users_expect_none(f);
}

static void the_default_route_is_found(void **state)
{
	struct users_fixture *f = *state;

	default_route(f, "eth0");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_ROUTE, "eth0 > default route (IPv4)");
	assert_string_equal(f->uses.v[0].where, "/proc/net/route");
}

static void the_default_route_is_found_through_bond_and_bridge(void **state)
{
	struct users_fixture *f = *state;

	stack(f, "eth0", "bond0", "bond");
	stack(f, "bond0", "br0", "bridge");
	default_route(f, "br0");
	users_look(f, NIC);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_ROUTE, "eth0 > bond0 > br0 > default route (IPv4)");
	(void)users_find(f, PT_USE_BRIDGE, "eth0 > carries bond bond0, which is up");
}

static void the_default_route_of_ipv6_is_found(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/net/ipv6_route",
		     "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		     "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
		     "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		     "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_ROUTE, "eth0 > default route (IPv6)");
}

static void a_route_to_a_single_network_is_no_default_route(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/net/route", "eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t0000FFFF\t0\t0\t0\n");
	users_look(f, NIC);
	users_expect_none(f);
}

static void the_port_of_a_bridge_is_a_use_only_while_both_are_up(void **state)
{
	struct users_fixture *f = *state;

	stack(f, "eth0", "br0", "bridge");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_BRIDGE, "eth0 > carries bridge br0, which is up");
	fakesys_file(f->sys, "sys/class/net/br0/flags", "0x1002\n");
	users_look(f, NIC);
	users_expect_none(f);
	fakesys_file(f->sys, "sys/class/net/br0/flags", "0x1003\n");
	fakesys_file(f->sys, "sys/class/net/eth0/flags", "0x1002\n");
	users_look(f, NIC);
	users_expect_none(f);
}

static void a_port_of_open_vswitch_and_a_macvtap_are_found(void **state)
{
	struct users_fixture *f = *state;

	stack(f, "eth0", "ovs-system", "none");
	stack(f, "eth0", "macvtap0", "macvtap");
	/* as on every host: the datapath's own interface is down whatever its ports do */
	fakesys_file(f->sys, "sys/class/net/ovs-system/flags", "0x1002\n");
	users_look(f, NIC);
	assert_int_equal(f->uses.n, 2);
	(void)users_find(f, PT_USE_BRIDGE, "eth0 > port of an Open vSwitch bridge (ovs-system)");
	(void)users_find(f, PT_USE_BRIDGE, "eth0 > carries macvtap macvtap0, which is up");
}

static void an_address_is_a_use_and_a_link_local_one_is_not(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/net/if_inet6",
		     "fe800000000000005054fffe12345678 02 40 20 80     eth0\n"
		     "20010db8000000000000000000000005 02 40 00 80     eth0\n");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_ADDRESS, "eth0 > has the address 2001:db8::5 and is up");
}

static void what_is_no_address_of_32_digits_is_passed_over(void **state)
{
	struct users_fixture *f = *state;

	/* the last line ends in the middle of a byte, and the file with it */
	fakesys_file(f->sys, "proc/net/if_inet6",
		     "-1010db8000000000000000000000005 02 40 00 80     eth0\n"
		     "2001 db800000000000000000000000f 02 40 00 80     eth0\n"
		     "0x010db8000000000000000000000005 02 40 00 80     eth0\n"
		     "20010db80000000000000000000000055 02 40 00 80     eth0\n"
		     "2");
	users_look(f, NIC);
	users_expect_none(f);
}

static void an_address_on_an_interface_that_is_down_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "sys/class/net/eth0/flags", "0x1002\n");
	fakesys_file(f->sys, "proc/net/if_inet6", "20010db8000000000000000000000005 02 40 00 80     eth0\n");
	users_look(f, NIC);
	users_expect_none(f);
}

static void a_network_filesystem_is_a_use_of_the_interface_that_reaches_it(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/net/route", "eth0\t000A0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	fakesys_file(f->sys, "proc/self/mountinfo",
		     "36 22 0:44 / /home rw - nfs4 srv:/home rw,vers=4.2,clientaddr=192.168.9.9,addr=10.10.10.7\n");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_MOUNT, "eth0 > nfs4 srv:/home mounted on /home");
}

static void an_iscsi_session_and_an_nvme_controller_over_the_network_are_uses(void **state)
{
	struct users_fixture *f = *state;

	default_route(f, "eth0");
	fakesys_file(f->sys, "sys/class/iscsi_connection/connection1:0/address", "10.10.10.7\n");
	fakesys_file(f->sys, "sys/class/nvme/nvme4/address", "traddr=10.10.10.8,trsvcid=4420\n");
	fakesys_file(f->sys, "sys/class/nvme/nvme0/address", "0000:02:00.0\n");
	users_look(f, NIC);
	assert_int_equal(f->uses.n, 3);
	(void)users_find(f, PT_USE_ROUTE, "eth0 > iSCSI session to 10.10.10.7");
	(void)users_find(f, PT_USE_ROUTE, "eth0 > NVMe controller nvme4 over the network");
}

static void an_interface_on_usb_below_the_function_is_its_own(void **state)
{
	struct users_fixture *f = *state;
	pt_autofree char *path = pt_strf("%s/usb1/1-1/1-1:1.0/net/usb0/flags", fakesys_pci_path(f->sys, HBA));
	pt_autofree char *link =
		pt_strf("../../%s/usb1/1-1/1-1:1.0/net/usb0", fakesys_pci_path(f->sys, HBA) + strlen("sys/"));

	fakesys_file(f->sys, path, "0x1003\n");
	fakesys_link(f->sys, "sys/class/net/usb0", link);
	default_route(f, "usb0");
	users_look(f, HBA);
	users_expect_only(f, PT_USE_ROUTE, "usb0 > default route (IPv4)");
}

static void the_default_route_over_a_vf_is_a_use_of_the_pf(void **state)
{
	struct users_fixture *f = *state;

	fakesys_sriov(f->sys, NIC, 7);
	fakesys_add_vf(f->sys, NIC, 0, "0000:41:10.0", 0x10ca, "igbvf", 50);
	users_add_device(f, NIC, 0x020000, "igb", NULL);
	users_add_device(f, "0000:41:10.0", 0x020000, "igbvf", NIC);
	fakesys_add_net(f->sys, "0000:41:10.0", "eth5", NULL);
	default_route(f, "eth5");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_ROUTE, "VF 0000:41:10.0 > eth5 > default route (IPv4)");
	users_look(f, "0000:41:10.0");
	users_expect_only(f, PT_USE_ROUTE, "eth5 > default route (IPv4)");
}

static void interfaces_stacked_in_circles_are_followed_once(void **state)
{
	struct users_fixture *f = *state;

	stack(f, "eth0", "br0", "bridge");
	fakesys_link(f->sys, "sys/class/net/br0/upper_eth0", "x");
	fakesys_link(f->sys, "sys/class/net/br0/upper_br0", "x");
	default_route(f, "br0");
	users_look(f, NIC);
	(void)users_find(f, PT_USE_ROUTE, "eth0 > br0 > default route (IPv4)");
	assert_int_equal(f->uses.n, 2);
}

static void routes_that_cannot_be_read_are_told(void **state)
{
	struct users_fixture *f = *state;

	fakesys_remove(f->sys, "proc/net");
	users_look(f, NIC);
	assert_true(users_blind_to(f, "default route"));
}

/* one connection in the kernel's table, in the given state; 2001:db8::5 is nobody's address */
static void play_connection(struct users_fixture *f, const char *state)
{
	fakesys_file(f->sys, "proc/net/tcp6",
		     "   0: B80D0120000000000000000005000000:0016 B80D0120000000000000000009000000:D2C4 %s "
		     "00000000:00000000 02:000A7214 00000000     0        0 77123 2 0000000000000000 20 4 30 10 -1\n",
		     state);
}

/* this command below a shell, and a login's sshd: its parent or not */
static void play_login(struct users_fixture *f, int shell_parent)
{
	fakesys_file(f->sys, "proc/self/stat", "500 (pass) thru) S 400 500 400 0 -1\n");
	fakesys_file(f->sys, "proc/400/stat", "400 (bash) S %d 400 400 0 -1\n", shell_parent);
	fakesys_file(f->sys, "proc/300/stat", "300 (sshd-session) S 1 300 300 0 -1\n");
	fakesys_file(f->sys, "proc/300/comm", "sshd-session\n");
	fakesys_link(f->sys, "proc/300/fd/4", "socket:[77123]");
	fakesys_file(f->sys, "proc/net/if_inet6", "20010db8000000000000000000000005 02 40 00 80     eth0\n");
	play_connection(f, "01");
	f->sys->root.captured = false;
}

static void the_connection_that_the_command_came_over_is_found_through_its_parents(void **state)
{
	struct users_fixture *f = *state;
	const struct pt_use *use;

	play_login(f, 300);
	users_look(f, NIC);
	use = users_find(f, PT_USE_SESSION, "eth0 > the connection from 2001:db8::9 that this command came over");
	assert_int_equal(use->pid, 300);
	assert_string_equal(use->where, "/proc/net/tcp6");
}

static void a_login_that_is_not_above_this_command_counts_too(void **state)
{
	struct users_fixture *f = *state;

	play_login(f, 1);
	users_look(f, NIC);
	(void)users_find(f, PT_USE_SESSION, "eth0 > somebody's login from 2001:db8::9 (sshd-session, pid 300)");
}

static void expect_no_session(struct users_fixture *f)
{
	for (size_t i = 0; i < f->uses.n; i++)
		if (f->uses.v[i].kind == PT_USE_SESSION)
			fail_msg("this is no login: %s", f->uses.v[i].chain);
}

static void a_socket_that_only_listens_or_is_closing_is_no_login(void **state)
{
	struct users_fixture *f = *state;

	play_login(f, 300);
	play_connection(f, "0A");
	users_look(f, NIC);
	expect_no_session(f);
}

static void a_connection_of_the_first_process_is_nobodys_login(void **state)
{
	struct users_fixture *f = *state;

	play_login(f, 1);
	fakesys_remove(f->sys, "proc/300");
	fakesys_file(f->sys, "proc/1/stat", "1 (systemd) S 0 1 1 0 -1\n");
	fakesys_file(f->sys, "proc/1/comm", "systemd\n");
	fakesys_link(f->sys, "proc/1/fd/4", "socket:[77123]");
	users_look(f, NIC);
	expect_no_session(f);
}

static void the_environment_can_add_a_refusal(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/net/if_inet6", "20010db8000000000000000000000005 02 40 00 80     eth0\n");
	f->sys->root.captured = false;
	(void)setenv("SSH_CONNECTION", "2001:db8::9 53956 2001:db8::5 22", 1);
	users_look(f, NIC);
	(void)unsetenv("SSH_CONNECTION");
	assert_string_equal(
		users_find(f, PT_USE_SESSION, "eth0 > the connection from 2001:db8::9 that this command came over")
			->where,
		"SSH_CONNECTION");
}

static void a_network_card_without_an_interface_may_be_in_another_namespace(void **state)
{
	struct users_fixture *f = *state;

	f->sys->root.captured = false;
	fakesys_add_pci(f->sys, "0000:42:00.0", 0x8086, 0x10c9, 0x020000, "igb", 42);
	users_add_device(f, "0000:42:00.0", 0x020000, "igb", NULL);
	users_look(f, "0000:42:00.0");
	assert_true(users_blind_to(f, "another network namespace"));
}

static void addresses_are_read_in_every_form_the_kernel_prints(void **state)
{
	struct pt_ip ip;

	(void)state;
	assert_true(pt_ip_parse("10.0.0.5", 8, &ip));
	assert_string_equal(pt_ip_str(&ip).s, "10.0.0.5");
	assert_true(pt_ip_parse("[fd00::1]:6789", 9, &ip));
	assert_string_equal(pt_ip_str(&ip).s, "fd00::1");
	assert_true(pt_ip_parse("fe80::1%eth0", 12, &ip));
	assert_string_equal(pt_ip_str(&ip).s, "fe80::1");
	assert_true(pt_ip_parse("::ffff:10.0.0.5", 15, &ip));
	assert_int_equal(ip.family, AF_INET);
	assert_false(pt_ip_parse("0000:02:00.0", 12, &ip));
	assert_false(pt_ip_parse("", 0, &ip));
	assert_false(pt_ip_parse_words("0100007", 7, &ip));
	assert_false(pt_ip_parse_words("0100007g", 8, &ip));
}

static void a_line_of_another_form_is_no_connection_and_no_route(void **state)
{
	struct pt_tcp tcp;
	struct pt_route route;

	(void)state;
	assert_false(pt_tcp_parse("", &tcp));
	assert_false(pt_tcp_parse("  0: 0100007F:1F90 0200007F:D2C4 01", &tcp));
	assert_false(pt_tcp_parse("  0: 0100007F0:1F90 0200007F:D2C4 01 0:0 0:0 0 0 0 12", &tcp));
	assert_false(pt_route_parse_v4("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask", &route));
	assert_false(pt_route_parse_v4("eth0 00000000 0 0002 0 0 0 00000000 0 0 0", &route));
	assert_false(pt_route_parse_v6("00 00 00 00 00 00 00 00 0001 eth0", &route));
	assert_false(pt_route_parse_v6("-1010db8000000000000000000000000 40 00000000000000000000000000000000 00 "
				       "00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0",
				       &route));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, users_teardown)
	const struct CMUnitTest tests[] = {
		T(an_interface_that_does_nothing_is_no_use),
		T(the_default_route_is_found),
		T(the_default_route_is_found_through_bond_and_bridge),
		T(the_default_route_of_ipv6_is_found),
		T(a_route_to_a_single_network_is_no_default_route),
		T(the_port_of_a_bridge_is_a_use_only_while_both_are_up),
		T(a_port_of_open_vswitch_and_a_macvtap_are_found),
		T(an_address_is_a_use_and_a_link_local_one_is_not),
		T(what_is_no_address_of_32_digits_is_passed_over),
		T(an_address_on_an_interface_that_is_down_is_no_use),
		T(a_network_filesystem_is_a_use_of_the_interface_that_reaches_it),
		T(an_iscsi_session_and_an_nvme_controller_over_the_network_are_uses),
		T(an_interface_on_usb_below_the_function_is_its_own),
		T(the_default_route_over_a_vf_is_a_use_of_the_pf),
		T(interfaces_stacked_in_circles_are_followed_once),
		T(routes_that_cannot_be_read_are_told),
		T(the_connection_that_the_command_came_over_is_found_through_its_parents),
		T(a_login_that_is_not_above_this_command_counts_too),
		T(a_socket_that_only_listens_or_is_closing_is_no_login),
		T(a_connection_of_the_first_process_is_nobodys_login),
		T(the_environment_can_add_a_refusal),
		T(a_network_card_without_an_interface_may_be_in_another_namespace),
		T(addresses_are_read_in_every_form_the_kernel_prints),
		T(a_line_of_another_form_is_no_connection_and_no_route),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
