# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One server, one guest, SQLite: the agent's whole story, with real drivers, a real libvirt and a guest that answers.
. "$LAB/inside/lib.sh"

nic=0000:21:00.0
spare=$(grep -l 0x11e8 /sys/bus/pci/devices/*/device | cut -d/ -f6)

mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[pci]
device_spec = { "vendor_id": "8086", "product_id": "10d3" }
device_spec = { "vendor_id": "1000" }
alias = { "vendor_id": "8086", "product_id": "10d3", "device_type": "type-PCI", "name": "nic" }
END

agent_runs()
{
	passthru fleet hosts | grep "^lab1 " | grep -q alive
}

is_lost()
{
	passthru fleet hosts | grep "^lab1 " | grep -qi lost
}

claim_is()
{
	passthru claims "$1" | grep -q " $2 "
}

start_libvirt || exit 1
define_plain a <<'END'
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
END
expect_exit 0 virsh -q start a

"$PT_BUILD/passthrud" --name lab1 --look 5 --lease 5 >/run/lab/passthrud.log 2>&1 &
agent=$!
check "the host is in the fleet" wait_for 30 agent_runs
check "the guest comes up" guest_ready a
check "its agent answers" agent_answers a

remember
expect_exit 0 passthru claim nic:1 --for a
claim=$(passthru claims --for a | awk '/^c-/ { print $1 }')
check "the claim is attached" wait_for 120 claim_is "$claim" attached
cat /run/lab/passthrud.log
expect_exit 0 passthru claims "$claim" --json
output_has '"proved": true'
check "vfio-pci holds it" has_driver $nic vfio-pci
check "the VM was never stopped" is_running a
expect_exit 0 passthru verify a
expect_exit 0 passthru history
output_has attach

# killed and begun anew it finds its own work
kill -9 $agent
wait $agent
check "a host whose agent is silent is lost" wait_for 30 is_lost
"$PT_BUILD/passthrud" --name lab1 --look 3600 --lease 5 >>/run/lab/passthrud.log 2>&1 &
agent=$!
check "it is in the fleet again" wait_for 30 agent_runs
sleep 6
check "and nothing was done twice" claim_is "$claim" attached

# from here on it looks by itself once an hour: what it knows it was told
published()
{
	[ "$(passthru fleet hosts | awk '$1 == "lab1" { print $3 }')" = "$1" ]
}
devices=$(passthru fleet hosts | awk '$1 == "lab1" { print $3 }')
echo 1 >/sys/bus/pci/devices/$spare/remove
check "a card that is pulled is gone from the fleet" wait_for 15 published $((devices - 1))
echo 1 >/sys/bus/pci/rescan
check "and one that comes is there" wait_for 15 published "$devices"

expect_exit 0 passthru release "$claim"
output_has "released $claim"
check "the host's driver has it" wait_for 20 has_driver $nic e1000e
check "the VM was never stopped" is_running a
unchanged "all is as before the claim"
expect_exit 0 passthru history --json
output_has '"detach'

kill -TERM $agent
wait $agent
check "it ends when it is told to" test $? = 0
save /run/lab/passthrud.log
