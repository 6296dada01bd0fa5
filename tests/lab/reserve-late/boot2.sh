# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# It has no serial number: it is known as the only one of its kind in its slot, and its disks say the same.
. "$LAB/inside/lib.sh"

check "the host's driver was faster" has_driver 0000:01:00.0 megaraid_sas
check "the host sees the disks" wait_for 60 host_has_ssds
expect_exit 3 passthru doctor
output_has "megaraid_sas has it"
expect_exit 0 boot_unit passthru-boot.service
output_has "vfio-pci (behind the driver evidence)"
output_has "a driver of the host had it before"
check "vfio-pci has the controller" has_driver 0000:01:00.0 vfio-pci
check "the host has none of its disks" host_has_no_ssds
