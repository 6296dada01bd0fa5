# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Shows that the lab can do what the other scenarios need, without passthru.
. "$LAB/inside/lib.sh"

hba=0000:01:00.0

check "the kernel has an IOMMU" test -e /sys/class/iommu/dmar0/intel-iommu/ecap
check "the firmware has a DMAR table" test -e /sys/firmware/acpi/tables/DMAR
check "the controller has an IOMMU group of its own" test "$(group_of $hba)" = "$hba"
check "megaraid_sas holds the controller" has_driver $hba megaraid_sas
for n in 1 2 3; do
	check "disk $n has its name by id" test -b "$(ssd $n)"
done
check "the boot disk is mounted" mountpoint -q /boot
check "KVM works" test -c /dev/kvm

check "libvirt starts" start_libvirt
check "libvirt takes the controller from the host" virsh -q nodedev-detach pci_0000_01_00_0
check "vfio-pci holds the controller" has_driver $hba vfio-pci
xml_hostdev $hba | define_plain guest
check "a guest starts with the controller" virsh -q start guest
check "the guest comes up" guest_ready guest
console guest | grep lab-guest
check "the guest has the controller, with its driver" guest_sees_pci guest 1000:0079 megaraid_sas
for n in 1 2 3; do
	check "the guest sees disk $n by its serial" guest_sees_disk guest "S455NY0K10000$n"
done
check "the guest agent answers" agent_answers guest
virsh -q shutdown guest
check "the guest shuts down when asked" wait_for 90 is_off guest
check "libvirt gives the controller back" virsh -q nodedev-reattach pci_0000_01_00_0
check "megaraid_sas holds the controller again" wait_for 60 has_driver $hba megaraid_sas
udevadm settle
check "the host has its disks again" wait_for 30 test -b "$(ssd 3)"
