# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One VM has the card with managed='no', so it is reserved.
. "$LAB/inside/lib.sh"

nic=$(basename "$(dirname "$(grep -l 0x10d3 /sys/bus/pci/devices/*/device)")")
echo "the e1000e is $nic"
echo "$nic" >/var/lib/passthru/lab-nic
start_libvirt || exit 1
define_plain nicvm </dev/null || exit 1
expect_exit 0 passthru attach nicvm e1000e --managed no --yes
check "the reservation has its serial number" grep -q '^serial=dsn:52-54-00-ff-ff-82-57-4c$' "/etc/passthru/reserved.d/$nic.conf"
virsh -q dumpxml --inactive nicvm >/var/lib/passthru/lab-before.xml
sync
power_cut
