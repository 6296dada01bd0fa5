# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The VM had the controller when the host went down, in good order: nothing of its disks is the host's.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

check "vfio-pci has the VM's controller after the boot" has_driver $hba vfio-pci
check "the host has none of the VM's disks" host_has_no_ssds
check_not "nor their array" grep -q '^md' /proc/mdstat
check "the VM has it" grep -q '<hostdev' /etc/libvirt/qemu/cvm.xml
check "nothing is left to recover" sh -c 'passthru recover | grep "nothing to recover"'
