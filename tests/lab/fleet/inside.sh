# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The administrator's machine, which is a host of the fleet, too.  vm1 is defined here and off.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/fleet.sh"
. "$PT_SCENARIO_DIR/systemd.sh"

host_is()
{
	sleep 1
	passthru fleet hosts --config /root/tenant.conf >/run/lab/hosts
	grep -qE "^$1 +$2 " /run/lab/hosts
}

# add WHAT NAME FILE: a user of the fleet, its password in a new file
add()
{
	expect_exit 0 passthru fleet "$1" "$2" --password-file "$3" --config /root/admin.conf
}

start_libvirt || exit 1
define_vm1
check "systemd runs" start_systemd || exit 1
umask 077
mkdir -p /etc/passthru
check "three members of etcd serve" wait_for 240 fetch ready
fetch ca.pem >/etc/passthru/etcd-ca.pem
fetch root-password >/root/root-password
store root /root/root-password >/root/admin.conf
echo '== users'
add add-host server2 /root/password-server2
tell password-server2 "$(cat /root/password-server2)"
add add-host server1 $password_file
add add-user tenant /root/tenant-password
(
	store tenant /root/tenant-password
	echo '[pci]'
	echo 'alias = { "vendor_id": "8086", "product_id": "10d3", "device_type": "type-PCI", "name": "a1" }'
) >/root/tenant.conf
# it has more to give than server2: what is asked for goes where least is left over
(store server1 $password_file; offers 8086:10d3 1234:11e8) >/etc/passthru/passthru.conf
check "the host's agent starts" on_host systemctl enable --now passthrud
check "this host is in the fleet" wait_for 300 host_is server1 alive || { cat /run/lab/hosts; on_host journalctl --no-pager -u passthrud; }
check "the other one is" wait_for 300 host_is server2 alive
check "simulated ones are beside them" [ "$(grep -c '^sim-7-.* alive ' /run/lab/hosts)" = 40 ]

echo '== a claim'
expect_exit 0 passthru claim a1:1 --for vm1 --config /root/tenant.conf
output_has server2
claim=$(passthru claims --for vm1 | awk '/^c-/ { print $1 }')
check "it is attached" wait_for 240 claim_is attached
tell attached
expect_exit 0 passthru claims "$claim" --json
output_has '"proved": true'
check "the host's own look agrees" await 120 seen

echo '== its host is killed'
power_cut 0 2
# as whatever watches over VMs would do: it runs here, and lacks its device
expect_exit 0 virsh -q start vm1
check "the host is lost" wait_for 120 host_is server2 lost
check "so is its claim" claim_is lost
expect_exit 3 passthru fleet evacuate server2 --config /root/admin.conf --config /root/tenant.conf
output_has '--fenced'
check "nothing was moved" claim_is lost
check "the guest comes up" guest_ready vm1
check "its agent answers" agent_answers vm1
process=$(cat /run/libvirt/qemu/vm1.pid)
expect_exit 0 passthru fleet evacuate server2 --fenced --config /root/admin.conf --config /root/tenant.conf
output_has 'from server2 to server1'
echo '== by the service, to a guest that runs'
check "it is attached here" wait_for 240 claim_is attached
check "it is the same claim" grep -q "^$claim .* server1 " /run/lab/claims
expect_exit 0 passthru claims "$claim" --json
output_has '"proved": true'
check "vfio-pci holds its device" has_driver $nic vfio-pci
check "the guest was never stopped" [ "$(cat /run/libvirt/qemu/vm1.pid)" = "$process" ]
expect_exit 0 passthru verify vm1
expect_exit 3 passthru claim a1:1 --for vm2 --config /root/tenant.conf
on_host journalctl -o cat "PASSTHRU_CLAIM=$claim" >/run/lab/words
cat /run/lab/words
check "the journal tells the claim's story" grep -q "$claim: attached to vm1" /run/lab/words
save /run/lab/systemd.log
