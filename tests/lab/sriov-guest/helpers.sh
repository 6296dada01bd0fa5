# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

guest_has_mac()
{
	macs=$(agent vfguest '{"execute":"guest-network-get-interfaces"}' | grep -o '"hardware-address":"[^"]*"')
	echo "$macs"
	echo "$macs" | grep -qi "$1"
}

vf_guest_is_up()
{
	check "the guest comes up" guest_ready vfguest
	check "it has the function, with its driver" guest_sees_pci vfguest 8086:10ca igbvf
	check "its agent answers" agent_answers vfguest 120
	check "in the guest it has the MAC that we gave" guest_has_mac 52:54:00:12:34:56
}
