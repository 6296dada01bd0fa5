# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Two NICs on one cable: the one is the host's, in a bridge, the other the guest's.  So the guest reaches the bridge over its NIC
# and over a virtio interface, and is known there by one MAC.
. "$LAB/inside/lib.sh"

nic=0000:21:00.0
hosts=0000:41:00.0

in_guest()
{
	agent a "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\",\"arg\":[\"-c\",\"$1\"]}}"
}

# ask_guest MARK COMMAND: what it prints, in /run/lab/said-MARK
ask_guest()
{
	in_guest "(echo begin $1; $2; echo end $1) >/dev/console 2>&1" && wait_for 30 console_has a "^end $1" || return 1
	console a | tr -d '\r' | sed -n "/^begin $1/,/^end $1/p" | sed '1d;$d' >"/run/lab/said-$1"
}

# what of the guest's interfaces has which driver and which master
interfaces='for d in /sys/class/net/*; do echo ${d##*/} mac=$(cat $d/address) driver=$(basename $(readlink $d/device/driver) 2>/dev/null) master=$(basename $(readlink $d/master) 2>/dev/null); done'

modprobe tun
ip link add br0 type bridge
ip link set br0 up
up=$(ls /sys/bus/pci/devices/$hosts/net)
ip link set "$up" master br0
ip link set "$up" up
ip addr add 192.168.77.1/24 dev br0

start_libvirt || exit 1
define_plain a <<'END'
    <controller type='pci' index='0' model='pcie-root'/>
END
expect_exit 3 passthru attach a $nic --failover --yes
output_has "no virtio interface that could stand in"
expect_exit 2 passthru attach a $nic --failover-on br0 --yes
output_has "neither bridge:NAME, network:NAME nor a MAC"
expect_exit 0 passthru attach a $nic --failover-on bridge:br0 --spare-ports 1 --yes
output_has "a new virtio interface 52:54:00:82:57:4c (bridge br0)"
expect_exit 0 virsh -q start a
check "the guest comes up" guest_ready a
check "its agent answers" agent_answers a
ask_guest one "$interfaces"
cat /run/lab/said-one
master=$(sed -n 's/.*driver=e1000e master=\(.*\)/\1/p' /run/lab/said-one)
check "the guest's NIC has a master" [ -n "$master" ]
check "the virtio interface has the same one" grep -q "driver=virtio_net master=$master$" /run/lab/said-one

in_guest "ip addr add 192.168.77.2/24 dev $master; ip link set $master up"
sleep 5
in_guest "ping 192.168.77.1 >/run/ping.log 2>&1"
sleep 4
expect_exit 0 passthru detach a $nic --live --yes
ask_guest two "$interfaces"
check_not "the guest runs without its NIC" grep driver=e1000e /run/lab/said-two
check "the virtio interface is still there" grep driver=virtio_net /run/lab/said-two
check "and stands in after its next start, too" sh -c "virsh -q dumpxml --inactive a | grep -q \"<teaming type='persistent'/>\""
sleep 4
expect_exit 0 passthru attach a $nic --failover --live --yes
ask_guest three "$interfaces"
check "the NIC has the same master again" grep "driver=e1000e master=$master$" /run/lab/said-three
sleep 4
ask_guest ping "killall -INT ping; sleep 1; cat /run/ping.log"
cat /run/lab/said-ping
sent=$(sed -n 's/^\([0-9]*\) packets transmitted, .*/\1/p' /run/lab/said-ping)
got=$(sed -n 's/.*transmitted, \([0-9]*\) packets received.*/\1/p' /run/lab/said-ping)
few_lost()
{
	[ "${sent:-0}" -ge 12 ] && [ $((sent - ${got:-0})) -le 5 ]
}
check "of one echo a second over both, at most 5 were lost" few_lost
check "the VM was never stopped" is_running a
