# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The controller is reserved, and the power goes.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/../reserve-reboot/helpers.sh"

check "the host's driver has the controller" has_driver $hba megaraid_sas
check "the host has its disks" host_has_ssds
check "the count of probes counts" [ "$(hba_probes)" = 1 ]
remember
expect_exit 0 passthru reserve MegaRAID --dry-run
output_has "reserve 0000:01:00.0 for guests"
output_has "bind 0000:01:00.0 to vfio-pci"
unchanged "a dry run changes nothing"

expect_exit 0 passthru reserve MegaRAID --yes
check "vfio-pci has the controller" has_driver $hba vfio-pci
check "the host has none of its disks" host_has_no_ssds
check "the reservation says what it is recognised by" grep -q '^slot_path=0000:00:02.0/00.0$' /etc/passthru/reserved.d/$hba.conf
for n in 1 2 3; do
	check "the reservation names disk $n" grep -q "^behind=disk:.*S455NY0K10000$n\|^behind=wwn:.*5002538e0000000$n" /etc/passthru/reserved.d/$hba.conf
done
cat /etc/passthru/reserved.d/$hba.conf /etc/udev/rules.d/05-passthru-$hba.rules
expect_exit 0 passthru undo --yes
unchanged "undo gives everything back"
expect_exit 0 passthru reserve MegaRAID --yes
expect_exit 0 passthru reserve MegaRAID --yes
output_has "reserved already"
power_cut
