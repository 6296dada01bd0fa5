# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The story of the CPU passthrough: flags counted, svm missing; a running VM refused; one
# command for the round; flags counted again, svm there, and KVM works in the guest.
. "$LAB/inside/lib.sh"

flags_in_guest()
{
	in_guest vm 'grep -m1 ^flags /proc/cpuinfo' | sed 's/.*://'
}

guest_has_svm()
{
	flags_in_guest | grep -qw svm
}

kvm_works_in_guest()
{
	in_guest vm 'modprobe kvm_amd; kvm-try' >/run/lab/kvm-try
	cat /run/lab/kvm-try
	grep -q 'a VM was created' /run/lab/kvm-try
}

definition()
{
	virsh -q dumpxml --inactive --security-info vm
}

up()
{
	guest_ready vm && agent_answers vm 90
}

make_hook()
{
	mkdir -p /etc/libvirt/hooks
	cat >/etc/libvirt/hooks/qemu <<-'END'
	#!/bin/sh
	[ "$2" = prepare ] && [ -e /run/lab/hook-says-no ] || exit 0
	grep -q host-passthrough || exit 0
	echo 'the hook says no' >&2
	exit 1
	END
	chmod 755 /etc/libvirt/hooks/qemu
}

echo '== the host'
check "passthru looks at the host" passthru cpu
count=$(grep -m1 ^flags /proc/cpuinfo | sed 's/.*://' | wc -w)
expect_exit 0 passthru cpu
output_has "$count flags"
output_has 'AMD EPYC-v4'
output_has 'guests may run guests of their own'

make_hook
start_libvirt || exit 1
# the program goes into the guest's own memory, behind what is there
mkdir -p /run/lab/more/bin
cp "$PT_BUILD/tests/kvm-try" /run/lab/more/bin/
(cd /run/lab/more && echo bin/kvm-try | busybox cpio -o -H newc) >>"$GUEST_DIR/initrd"
plain_xml vm '' 256 </dev/null | sed "s,<cpu mode='host-passthrough' migratable='off'/>,<cpu mode='custom' match='exact'><model>qemu64</model></cpu>," >/run/lab/vm.xml
check "a VM with a portable processor is defined" virsh -q define /run/lab/vm.xml
check "it starts" virsh -q start vm
check "it comes up" up

echo '== before'
before=$(flags_in_guest | wc -w)
echo "the guest counts $before flags"
check_not "the guest has no svm" guest_has_svm
check_not "KVM does not work in the guest" kvm_works_in_guest
expect_exit 0 passthru cpu vm --guest
output_has "the guest's own kernel counts $before flags"
output_has 'host-passthrough gains:'
expect_exit 0 passthru cpu vm --json
output_has '"what": "now"'

echo '== a running VM is refused'
remember
expect_exit 3 passthru cpu vm host-passthrough --yes
output_has 'VM vm is running'
output_has 'restart does the round'
unchanged "nothing was changed"
definition >/run/lab/before.xml

echo '== a start that fails is taken back'
touch /run/lab/hook-says-no
expect_exit 1 passthru cpu vm host-passthrough --restart --yes
output_has 'hook'
rm /run/lab/hook-says-no
definition >/run/lab/after-failure.xml
same "the definition is as it was" /run/lab/before.xml /run/lab/after-failure.xml
check "the VM runs" is_running vm
check "it comes up again" up
check_not "the guest has no svm" guest_has_svm

echo '== the round'
expect_exit 0 passthru cpu vm host-passthrough --restart --yes
output_has 'the guest has svm'
after=$(flags_in_guest | wc -w)
echo "the guest counts $after flags; it was $before"
check "the guest counts more flags than before" test "$after" -gt "$before"
check "the guest has svm" guest_has_svm
check "KVM works in the guest" kvm_works_in_guest
check "a guest's guest runs an instruction" grep -q 'ran to its hlt' /run/lab/kvm-try

echo '== undo'
expect_exit 0 passthru undo --yes
definition >/run/lab/undone.xml
same "the definition is byte for byte what it was" /run/lab/before.xml /run/lab/undone.xml
check "it comes up" up
check_not "the guest has no svm" guest_has_svm

echo '== just svm'
expect_exit 0 passthru cpu vm --nested --restart --yes
output_has 'gains 1 (svm)'
output_has 'the guest has svm'
check "the model is the same" grep -q qemu64 <<-END
	$(definition)
END
check "the guest has svm" guest_has_svm
check "KVM works in the guest" kvm_works_in_guest
nested=$(flags_in_guest | wc -w)
echo "the guest counts $nested flags; with host-passthrough $after, before $before"
virsh -q destroy vm

echo '== a VM that is off'
expect_exit 0 passthru cpu vm host-model --yes
check "it stays off" is_off vm
expect_exit 0 passthru cpu vm host-model --yes
output_has 'says so already'
expect_exit 2 passthru cpu vm EPYX --yes
output_has "libvirt knows no processor model 'EPYX'"
expect_exit 3 passthru cpu vm Broadwell --yes
output_has 'its processor lacks'

echo '== nested virtualisation off'
check "kvm_amd is loaded anew" sh -c 'modprobe -r kvm_amd && modprobe kvm_amd nested=0'
expect_exit 0 passthru cpu
output_has 'nested virtualisation is off'
expect_exit 3 passthru cpu vm --nested --yes
output_has 'modprobe kvm_amd nested=1'
