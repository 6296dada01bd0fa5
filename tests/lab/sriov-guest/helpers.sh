# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

vf_guest_is_up()
{
	check "the guest comes up" guest_ready vfguest
	check "it has the function, with its driver" guest_sees_pci vfguest 8086:10ca igbvf
	check "its agent answers" agent_answers vfguest 120
	# said, not checked: the emulated card's VF takes a MAC of its own, whatever its PF has for it
	agent vfguest '{"execute":"guest-network-get-interfaces"}' | grep -o '"hardware-address":"[^"]*"'
}
