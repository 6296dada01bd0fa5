# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Seven virtual functions of the igb, what is refused, what is set; and the power goes.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

expect_exit 0 passthru sriov
output_has "Disabled (0 of 7 virtual functions)"
expect_exit 2 passthru sriov $pf --vfs 8 --yes
output_has "8 asked; $pf offers 1 to 7"
check "nothing was made" vfs_are 0
expect_exit 0 passthru sriov $pf --vfs 7 --dry-run
check "a dry run makes none" vfs_are 0
expect_exit 0 passthru sriov $pf --vfs 7 --yes
check "seven are there" vfs_are 7
check "no driver of the host took one" vfs_without_driver
# this driver sets a rate only while its link is up: it is set up, and its carrier waited for
nic=$(ls /sys/bus/pci/devices/$pf/net)
check_not "the interface is down" pf_has_carrier
expect_exit 0 passthru vf 41:10.2 --vlan 41 --rate 50 --yes
output_has "waited for"
check "the interface is up" pf_has_carrier
check "the kernel has the rate" vf_says 1 "max_tx_rate 50"
ip link set "$nic" down
expect_exit 1 passthru vf 41:10.2 --vlan 40 --rate 100000 --yes
output_has "everything is as it was"
check "the VLAN that went with it was put back" vf_says 1 "vlan 41"
check_not "and the interface is down again" pf_has_carrier
expect_exit 0 passthru vf 41:10.2 --mac 52:54:00:12:34:56 --vlan 42 --trust on --spoofchk off --rate 100 --yes
check "the kernel has the MAC" vf_says 1 52:54:00:12:34:56
check "the kernel has the VLAN" vf_says 1 "vlan 42"
check "the kernel has the trust" vf_says 1 "trust on"
expect_exit 0 passthru show 41:10.2
output_has "mac 52:54:00:12:34:56, vlan 42, trust on, spoof check off"
expect_exit 1 passthru vf 41:10.2 --vlan 43 --link-state off --yes
output_has "everything is as it was"
check "the VLAN that went with it was put back" vf_says 1 "vlan 42"
expect_exit 0 passthru sriov $pf --vfs 3 --yes
check "three are there" vfs_are 3
check "a VF that stayed has its MAC" vf_says 1 "52:54:00:12:34:56"
check "its VLAN" vf_says 1 "vlan 42"
check "and its rate, which wants the link" vf_says 1 "max_tx_rate 100"
expect_exit 0 passthru undo --yes
check "seven are there again" vfs_are 7
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
check "with the rate" vf_says 1 "max_tx_rate 100"

echo vfio-pci >/sys/bus/pci/devices/0000:41:10.4/driver_override
modprobe vfio-pci
echo 0000:41:10.4 >/sys/bus/pci/drivers_probe
exec 9<>"/dev/vfio/$(basename "$(readlink /sys/bus/pci/devices/0000:41:10.4/iommu_group)")"
expect_exit 3 passthru sriov $pf --vfs 2 --yes
output_has 0000:41:10.4
check "nothing changed" vfs_are 7
exec 9>&-
expect_exit 0 passthru sriov
output_has "Enabled 7 of 7"
cat /etc/passthru/sriov.d/$pf.conf
power_cut
