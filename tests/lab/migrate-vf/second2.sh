# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"
start_libvirt || exit 1
make_card || exit 1
tell again
await 900 moved
check "the VM has a virtual function of this card" sh -c "virsh -q dumpxml a | grep -q \"<address type='pci' domain='0x0000' bus='0x41' slot='0x10'\""
check "with its VLAN" sh -c "ip link show dev $netdev | grep -q 'vlan 42'"
check "and QEMU has it" has_driver 0000:41:10.0 vfio-pci
tell seen
serve
