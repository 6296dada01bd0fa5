# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The story of a port group: two VMs get a virtual function each, in networks of their own, and the host keeps the card.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

pf=0000:41:00.0
netdev=$(ls /sys/bus/pci/devices/$pf/net)

# the gateway of the card's cable answers
host_uses_pf()
{
	busybox arping -f -c 3 -w 10 -I "$netdev" 10.0.2.2
}

interface_of()
{
	virsh -q dumpxml --inactive "$1" | sed -n "/<interface type='hostdev'/,/<\/interface>/p"
}

mac_of()
{
	interface_of "$1" | sed -n "s/.*<mac address='\([^']*\)'.*/\1/p"
}

# is there one at all?
interface_of_is()
{
	interface_of "$1" | grep -q interface
}

# give VM NETWORK: and the guest's own word that it has the VF with the MAC that was set
give()
{
	expect_exit 0 passthru attach "$1" --network "$2" --start --prove-timeout 400 --yes
	output_has "the guest has MAC"
	check "$1 has its VF with igbvf and that MAC" guest_has_net "$1" "$(mac_of "$1")"
}

guest_has_net()
{
	console "$1" | grep -F -e "lab-guest: net" | grep -F -e "mac=$2" | grep -F -e "driver=igbvf"
}

mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[pci]
device_spec = { "address": "0000:41:00.0", "physical_network": "physnet1" }

[network blue]
physical_network = physnet1
vlan = 42
rate = 100

[network green]
physical_network = physnet1
vlan = 43
mtu = 2000
trust = on
spoofchk = off

[network nowhere]
physical_network = physnet9
vlan = none

[network other-link]
physical_network = physnet1
vlan = none
link_state = off
END

start_libvirt || exit 1
for vm in red a b; do
	define_plain $vm </dev/null
done
ip link set "$netdev" up
ip address add 10.0.2.77/24 dev "$netdev"
expect_exit 0 wait_for 20 pf_has_carrier
check "the host uses the card" host_uses_pf
ip link set "$netdev" down

expect_exit 2 passthru attach a --network purple --yes
output_has "there is no network 'purple'"
output_has "blue, green, nowhere, other-link"
expect_exit 3 passthru attach a --network nowhere --yes
output_has "no card of this host is"
expect_exit 3 passthru attach a --network blue --yes
output_has "has a virtual function"
expect_exit 0 passthru sriov $pf --vfs 2 --yes
cp /etc/passthru/sriov.d/$pf.conf /run/lab/kept-before
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-before
expect_exit 1 passthru attach a --network other-link --yes
output_has "link state"
output_has "everything is as it was"
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-now
same "what the driver refuses leaves every setting as it was" /run/lab/vfs-before /run/lab/vfs-now
check "and the card's link down, as it was" grep -qx down "/sys/class/net/$netdev/operstate"

expect_exit 0 passthru attach a --network blue --dry-run
output_has "bring it up"
give a blue
mac_a=$(mac_of a)
echo "$mac_a"
check "the card's link is up" pf_has_carrier
check "the kernel has a's MAC" vf_says 0 "$mac_a"
check "the kernel has a's VLAN" vf_says 0 "vlan 42"
check "the kernel has a's rate" vf_says 0 "100Mbps"
check "the host goes on using the card" host_uses_pf

give b green
mac_b=$(mac_of b)
check "the kernel has b's MAC" vf_says 1 "$mac_b"
check "the kernel has b's VLAN" vf_says 1 "vlan 43"
check "the kernel has b's trust" vf_says 1 "trust on"
check "the kernel has no spoof check for b" vf_says 1 "spoof checking off"
check "a's settings are as they were" vf_says 0 "$mac_a"
check "the MTU is what green needs" grep -qx 2000 "/sys/class/net/$netdev/mtu"
check_not "the MACs differ" [ "$mac_a" = "$mac_b" ]
check "the host goes on using the card" host_uses_pf
ip link show dev "$netdev"
expect_exit 0 passthru network

expect_exit 3 passthru attach red --network blue --yes
output_has "none of the 2 virtual functions of network blue is free"
output_has "VM a has it"
output_has "VM b has it"
expect_exit 3 passthru attach red $pf --yes
output_has "PF or VFs, not both"
expect_exit 3 passthru sriov $pf --vfs 4 --yes

# a start by libvirt alone: it sets MAC and VLAN itself, and must set ours
virsh -q destroy a
expect_exit 0 wait_for 30 is_off a
check "off, its VLAN is still set" vf_says 0 "vlan 42"
expect_exit 0 virsh -q start a
check "started by libvirt, a has its VLAN" vf_says 0 "vlan 42"
check "and its MAC" vf_says 0 "$mac_a"
virsh -q destroy a

expect_exit 0 passthru detach a 41:10.0 --yes
check_not "a has no interface" interface_of_is a
ip link show dev "$netdev" | grep 'vf 0 ' >/run/lab/vf0-now
grep 'vf 0 ' /run/lab/vfs-before >/run/lab/vf0-before
same "a's VF is set as it was" /run/lab/vf0-before /run/lab/vf0-now
check "b's stays as it is" vf_says 1 "vlan 43"
expect_exit 0 passthru attach red --network blue --dry-run
check_not "another VM would have another MAC" says "$mac_a"
expect_exit 0 passthru attach a --network blue --yes
check "a has the same MAC again" [ "$(mac_of a)" = "$mac_a" ]
expect_exit 0 passthru undo --yes
check_not "a has no interface" interface_of_is a
expect_exit 0 passthru detach b 41:10.2 --yes
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-now
same "both VFs are set as they were" /run/lab/vfs-before /run/lab/vfs-now
same "kept is what was kept before" /run/lab/kept-before /etc/passthru/sriov.d/$pf.conf

# the other way round: who has the card as a whole has its functions
expect_exit 0 passthru sriov $pf --vfs 0 --yes
define_plain whole <<END
$(xml_hostdev $pf yes)
END
expect_exit 3 passthru sriov $pf --vfs 2 --yes
output_has "PF or VFs, not both"
expect_exit 3 passthru attach a --network blue --yes
