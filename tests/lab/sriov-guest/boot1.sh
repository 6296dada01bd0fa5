# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A guest with a VF: whatever would take it away is refused, with nothing changed; it gets a second one while it runs; and the power goes.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

cat >/etc/passthru/passthru.conf <<'END'
[network green]
vlan = 43
mtu = 2000
END
start_libvirt || exit 1
expect_exit 0 passthru sriov $pf --vfs 7 --yes
expect_exit 0 passthru vf 41:10.2 --mac 52:54:00:12:34:56 --vlan 42 --yes
ip link set "$(ls /sys/bus/pci/devices/$pf/net)" up
expect_exit 0 wait_for 30 pf_has_carrier
define_plain vfguest <<END
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
$(xml_hostdev 0000:41:10.2 yes)
END
virsh -q autostart vfguest
virsh -q start vfguest
vf_guest_is_up

ip link show "$(ls /sys/bus/pci/devices/$pf/net)" >/run/lab/before
cp /etc/passthru/sriov.d/$pf.conf /run/lab/kept-before
for n in 3 0; do
	expect_exit 3 passthru sriov $pf --vfs $n --yes
	output_has vfguest
	check "seven are there" vfs_are 7
done
expect_exit 2 passthru sriov $pf --vfs 8 --yes
output_has "8 asked; $pf offers 1 to 7"
expect_exit 3 passthru attach vfguest $pf --yes
check "seven are there" vfs_are 7
ip link show "$(ls /sys/bus/pci/devices/$pf/net)" >/run/lab/after
same "nothing is set otherwise" /run/lab/before /run/lab/after
same "nothing else is kept" /run/lab/kept-before /etc/passthru/sriov.d/$pf.conf
check "the guest runs" is_running vfguest
expect_exit 0 passthru sriov
output_has "Enabled 7 of 7"
output_has vfguest
output_has "vlan 42"

# a second one, while it runs, in a network that needs more of the card than it has
cp /etc/passthru/sriov.d/$pf.conf /var/lib/libvirt/kept-before
# our own note of it survives what comes
sync
check "the card has the usual MTU" mtu_is 1500
expect_exit 0 passthru attach vfguest --network green --live --yes
output_has "the guest has MAC"
check "the card has the network's MTU" mtu_is 2000
check "the kernel has its VLAN" vf_says 0 "vlan 43"
check "the other one's VLAN is as it was" vf_says 1 "vlan 42"
check "the guest has both, with their driver" guest_vfs_are 2
check "and was never stopped" is_running vfguest
power_cut
