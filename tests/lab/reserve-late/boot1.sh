# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

check "the host has its disks" wait_for 60 host_has_ssds
expect_exit 0 passthru reserve MegaRAID --yes
check "vfio-pci has the controller" has_driver 0000:01:00.0 vfio-pci
power_cut
