# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
pf=0000:41:00.0

vfs_are()
{
	n=$(find /sys/bus/pci/devices/$pf/ -maxdepth 1 -name 'virtfn*' | wc -l)
	[ "$n" = "$1" ] && [ "$(cat /sys/bus/pci/devices/$pf/sriov_numvfs)" = "$1" ] || { echo "$n virtual functions"; return 1; }
}

vfs_without_driver()
{
	for vf in /sys/bus/pci/devices/$pf/virtfn*; do
		[ ! -e "$vf/driver" ] || { echo "$(readlink "$vf") has $(readlink "$vf/driver")"; return 1; }
	done
}

# vf_says INDEX TEXT: what `ip link show` of the PF says of a VF
vf_says()
{
	says=$(ip link show dev "$(ls /sys/bus/pci/devices/$pf/net)" | grep "vf $1 ")
	echo "$says"
	echo "$says" | grep -qF -e "$2"
}

pf_has_carrier()
{
	[ "$(cat /sys/bus/pci/devices/$pf/net/*/carrier 2>/dev/null)" = 1 ]
}
