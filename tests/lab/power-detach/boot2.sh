# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

array()
{
	grep "^md.* active raid1 .*\[1\]" /proc/mdstat
}

# udev's own rules assemble it, as on any host
check "the host has the guest's disks" wait_for 60 host_has_ssds
check "and their array" wait_for 60 array || { cat /proc/mdstat; exit 1; }
md=$(array | sed 's/ .*//')

# the worst order: libvirt is there before anything was recovered
start_libvirt || exit 1
expect_exit 1 virsh -q start cvm
output_has "was cut off"
output_has "passthru recover"
check "it is off" is_off cvm

check "the host's part of recover" boot_unit passthru-recover-host.service || exit 1
check "the host's driver has it" has_driver $hba megaraid_sas
check "what is reserved is bound" boot_unit passthru-boot.service
check "the VMs' part of recover" boot_unit passthru-recover-vms.service
expect_exit 0 passthru recover
output_has "nothing to recover"
expect_exit 0 passthru history 2
output_has "finished by recover: $hba is with megaraid_sas since this boot"
check_not "nothing is reserved" ls /etc/passthru/reserved.d/$hba.conf
check "the host's driver has it still" has_driver $hba megaraid_sas
check "the array was not touched" wait_for 5 array
check "both its disks are in it" grep -q '\[UU\]' /proc/mdstat
check_not "the VM has it no more" grep -q '<hostdev' /etc/libvirt/qemu/cvm.xml
check "and starts" virsh -q start cvm
virsh -q destroy cvm

# the way back is asked for, and by name refused while the host uses it
expect_exit 3 passthru undo 2 --yes
output_has "$md"
check "the array can be stopped" mdadm --quiet --stop "/dev/$md"
expect_exit 0 passthru undo 2 --yes
check "then the guest's it is again" has_driver $hba vfio-pci
check "with its reservation" test -e /etc/passthru/reserved.d/$hba.conf
sync
power_cut
