# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What systemd does at boot, in its order: our unit, then libvirt, which starts the guest by itself.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

expect_exit 0 boot_unit passthru-boot.service
check "seven are there before libvirt" vfs_are 7
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
check "no driver of the host took one" vfs_without_driver
expect_exit 0 wait_for 30 pf_has_carrier
start_libvirt || exit 1
check "the guest starts by itself" wait_for 120 is_running vfguest
vf_guest_is_up
virsh -q destroy vfguest
check "the VFs are there after it" vfs_are 7
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
