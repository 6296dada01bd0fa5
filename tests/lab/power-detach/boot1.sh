# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The guest made an array of its disks.  The power goes when the reservation is gone, and the host has nothing yet.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"
kept=/var/lib/libvirt/lab
mkdir -p $kept

mdadm --quiet --create /dev/md/guest --run --metadata=1.2 --homehost=any --level=1 --raid-devices=2 \
	"$(ssd 1)" "$(ssd 2)" </dev/null || exit 1
udevadm settle
mdadm --quiet --wait /dev/md/guest
mdadm --quiet --stop /dev/md/guest || exit 1

start_libvirt || exit 1
define_cvm || exit 1
check "the VM is given the controller" passthru attach cvm MegaRAID --yes || exit 1
check "vfio-pci holds it" has_driver $hba vfio-pci
sync
PT_CUT_GONE=/etc/passthru/reserved.d/$hba.conf
export PT_CUT_GONE
# its directory has been synced
stopped_at 2 passthru detach cvm MegaRAID --yes || exit 1
check "vfio-pci holds it still" has_driver $hba vfio-pci
check "its reservation is gone" test ! -e "$PT_CUT_GONE"
power_cut
