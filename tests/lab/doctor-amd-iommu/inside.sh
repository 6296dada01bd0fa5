# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

# Under emulation this IOMMU cannot remap interrupts; its kernel says why in its log.
start_libvirt || exit 1
expect_exit 3 passthru doctor
output_has IVRS
output_has_not VT-d
output_has "interrupt remapping"
expect_exit 3 passthru doctor MegaRAID
