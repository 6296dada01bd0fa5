# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

has_asked()
{
	console_has cvm 'asked to shut down, and staying'
}

# kill -9 while passthru waits for the guest; recover then finds the change open.
killed_while_waiting()
{
	: >/run/lab/attach.out
	passthru attach cvm MegaRAID --yes --stop-timeout 600 >/run/lab/attach.out 2>&1 </dev/null &
	pid=$!
	wait_for 120 grep -q '1/5' /run/lab/attach.out || sleep 10
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	cat /run/lab/attach.out
	expect_exit 0 passthru recover
	unchanged "after recover, everything is as it was"
	expect_exit 0 passthru recover
}

start_libvirt || exit 1
define_cvm 'lab.deaf lab.noagent' || exit 1
virsh -q start cvm
check "the VM comes up" guest_ready cvm
remember

expect_exit 1 passthru attach cvm MegaRAID --yes --stop-timeout 15
output_has force-stop
check "the guest was asked" has_asked
unchanged "everything is as it was"
check "the VM runs" is_running cvm

killed_while_waiting
check "the VM runs" is_running cvm

# it has no agent whose word could be waited for
is_attached()
{
	passthru attach cvm MegaRAID --yes --stop-timeout 15 --force-stop --prove-timeout 0
	case $? in 0 | 3) ;; *) return 1 ;; esac
}
check "told to, it powers the guest off and attaches" is_attached
check "the guest comes up with the controller" guest_ready cvm
check "the guest has 1000:0079 on megaraid_sas" guest_sees_pci cvm 1000:0079 megaraid_sas
# No agent: the kernel's and libvirt's word, and what is missing is said.
expect_exit 0 passthru verify cvm
output_has vfio-pci
output_has qemu-guest-agent
