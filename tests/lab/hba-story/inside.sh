# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The whole story: three SSDs on virtio-scsi, then the controller itself, then back.
. "$LAB/inside/lib.sh"

hba=0000:01:00.0

definition()
{
	virsh -q dumpxml --inactive --security-info cvm
}

definition_has()
{
	definition | grep -qF -e "$1"
}

start_libvirt || exit 1
define_cvm || exit 1
virsh -q start cvm
check "the VM comes up with its disks on virtio-scsi" guest_ready cvm
for n in 1 2 3; do
	check "the guest has SSD $n on virtio-scsi" guest_disk_is_on cvm "S455NY0K10000$n" 1af4:1048
done
definition >/run/lab/before.xml

remember
expect_exit 0 passthru attach cvm MegaRAID --dry-run
output_has "01:00.0"
unchanged "a dry run changes nothing"

echo '# passthru attach cvm MegaRAID --yes'
check "one command gives the VM its controller" passthru attach cvm MegaRAID --yes --verbose
check "the VM runs" is_running cvm
check "the guest comes up with the controller" guest_ready cvm
console cvm | grep -E 'lab-guest: (disk|pci .* 1000:)'
check "the guest has 1000:0079 on megaraid_sas" guest_sees_pci cvm 1000:0079 megaraid_sas
for n in 1 2 3; do
	check "the guest has SSD $n behind the controller" guest_disk_is_on cvm "S455NY0K10000$n" 1000:0079
done
check "the guest still has its other disk" guest_disk_is_on cvm OTHER0001 8086:2922
check "vfio-pci holds the controller" has_driver $hba vfio-pci
definition >/run/lab/after.xml
check "the definition has the controller, unmanaged" sh -c "grep -A3 '<hostdev' /run/lab/after.xml | grep -q \"managed='no'\""
check_not "none of its SSDs is a disk of the VM any more" definition_has by-id
check_not "the empty SCSI controller is gone" definition_has "type='scsi' index='0'"
check "the other disk's controller is still there" definition_has "type='sata' index='0'"
check "the other disk is still there" definition_has other.qcow2
check "the VNC password is still there" definition_has s3cret

check "the agent answers" agent_answers cvm
expect_exit 0 passthru verify cvm
output_has "1000:0079"
output_has megaraid_sas
for n in 1 2 3; do
	output_has "S455NY0K10000$n"
done

virsh -q shutdown cvm
check "the VM shuts down" wait_for 120 is_off cvm
check "with the VM off, the host does not see its disks" host_has_no_ssds
check "with the VM off, vfio-pci holds the controller" has_driver $hba vfio-pci
virsh -q start cvm
check "the VM comes up again" guest_ready cvm

echo '# passthru undo --yes'
check "undo takes it back" passthru undo --yes
definition >/run/lab/undone.xml
same "the definition is byte for byte what it was" /run/lab/before.xml /run/lab/undone.xml
check "megaraid_sas holds the controller again" has_driver $hba megaraid_sas
check "the host has its disks again" host_has_ssds
check "the VM runs again" is_running cvm
check "the guest comes up with its disks on virtio-scsi" guest_ready cvm
for n in 1 2 3; do
	check "the guest has SSD $n on virtio-scsi again" guest_disk_is_on cvm "S455NY0K10000$n" 1af4:1048
done
expect_exit 0 passthru history
output_has cvm
save /run/lab/before.xml /run/lab/after.xml /run/lab/undone.xml
