# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

one=0000:01:00.0
two=0000:02:00.0
for hba in $one $two; do
	check "$hba has no driver: neither VFIO's nor the host's" has_driver $hba none
done
check "the host sees no disk of either" host_has_no_ssds
expect_exit 3 boot_unit passthru-boot.service
output_has "not bound"
output_has "repair --probe"
check "still neither has a driver" has_driver $one none
start_libvirt || exit 1
check_not "vm1 does not start" virsh -q start vm1
check_not "vm2 does not start" virsh -q start vm2
expect_exit 3 passthru repair --yes
output_has "--probe"
check "the refusal changed nothing" has_driver $one none
expect_exit 0 passthru repair --probe --yes
check "the first VM's controller is reserved at its new address" grep -q '^behind=disk:S455NY0K100001$' /etc/passthru/reserved.d/$two.conf
check "the second VM's controller is reserved at its new address" grep -q '^behind=disk:S455NY0K200001$' /etc/passthru/reserved.d/$one.conf
for hba in $one $two; do
	check "vfio-pci has $hba" has_driver $hba vfio-pci
done
check "the host sees no disk of either again" host_has_no_ssds
check "vm1 starts" virsh -q start vm1
check "its guest comes up" guest_ready vm1
check "it has its own disks" guest_sees_disk vm1 S455NY0K100001
check_not "and not the other's" guest_sees_disk vm1 S455NY0K200001
virsh -q destroy vm1
check "vm2 starts" virsh -q start vm2
check "its guest comes up" guest_ready vm2
check "it has its own disk" guest_sees_disk vm2 S455NY0K200001
expect_exit 0 passthru history
