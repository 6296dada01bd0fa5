# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

old=$(cat /var/lib/passthru/lab-nic)
for dev in $(dirname $(grep -l 0x10d3 /sys/bus/pci/devices/*/device)); do
	[ "$(basename "$dev")" = "$old" ] || new=$(basename "$dev")
done
echo "reserved at $old, now at $new"
check "another card is at the old address" [ -d "/sys/bus/pci/devices/$old" ]
check "the card is bound at its new address, by udev" has_driver "$new" vfio-pci
check "the stranger has its own driver" has_driver "$old" e1000e
expect_exit 0 boot_unit passthru-boot.service
output_has "is at $new"
check "the stranger still has its own driver" has_driver "$old" e1000e

start_libvirt || exit 1
expect_exit 1 virsh -q start nicvm
output_has "passthru repair"
check "the stranger has its own driver after that" has_driver "$old" e1000e
expect_exit 3 passthru doctor
output_has "$old is at $new now"
expect_exit 0 passthru repair nicvm --dry-run
output_has "$old is at $new now"
check "a dry run changes nothing" [ -e "/etc/passthru/reserved.d/$old.conf" ]
expect_exit 0 passthru repair nicvm --yes
output_has "another device is at $old now"
check "it is reserved at its new address" grep -q '^serial=dsn:52-54-00-ff-ff-82-57-4c$' "/etc/passthru/reserved.d/$new.conf"
check_not "and not at the old one" [ -e "/etc/passthru/reserved.d/$old.conf" ]
check "the VM starts" virsh -q start nicvm
check "the guest comes up" guest_ready nicvm
check "the guest has the card" guest_sees_pci nicvm 8086:10d3 e1000e
console nicvm | grep -E 'lab-guest:'
check "with its own address" console_has nicvm 52:54:00:82:57:4c
check "the stranger was never touched" has_driver "$old" e1000e
virsh -q destroy nicvm
expect_exit 0 passthru repair
expect_exit 0 passthru undo --yes
virsh -q dumpxml --inactive nicvm >/run/lab/after.xml
same "undo gives the old definition back" /var/lib/passthru/lab-before.xml /run/lab/after.xml
