# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Questions to the emulated server about its devices.  lib.sh reads this.

driver_of()
{
	path=$(readlink "/sys/bus/pci/devices/$1/driver") && echo "${path##*/}" || echo none
}

has_driver()
{
	[ "$(driver_of "$1")" = "$2" ] || { echo "$1 is held by $(driver_of "$1")"; return 1; }
}

# group_of BDF: the functions that share its IOMMU group, in one line.
group_of()
{
	(cd "/sys/bus/pci/devices/$1/iommu_group/devices" && echo *)
}

# ssd NUMBER: the stable name of a disk of the story.
ssd()
{
	echo "/dev/disk/by-id/scsi-35002538e0000000$1"
}

host_has_ssds()
{
	udevadm settle
	for number in 1 2 3; do
		[ -b "$(ssd "$number")" ] || { echo "$(ssd "$number") is not there"; return 1; }
	done
}

host_has_no_ssds()
{
	udevadm settle
	for number in 1 2 3; do
		[ ! -e "$(ssd "$number")" ] || { echo "$(ssd "$number") is there"; return 1; }
	done
	if grep -l 5002538e0000000 /sys/block/*/device/wwid 2>/dev/null; then
		return 1
	fi
}

# boot_unit NAME: what systemd would run for it; the server has no systemd, so the unit's own line is run.
boot_unit()
{
	line=$(sed -n 's/^ExecStart=//p' "/usr/local/lib/systemd/system/$1")
	[ -n "$line" ] || { echo "there is no unit $1"; return 1; }
	sh -c "exec $line"
}

# All that an attach may change: drivers and their overrides, names of disks, VMs, rules, leftovers.
# One process for many answers: here each costs a noticeable time.
describe_server()
{
	udevadm settle
	find /sys/bus/pci/devices/*/ -maxdepth 1 -name driver -printf '%h %l\n'
	grep -H . /sys/bus/pci/devices/*/driver_override
	ls /dev/disk/by-id
	describe_vms
	find /etc/udev/rules.d /etc/modprobe.d /etc/modules-load.d /etc/libvirt/qemu -type f | sort
}

# libvirt's own files: what it would read after a restart.  Asking it takes longer.
describe_vms()
{
	find /etc/libvirt/qemu -name '*.xml' 2>/dev/null | sort | xargs -r cat
	find /run/libvirt/qemu -name '*.pid' -printf '%f runs\n' 2>/dev/null | sort
}

# remember: what the server is now.  unchanged SENTENCE: a check that it still is.
remember()
{
	describe_server >/run/lab/remembered
}

unchanged()
{
	describe_server >/run/lab/now
	same "$1" /run/lab/remembered /run/lab/now
}
