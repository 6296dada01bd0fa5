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

mtu_is()
{
	cat /sys/bus/pci/devices/$pf/net/*/mtu
	grep -qx "$1" /sys/bus/pci/devices/$pf/net/*/mtu
}

# the emulated card does not tell its VF the MAC, so the last proof may be missing (exit 3); the rest is made
gets_live()
{
	passthru attach "$1" --network "$2" --live --prove-timeout 30 --yes
	case $? in 0 | 3) ;; *) return 1 ;; esac
}

# the guest lists its devices once more; MARK tells this list from earlier ones
guest_lists()
{
	in_guest "$1" "(echo list $2; inventory; echo end $2) >/dev/console" && wait_for 30 console_has "$1" "^end $2" || return 1
	console "$1" | sed -n "/^list $2/,/^end $2/p" | tee "/run/lab/list-$2"
}

guest_has_vfs()
{
	[ "$(grep -c '8086:10ca .*driver=igbvf' "/run/lab/list-$1")" = "$2" ]
}
