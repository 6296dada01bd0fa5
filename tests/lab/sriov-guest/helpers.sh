# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

vf_guest_is_up()
{
	check "the guest comes up" guest_ready vfguest
	check "it has the function, with its driver" guest_sees_pci vfguest 8086:10ca igbvf
	check "its agent answers" agent_answers vfguest 120
	check "the function has the MAC that was set for it" guest_has_mac 52:54:00:12:34:56
}

# in the words of the guest's kernel
guest_has_mac()
{
	agent vfguest '{"execute":"guest-network-get-interfaces"}' | grep -o '"hardware-address":"[^"]*"' | grep -F -e "$1"
}

mtu_is()
{
	cat /sys/bus/pci/devices/$pf/net/*/mtu
	grep -qx "$1" /sys/bus/pci/devices/$pf/net/*/mtu
}

guest_vfs_are()
{
	vfs=$(in_guest vfguest inventory | grep -c '8086:10ca .*driver=igbvf')
	[ "$vfs" = "$1" ] || { echo "the guest has $vfs"; return 1; }
}
