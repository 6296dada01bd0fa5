# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# udev has bound it; the unit finds nothing left to do; a VM uses it; then the host gets it back.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../reserve-reboot/helpers.sh"

cat /var/log/udevd.log
check "vfio-pci has the controller after the boot" has_driver $hba vfio-pci
check "the host has none of its disks" host_has_no_ssds
check "the host's driver was loaded" [ -d /sys/module/megaraid_sas ]
check "the host's driver never probed it" [ "$(hba_probes)" = 0 ]
expect_exit 0 passthru boot --dry-run
output_has "vfio-pci (weak evidence)"
expect_exit 0 boot_unit passthru-boot.service
output_has "vfio-pci (weak evidence)"
expect_exit 0 passthru list MegaRAID
output_has vfio-pci
expect_exit 2 passthru release igb
output_has "is not reserved"
expect_exit 0 passthru release MegaRAID --yes
check "the host's driver has the controller again" has_driver $hba megaraid_sas
check "the host has its disks again" wait_for 60 host_has_ssds
check "its probe ran once, for the release" [ "$(hba_probes)" = 1 ]
check_not "no reservation is left" [ -e /etc/passthru/reserved.d/$hba.conf ]
check_not "no rule is left" [ -e /etc/udev/rules.d/05-passthru-$hba.rules ]
expect_exit 0 passthru undo --yes
check "undo of the release reserves it again" has_driver $hba vfio-pci
check "with the same words" grep -q '^slot_path=0000:00:02.0/00.0$' /etc/passthru/reserved.d/$hba.conf
expect_exit 0 passthru history
output_has "reserve"
