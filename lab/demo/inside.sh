# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What a person would type, and what comes back.  The checks are in tests/lab/hba-story; here only the end is judged.
. "$LAB/inside/lib.sh"

tell()
{
	printf '\n== %s\n' "$*"
}

type_in()
{
	printf '\n# %s\n' "$*"
	"$@" 2>&1
}

tell "A server: an IOMMU, a MegaRAID controller with three SSDs, a VM called cvm that has the SSDs as virtio-scsi disks"
start_libvirt || exit 1
define_cvm || exit 1
virsh -q start cvm
guest_ready cvm
type_in passthru list storage
type_in passthru doctor MegaRAID

tell "What would be done"
type_in passthru attach cvm MegaRAID --dry-run

tell "Do it"
check "the VM gets its controller" type_in passthru attach cvm MegaRAID --yes
guest_ready cvm

tell "What the guest itself sees, on its own console"
console cvm | grep -E 'lab-guest: (disk|pci .* 1000:)'
tell "What the kernel, libvirt and the guest's agent say"
agent_answers cvm
check "the guest has it" type_in passthru verify cvm

tell "And back"
check "the VM is as it was" type_in passthru undo --yes
type_in passthru history
type_in passthru list storage
guest_ready cvm
tell "What the guest sees now, as before: its three SSDs on virtio-scsi (1af4), and its other disk"
console cvm | grep -E 'lab-guest: disk'
