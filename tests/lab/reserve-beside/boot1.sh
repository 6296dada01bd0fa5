# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../reserve-reboot/helpers.sh"

check "one driver has both controllers" has_driver 0000:02:00.0 megaraid_sas
check "it probed both" [ "$(hba_probes)" = 2 ]
expect_exit 0 passthru reserve $hba --yes
check "vfio-pci has the one" has_driver $hba vfio-pci
check "the host keeps the other" has_driver 0000:02:00.0 megaraid_sas
power_cut
