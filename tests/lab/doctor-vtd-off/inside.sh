# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
expect_exit 3 passthru doctor
output_has DMAR
output_has "in the firmware's set-up"
# The kernel is told already: that cannot be the fix.
output_has_not "add intel_iommu=on"
expect_exit 3 passthru doctor MegaRAID
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has firmware
unchanged "nothing changed"
