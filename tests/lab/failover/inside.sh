# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A card of the server's is in its bridge, and a virtual function of the card is the guest's.  So the guest reaches the bridge through
# the card and over a virtio interface, and is known there by one MAC.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../sriov/helpers.sh"

nic=0000:21:00.0
vf=0000:41:10.0

# what of the guest's interfaces has which driver and which master, and has sent how much
interfaces='for d in /sys/class/net/*; do echo ${d##*/} mac=$(cat $d/address) driver=$(basename $(readlink $d/device/driver) 2>/dev/null) master=$(basename $(readlink $d/master) 2>/dev/null) sent=$(cat $d/statistics/tx_packets); done'

# ask_guest MARK COMMAND: what its shell says to it, in /run/lab/said-MARK
ask_guest()
{
	in_guest a "$2" | tr -d '\r' | tee "/run/lab/said-$1"
}

said()
{
	grep -E -e "$2" "/run/lab/said-$1"
}

sent_by()
{
	sed -n "s/.*driver=$1 master=[^ ][^ ]* sent=//p" "/run/lab/said-$2"
}

# sent_more DRIVER MARK LATER: more than the word or two of a driver that starts
sent_more()
{
	n=$(($(sent_by "$1" "$3") - $(sent_by "$1" "$2")))
	echo "$n sent over $1"
	[ "$n" -ge 3 ]
}

mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[network blue]
vlan = none
END
modprobe tun
up=$(ls /sys/bus/pci/devices/$pf/net)
# a function's frame to an address that is none of the card's leaves it on the cable
ip link add br0 address "$(cat "/sys/class/net/$up/address")" type bridge
ip link set br0 up
ip link set "$up" master br0
ip link set "$up" up
ip addr add 192.168.77.1/24 dev br0
expect_exit 0 wait_for 30 pf_has_carrier

start_libvirt || exit 1
define_plain a <<'END'
    <controller type='pci' index='0' model='pcie-root'/>
END
expect_exit 0 passthru sriov $pf --vfs 1 --yes
expect_exit 3 passthru attach a --network blue --failover --yes
output_has "no virtio interface that could stand in"
expect_exit 2 passthru attach a --network blue --failover-on br0 --yes
output_has "neither bridge:NAME, network:NAME nor a MAC"
expect_exit 0 passthru attach a $nic --failover-on bridge:br0 --dry-run
output_has "a new virtio interface 52:54:00:82:57:4c (bridge br0)"
expect_exit 0 passthru attach a --network blue --failover-on bridge:br0 --spare-ports 1 --yes
mac=$(virsh -q dumpxml --inactive a | sed -n "s/.*<mac address='\([^']*\)'.*/\1/p" | sort -u)
check "both interfaces have one MAC" [ "$(echo "$mac" | wc -w)" = 1 ]
check "the card has it for its function" vf_says 0 "$mac"
expect_exit 0 virsh -q start a
check "the guest comes up" guest_ready a
check "its agent answers" agent_answers a
ask_guest one "$interfaces"
master=$(sed -n 's/.*driver=igbvf master=\([^ ]*\) .*/\1/p' /run/lab/said-one)
check "the guest's function has a master" [ -n "$master" ]
check "the virtio interface has the same one" said one "driver=virtio_net master=$master "

in_guest a "ip addr add 192.168.77.2/24 dev $master; ip link set $master up"
expect_exit 0 wait_for 20 busybox ping -c 1 -W 1 192.168.77.2
in_guest a "ping 192.168.77.1 >/run/ping.log 2>&1 &"
ask_guest two "$interfaces"
sleep 5
ask_guest three "$interfaces"
check "the stream goes over the function" sent_more igbvf two three
expect_exit 0 passthru detach a $vf --live --yes
ask_guest four "$interfaces"
check_not "the guest runs without its function" said four driver=igbvf
check "the virtio interface stands in after its next start, too" sh -c "virsh -q dumpxml --inactive a | grep -q \"<teaming type='persistent'/>\""
sleep 5
ask_guest five "$interfaces"
check "the stream goes over virtio meanwhile" sent_more virtio_net four five
expect_exit 0 passthru attach a --network blue --failover --live --yes
output_has "the guest has MAC $mac"
ask_guest six "$interfaces"
check "the function has the same master again" said six "driver=igbvf master=$master "
sleep 5
ask_guest seven "$interfaces"
check "and the stream" sent_more igbvf six seven
ask_guest ping "killall -INT ping; sleep 1; cat /run/ping.log"
sent=$(sed -n 's/^\([0-9]*\) packets transmitted, .*/\1/p' /run/lab/said-ping)
got=$(sed -n 's/.*transmitted, \([0-9]*\) packets received.*/\1/p' /run/lab/said-ping)
few_lost()
{
	[ "${sent:-0}" -ge 12 ] && [ $((sent - ${got:-0})) -le 5 ]
}
check "of one echo a second over both, at most 5 were lost" few_lost
check "the VM was never stopped" is_running a
