# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Rule 1: never take what the host lives on.  Each refusal names what was found.
. "$LAB/inside/lib.sh"

# refused DEVICE WORD…: exit 3, each word in the message, nothing changed.
refused()
{
	device=$1
	shift
	remember
	expect_exit 3 passthru attach cvm "$device" --yes
	for word in "$@"; do
		output_has "$word"
	done
	unchanged "nothing changed"
}

name_of()
{
	basename "$(readlink -f "$(ssd "$1")")"
}

wipe()
{
	for number in 1 2 3; do
		wipefs -q -a "$(ssd "$number")"
	done
	udevadm settle
}

boot_disk()
{
	echo '== the boot disk'
	refused 0000:00:1f.2 /boot
	refused /dev/disk/by-label/boot /boot
}

mounted_disk()
{
	echo '== a mounted disk'
	mkfs.ext4 -q -F "$(ssd 1)" && mount "$(ssd 1)" /mnt
	refused MegaRAID /mnt "$(name_of 1)"
	umount /mnt
	wipe
}

# An MBR with one Linux partition, from sector 2048, 48 MiB long.
partition()
{
	printf '\000\000\000\000\203\000\000\000\000\010\000\000\000\200\001\000' |
		dd of="$1" bs=1 seek=446 conv=notrunc 2>/dev/null
	printf '\125\252' | dd of="$1" bs=1 seek=510 conv=notrunc 2>/dev/null
	blockdev --rereadpt "$1"
	udevadm settle
}

mounted_partition()
{
	echo '== a mounted partition'
	partition "$(ssd 2)"
	mkfs.ext4 -q -F "$(ssd 2)-part1" && mount "$(ssd 2)-part1" /mnt
	refused MegaRAID /mnt "$(name_of 2)1"
	umount /mnt
	wipefs -q -a "$(ssd 2)-part1"
	wipe
	blockdev --rereadpt "$(ssd 2)"
}

lvm()
{
	echo '== a disk under LVM'
	pvcreate -q "$(ssd 1)" && vgcreate -q labvg "$(ssd 1)" && lvcreate -q -y -L 16M -n lablv labvg
	refused MegaRAID labvg "$(name_of 1)"
	mkfs.ext4 -q /dev/labvg/lablv && mount /dev/labvg/lablv /mnt
	refused MegaRAID labvg /mnt "$(name_of 1)"
	umount /mnt
	vgremove -q -y labvg && pvremove -q "$(ssd 1)"
	wipe
}

swap()
{
	echo '== swap'
	mkswap -q "$(ssd 3)" 2>/dev/null || mkswap "$(ssd 3)" >/dev/null
	swapon "$(ssd 3)"
	refused MegaRAID swap "$(name_of 3)"
	swapoff "$(ssd 3)"
	wipe
}

md()
{
	echo '== an md array'
	mdadm --quiet --create /dev/md77 --run --level=0 --raid-devices=2 "$(ssd 1)" "$(ssd 2)"
	udevadm settle
	refused MegaRAID md77 "$(name_of 1)"
	mdadm --quiet --stop /dev/md77
	mdadm --quiet --zero-superblock "$(ssd 1)" "$(ssd 2)"
	wipe
}

device_mapper()
{
	echo '== a device-mapper target'
	echo "0 2048 linear $(ssd 1) 0" | dmsetup create labmap
	refused MegaRAID labmap "$(name_of 1)"
	dmsetup remove labmap
}

open_file()
{
	echo '== a process that has the disk open'
	tail -f /dev/null 7<"$(ssd 1)" &
	pid=$!
	refused MegaRAID "$(name_of 1)" tail
	kill "$pid"
	wait "$pid" 2>/dev/null
}

another_vm()
{
	echo '== a disk of another VM'
	xml_ssd 2 sda 0 | define_plain neighbour
	refused MegaRAID neighbour "$(name_of 2)"
	virsh -q undefine neighbour
	xml_hostdev 0000:01:00.0 | define_plain neighbour
	refused MegaRAID neighbour
	virsh -q undefine neighbour
}

start_libvirt || exit 1
define_cvm || exit 1
wipe
boot_disk
mounted_disk
mounted_partition
lvm
swap
md
device_mapper
open_file
another_vm
expect_exit 0 passthru attach cvm MegaRAID --dry-run
