# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# From no VF to a guest that reads the drive through one, and back.
. "$LAB/inside/lib.sh"

drive=/dev/nvme0n1
pf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")
vf=$(readlink "/sys/bus/pci/devices/$pf/virtfn0" 2>/dev/null)

vfs_are()
{
	n=$(find "/sys/bus/pci/devices/$pf/" -maxdepth 1 -name 'virtfn*' | wc -l)
	[ "$n" = "$1" ] || { echo "$n virtual functions"; return 1; }
}

drive_answers()
{
	dd if=$drive of=/dev/null bs=4096 count=16 iflag=direct 2>/dev/null
}

marked()
{
	dd if=$drive bs=512 count=1 iflag=direct 2>/dev/null | grep -q "$1"
}

check "the host has the drive" drive_answers
printf 'written by the host' | dd of=$drive bs=512 count=1 conv=sync oflag=direct 2>/dev/null
expect_exit 0 passthru sriov "$pf"
output_has "Disabled (0 of 4 virtual functions)"
expect_exit 2 passthru sriov "$pf" --vfs 5 --yes
output_has "offers 1 to 4"

# a disk that the host has mounted may be the guest's too
mkfs.ext4 -q -F $drive
mkdir -p /run/lab/mounted
mount $drive /run/lab/mounted
expect_exit 3 passthru sriov "$pf" --vfs 2 --yes
output_has /run/lab/mounted
check "nothing was made" vfs_are 0
umount /run/lab/mounted
printf 'written by the host' | dd of=$drive bs=512 count=1 conv=sync oflag=direct 2>/dev/null

expect_exit 0 passthru sriov "$pf" --vfs 4 --yes
check "four are there" vfs_are 4
check "the host has the drive, and what was on it" marked 'written by the host'
expect_exit 0 passthru sriov "$pf"
output_has "online, 2 queues, 1 interrupt"
output_has_not offline
expect_exit 0 passthru undo --yes
check "none is there" vfs_are 0
expect_exit 0 passthru sriov "$pf" --vfs 2 --yes
vf=$(basename "$(readlink "/sys/bus/pci/devices/$pf/virtfn0")")
check "no driver of the host has it" [ ! -e "/sys/bus/pci/devices/$vf/driver" ]

start_libvirt || exit 1
define_plain reader </dev/null
expect_exit 0 passthru attach reader "$vf" --yes
virsh -q start reader
check "the guest comes up" guest_ready reader
check "it has the function, with its driver" guest_sees_pci reader 1b36:0010 nvme
check "and the drive behind it" guest_sees_disk reader NVME0001
expect_exit 3 passthru sriov "$pf" --vfs 4 --yes
output_has reader
check "two are there" vfs_are 2
virsh -q destroy reader
expect_exit 0 passthru detach reader "$vf" --yes
expect_exit 0 passthru sriov "$pf" --vfs 0 --yes
check "none is there" vfs_are 0
check "the host has the drive, and what was on it" marked 'written by the host'
