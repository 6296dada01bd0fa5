# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

hba=0000:01:00.0

leftovers()
{
	find /etc/udev/rules.d /etc/modprobe.d /etc/modules-load.d /run/udev/rules.d -type f 2>/dev/null | grep .
}

start_libvirt || exit 1
define_cvm || exit 1
expect_exit 0 passthru attach cvm /dev/disk/by-id/wwn-0x5002538e00000002 --yes
check "the VM is still off" is_off cvm
check "vfio-pci holds the controller" has_driver $hba vfio-pci
check "the host does not see the disks" host_has_no_ssds
expect_exit 0 passthru list
expect_exit 0 passthru show $hba
output_has cvm
expect_exit 0 passthru detach cvm $hba --yes
check "megaraid_sas holds the controller" has_driver $hba megaraid_sas
check "the host has its disks again" host_has_ssds
check "no override is left" grep -qx '(null)' /sys/bus/pci/devices/$hba/driver_override
check_not "no rule is left" leftovers
virsh -q dumpxml --inactive cvm >/run/lab/detached.xml
check_not "the VM has no host device" grep -q '<hostdev' /run/lab/detached.xml
check "the VM has its other disk" grep -q other.qcow2 /run/lab/detached.xml
expect_exit 0 passthru history
output_has detach
