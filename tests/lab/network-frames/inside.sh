# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Three VFs, each in a network namespace of its own as in a guest: frames prove the VLANs that `passthru vf --network` sets.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

pf=0000:41:00.0
netdev=$(ls /sys/bus/pci/devices/$pf/net)

mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[pci]
device_spec = { "address": "0000:41:00.0", "physical_network": "physnet1" }
[network blue]
physical_network = physnet1
vlan = 42
[network green]
physical_network = physnet1
vlan = 43
END

# in_namespace N BDF: its interface, with the address 10.42.0.N, whatever its VLAN is
in_namespace()
{
	ip netns add "vf$1" && echo "$2" >/sys/bus/pci/drivers/igbvf/unbind && echo "$2" >/sys/bus/pci/drivers/igbvf/bind || return 1
	wait_for 20 test -e "/sys/bus/pci/devices/$2/net" || return 1
	# its name is udev's to give, and "vf" a word of ip's
	udevadm settle
	dev=$(ls "/sys/bus/pci/devices/$2/net")
	ip link set "$dev" netns "vf$1" && ip -n "vf$1" link set "$dev" name frames && ip -n "vf$1" address add "10.42.0.$1/24" dev frames &&
		ip -n "vf$1" link set frames up
}

has_carrier()
{
	ip -n "vf$1" -o link show frames | grep -qF LOWER_UP
}

# reaches FROM TO
reaches()
{
	ip netns exec "vf$1" busybox arping -f -c 3 -w 10 -I frames "10.42.0.$2"
}

ip link set "$netdev" up
expect_exit 0 passthru sriov $pf --vfs 3 --autoprobe --yes
expect_exit 0 wait_for 30 pf_has_carrier
expect_exit 0 passthru vf 41:10.0 --network blue --mac 52:54:00:12:34:01 --yes
expect_exit 0 passthru vf 41:10.2 --network blue --mac 52:54:00:12:34:02 --yes
expect_exit 0 passthru vf 41:10.4 --network green --mac 52:54:00:12:34:03 --yes
check "the first VF is away" in_namespace 1 0000:41:10.0
check "the second VF is away" in_namespace 2 0000:41:10.2
check "the third VF is away" in_namespace 3 0000:41:10.4
# measured, not known: a card whose functions get a word with it, emulated or not, goes on below
if ! wait_for 20 has_carrier 1; then
	dmesg | grep -E 'igb' | tail -n 12
	ip -n vf1 link show frames
	skip "no frame can pass: VF 0 has no carrier 20 s after it was set up, while its PF has one ($(dmesg | grep -c 'PF still in reset state') times its driver had no answer to its reset)"
fi
expect_exit 0 wait_for 20 has_carrier 2
expect_exit 0 wait_for 20 has_carrier 3
check "two on one VLAN reach each other" reaches 1 2
check "and the other way round" reaches 2 1
check_not "one on another VLAN is not reached" reaches 1 3
check_not "and reaches nobody" reaches 3 2
expect_exit 0 passthru vf 41:10.4 --network blue --yes
check "put on their VLAN, it does" reaches 3 2
check "and is reached" reaches 1 3
