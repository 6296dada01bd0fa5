# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The host that vm1 runs on, and that dies.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/fleet.sh"

start_libvirt || exit 1
define_vm1
expect_exit 0 virsh -q start vm1
umask 077
mkdir -p /etc/passthru
await 900 password-server2 >$password_file
fetch ca.pem >/etc/passthru/etcd-ca.pem
(store server2 $password_file; offers 8086:10d3) >/etc/passthru/passthru.conf
check "the guest comes up" guest_ready vm1
check "its agent answers" agent_answers vm1
passthrud --lease $lease >/run/lab/passthrud.log 2>&1 &
await 900 attached
check "the claim for vm1 is attached here" claim_is attached
check "vfio-pci holds its device" has_driver $nic vfio-pci
expect_exit 0 passthru verify vm1
cat /run/lab/passthrud.log
tell seen
serve
