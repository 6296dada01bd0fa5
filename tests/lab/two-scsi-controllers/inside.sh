# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# libvirt fills gaps: a definition with SCSI controller 1 and no controller 0 gets a
# controller 0 of its default model (lsilogic, on a PCI bridge of its own).
. "$LAB/inside/lib.sh"

definition()
{
	virsh -q dumpxml --inactive --security-info cvm
}

definition_has()
{
	definition | grep -qF -e "$1"
}

start_libvirt || exit 1
qemu-img create -q -f qcow2 /var/lib/libvirt/images/other.qcow2 16M
cvm_xml | sed -e "s|bus='sata'|bus='scsi'|" \
	-e "/OTHER0001/,/address/s|controller='0'|controller='1'|" \
	-e "s|<controller type='scsi' index='0' model='virtio-scsi'/>|&<controller type='scsi' index='1' model='virtio-scsi'/>|" \
	>/run/lab/two.xml
virsh -q define /run/lab/two.xml || exit 1
definition >/run/lab/before.xml
check "the VM has two virtio-scsi controllers" test "$(grep -c "model='virtio-scsi'" /run/lab/before.xml)" = 2
check "one command gives the VM its controller" passthru attach cvm MegaRAID --yes
definition >/run/lab/after.xml
check_not "its SSDs have left" definition_has by-id
check_not "no controller of another kind has come" definition_has lsilogic
check "the other disk is where it was" sh -c "grep -A1 OTHER0001 /run/lab/after.xml | grep -q \"controller='1'\""
check "undo takes it back" passthru undo --yes
definition >/run/lab/undone.xml
same "the definition is byte for byte what it was" /run/lab/before.xml /run/lab/undone.xml
check "the host has its disks again" host_has_ssds
