# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One server, SQLite, a card with two virtual functions, passthrud.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/sriov/helpers.sh"

netdev=$(ls /sys/bus/pci/devices/$pf/net)
mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[pci]
device_spec = { "vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet1" }

[network blue]
physical_network = physnet1
vlan = 42

[network far]
physical_network = physnet9
vlan = none
END

agent_runs()
{
	passthru fleet hosts | grep "^lab1 " | grep -q alive
}

# claim_is ID STATE
claim_is()
{
	passthru claims "$1" | grep -q " $2 "
}

id_for()
{
	passthru claims --for "$1" | awk '/^c-/ { print $1 }'
}

mac_of()
{
	virsh -q dumpxml --inactive "$1" | sed -n "/<interface type='hostdev'/,/<\/interface>/s/.*<mac address='\([^']*\)'.*/\1/p"
}

guest_has_net()
{
	agent a '{"execute":"guest-network-get-interfaces"}' | grep -qiF -e "$1"
}

start_libvirt || exit 1
define_plain a <<'END'
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
END
expect_exit 0 virsh -q start a
expect_exit 0 passthru sriov $pf --vfs 2 --yes
cp /etc/passthru/sriov.d/$pf.conf /run/lab/kept-before
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-before
"$PT_BUILD/passthrud" --name lab1 --look 5 --lease 20 >/run/lab/passthrud.log 2>&1 &
agent=$!
check "the host is in the fleet" wait_for 60 agent_runs
check "the guest comes up" guest_ready a
check "its agent answers" agent_answers a

echo '== nobody of that name is here'
expect_exit 3 passthru claim network=red --for b
output_has "its configuration has no [network red]"
expect_exit 3 passthru claim network=far --for b
output_has "physnet9"
expect_exit 0 passthru claim network=blue --for b
of_b=$(id_for b)
check "it is kept" wait_for 120 claim_is "$of_b" bound
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-now
same "and set as it was" /run/lab/vfs-before /run/lab/vfs-now

echo '== a guest that runs'
expect_exit 0 passthru claim network=blue --for a
of_a=$(id_for a)
check "it is attached" wait_for 240 claim_is "$of_a" attached
cat /run/lab/passthrud.log
expect_exit 0 passthru claims "$of_a" --json
output_has '"proved": true'
mac_a=$(mac_of a)
check "the kernel has its MAC" vf_says 1 "$mac_a"
check "and its VLAN" vf_says 1 "vlan 42"
check "the guest has that MAC" wait_for 60 guest_has_net "$mac_a"
check_not "the one that waits has no VLAN" vf_says 0 "vlan 42"
expect_exit 3 passthru claim network=blue --for c
output_has "0 of them free"

echo '== the one that was waited for'
define_plain b </dev/null
check "it gets what waited for it" wait_for 240 claim_is "$of_b" attached
check "with its MAC" vf_says 0 "$(mac_of b)"
check "and its VLAN" vf_says 0 "vlan 42"
check_not "which is another one" [ "$(mac_of b)" = "$mac_a" ]

echo '== given back'
expect_exit 0 passthru release "$of_a" "$of_b"
ip link show dev "$netdev" | grep 'vf ' >/run/lab/vfs-now
same "both functions are set as they were" /run/lab/vfs-before /run/lab/vfs-now
same "kept is what was kept before" /run/lab/kept-before /etc/passthru/sriov.d/$pf.conf
check "the guest was never stopped" is_running a
cat /run/lab/passthrud.log
kill -TERM $agent
wait $agent
