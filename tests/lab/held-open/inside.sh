# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
define_cvm || exit 1

# held NAME NODE: one process holds NODE; attach refuses and names it.
held()
{
	# shellcheck disable=SC2217 # it only has to have it open
	sleep 600 <"$2" &
	holder=$!
	expect_exit 3 passthru attach cvm "$1" --yes
	output_has "open by sleep (pid $holder)"
	kill "$holder"
	wait "$holder"
}

echo '== a disk behind the controller'
held MegaRAID "$(ssd 1)"
echo '== its SCSI generic node'
modprobe sg
udevadm settle
sg=$(ls "/sys/block/$(basename "$(readlink -f "$(ssd 1)")")/device/scsi_generic")
held MegaRAID "/dev/$sg"
echo '== the DRM node of a display'
modprobe bochs
udevadm settle
card=$(for c in /sys/class/drm/card?; do grep -q 1234:1111 "$c/device/uevent" && basename "$c"; done)
[ -n "$card" ] && held "$(basename "$(readlink "/sys/class/drm/$card/device")")" "/dev/dri/$card"
check "the host has its disks as before" host_has_ssds
