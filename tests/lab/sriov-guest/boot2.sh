# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What systemd does at boot, in its order: our unit, then libvirt, which starts the guest by itself.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

expect_exit 0 boot_unit passthru-boot.service
check "seven are there before libvirt" vfs_are 7
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
check "the second one with its own" vf_says 0 "vlan 43"
check "and the card with the MTU of its network" mtu_is 2000
check "no driver of the host took one" vfs_without_driver
expect_exit 0 wait_for 30 pf_has_carrier
start_libvirt || exit 1
check "the guest starts by itself" wait_for 120 is_running vfguest
vf_guest_is_up
check "it has both, with their driver" guest_vfs_are 2
expect_exit 0 passthru sriov $pf
output_has "mtu 2000"
expect_exit 0 passthru detach vfguest 41:10.0 --live --yes
check "the guest let go of the second one" guest_vfs_are 1
check "the VM runs on" is_running vfguest
check "the VLAN went with it" vf_says 0 "link/ether"
check_not "of VF 0" vf_says 0 "vlan 43"
same "what is kept is what was kept before it came" /var/lib/libvirt/kept-before /etc/passthru/sriov.d/$pf.conf
virsh -q destroy vfguest
check "the VFs are there after it" vfs_are 7
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
