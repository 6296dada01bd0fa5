# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Two devices through VFIO.  Without an IOMMU of the guest's all of its memory is locked, once; with one QEMU may lock
# it twice, and locks what the guest maps.
. "$LAB/inside/lib.sh"

definition()
{
	virsh -q dumpxml --inactive --security-info vm
}

# in $limit and $locked: what the kernel says of the running QEMU
qemu_says()
{
	pid=$(cat /run/libvirt/qemu/vm.pid)
	limit=$(awk '/^Max locked memory/ { print $4 }' "/proc/$pid/limits")
	locked=$(awk '/^VmLck:/ { print $2 }' "/proc/$pid/status")
	echo "QEMU may lock $limit bytes, and has locked $locked kB"
}

# the limit that the last output of passthru names first
foretold()
{
	tr -s '\n\t ' ' ' <"$LAB_OUTPUT" | grep -o 'libvirt lets QEMU lock [0-9]* bytes' | head -n 1 | grep -o '[0-9]*'
}

# the guest's own word: which of its functions are in which group, and what its IOMMU is
ask_guest()
{
	in_guest vm 'cd /sys/bus/pci/devices; for d in *; do [ -e $d/iommu_group ] && echo $(readlink $d/iommu_group | grep -o [0-9]*$) $(cat $d/vendor):$(cat $d/device); done; ls -l /sys/class/iommu' >/run/lab/groups
	cat /run/lab/groups
}

hba_has_a_group_of_its_own()
{
	group=$(awk '$2 == "0x1000:0x0079" { print $1 }' /run/lab/groups)
	[ -n "$group" ] && [ "$(awk -v g="$group" '$1 == g' /run/lab/groups | wc -l)" = 1 ]
}

start_libvirt || exit 1
(xml_hostdev 0000:01:00.0 yes; xml_hostdev 0000:21:00.0 yes) | define_plain vm intel_iommu=on || exit 1
definition >/run/lab/before.xml

echo '== without'
expect_exit 0 passthru viommu vm
output_has 'it is defined with: none'
want=$(foretold)
check "it starts" virsh -q start vm
qemu_says
check "QEMU may lock what was foretold" test "$limit" = "$want"
check "all of the guest's memory is locked" test "$locked" -ge $((384 * 1024))
expect_exit 3 passthru viommu vm auto --yes
output_has 'VM vm is running'
virsh -q destroy vm
expect_exit 3 passthru viommu vm smmuv3 --yes
output_has "Arm's virt"
definition >/run/lab/after.xml
same "the definition is as it was" /run/lab/before.xml /run/lab/after.xml

echo '== intel'
expect_exit 0 passthru viommu vm intel --start --prove-timeout 600 --yes
want=$(foretold)
output_has "the guest's kernel has an IOMMU"
qemu_says
check "QEMU may lock what was foretold" test "$limit" = "$want"
check "that is its memory for each device, and 1 GiB" test "$limit" = $(((2 * 384 + 1024) * 1024 * 1024))
check "it has locked less than it may" test $((locked * 1024)) -lt "$limit"
ask_guest
check "the guest has the controller in a group of its own" hba_has_a_group_of_its_own
check "its IOMMU is VT-d" grep -q dmar /run/lab/groups
check "the controller's disks are there behind it" guest_sees_disk vm S455NY0K100001

echo '== virtio'
expect_exit 0 passthru viommu vm auto --restart --prove-timeout 600 --yes
want=$(foretold)
output_has "the guest's kernel has an IOMMU"
qemu_says
check "QEMU may lock what was foretold" test "$limit" = "$want"
check "it has locked less than it may" test $((locked * 1024)) -lt "$limit"
ask_guest
check "the guest has the controller in a group of its own" hba_has_a_group_of_its_own
check "its IOMMU is virtio's" grep -q virtio /run/lab/groups
virsh -q destroy vm

echo '== undo'
expect_exit 0 passthru undo --yes
expect_exit 0 passthru viommu vm
output_has 'intel (intremap=on, caching_mode=on, eim=on, iotlb=on, aw_bits=48)'
virsh -q destroy vm
expect_exit 0 passthru undo --yes
definition >/run/lab/after.xml
same "the definition is byte for byte what it was" /run/lab/before.xml /run/lab/after.xml
