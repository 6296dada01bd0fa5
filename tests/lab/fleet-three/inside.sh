# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The administrator's machine, which is a host of the fleet, too, and the one that is left in the end.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/hosts.sh"

host_is()
{
	sleep 1
	passthru fleet hosts --config /root/tenant.conf >/run/lab/hosts
	grep -qE "^$1 +$2 " /run/lab/hosts
}

# id_for NAME, claim_on HOST STATE NAME
id_for()
{
	passthru claims --for "$1" --config /root/tenant.conf | awk '/^c-/ { print $1 }'
}

claim_on()
{
	sleep 1
	passthru claims --for "$3" --config /root/tenant.conf >/run/lab/claims
	grep -qE "^c-.* $1 +$2 " /run/lab/claims
}

evacuate()
{
	expect_exit "$1" passthru fleet evacuate "$2" --fenced --config /root/admin.conf --config /root/tenant.conf
}

start_libvirt || exit 1
define_vm1
umask 077
check "three members of etcd serve" wait_for 240 fetch ready
mkdir -p /etc/passthru
fetch ca.pem >/etc/passthru/etcd-ca.pem
fetch root-password >/root/root-password
store root /root/root-password >/root/admin.conf
echo '== three hosts'
for host in server1 server2 server3; do
	expect_exit 0 passthru fleet add-host $host --password-file /root/password-$host --config /root/admin.conf
	tell password-$host "$(cat /root/password-$host)"
done
expect_exit 0 passthru fleet add-user tenant --password-file /root/tenant-password --config /root/admin.conf
(
	store tenant /root/tenant-password
	echo '[pci]'
	echo 'alias = { "vendor_id": "8086", "product_id": "10d3", "device_type": "type-PCI", "name": "a1" }'
	echo 'alias = { "vendor_id": "1234", "product_id": "11e8", "device_type": "type-PCI", "name": "e1" }'
) >/root/tenant.conf
runs_agent "$(cat /root/password-server1)" 8086:10d3 1234:11e8 1af4:1110
for host in server1 server2 server3; do
	check "$host is in the fleet" wait_for 600 host_is $host alive || { cat /run/lab/hosts /run/lab/passthrud.log; exit 1; }
done

echo '== two claims'
expect_exit 0 passthru claim a1:1 --for vm1 --config /root/tenant.conf
output_has server2
vm1_claim=$(id_for vm1)
check "it is in the definition of the VM that is off" wait_for 600 claim_on server2 attached vm1
tell attached
expect_exit 0 passthru claim e1:1 --for data --config /root/tenant.conf
output_has server3
data_claim=$(id_for data)
check "it is kept for whom this host does not know" wait_for 600 claim_on server3 bound data
await 120 seen

echo '== the second one dies'
power_cut 0 2
tell second-is-dead
check "it is lost" wait_for 240 host_is server2 lost
check "so is its claim" claim_on server2 lost vm1
check_not "the other host's claim is not" claim_on server3 lost data
check "vm1 is started elsewhere" await 1200 vm1-runs-on-server3
evacuate 0 server2
output_has 'from server2 to server3'
output_has_not "$data_claim"
check "it is attached to the VM that runs" wait_for 600 claim_on server3 attached vm1
check "it is the same claim" [ "$(id_for vm1)" = "$vm1_claim" ]
expect_exit 0 passthru claims "$vm1_claim" --json --config /root/tenant.conf
output_has '"proved": true'
tell moved
check "the host's own look agrees" await 600 seen-on-server3

echo '== the third one dies, too'
power_cut 0 3
check "it is lost" wait_for 240 host_is server3 lost
evacuate 0 server3
output_has "$vm1_claim"
output_has "$data_claim"
output_has 'from server3 to server1'
check "one claim is bound here" wait_for 600 claim_on server1 bound data
check "the other is attached here" wait_for 600 claim_on server1 attached vm1
check "both are the claims they were" [ "$(id_for vm1) $(id_for data)" = "$vm1_claim $data_claim" ]
check "vfio-pci holds the one's device" has_driver $nic vfio-pci
check "and the other's" has_driver "$spare" vfio-pci
expect_exit 0 virsh -q start vm1
check "the guest comes up" guest_ready vm1 1000
check "its agent answers" agent_answers vm1
expect_exit 0 passthru verify vm1
echo '== nothing is left to give'
expect_exit 3 passthru claim a1:1 --for vm2 --config /root/tenant.conf
check "the simulated hosts are there" [ "$(grep -c '^sim-7-.* alive ' /run/lab/hosts)" = 40 ]
cat /run/lab/passthrud.log
