# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# udev loaded the driver for the one that is the host's, in an event that no rule of ours is about.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../reserve-reboot/helpers.sh"

check "the host's driver has its own controller" has_driver 0000:02:00.0 megaraid_sas
check "vfio-pci has the reserved one" has_driver $hba vfio-pci
check "the host's driver probed one, not two" [ "$(hba_probes)" = 1 ]
