# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
expect_exit 0 passthru doctor
output_has "the kernel remaps interrupts"
output_has_not fail
expect_exit 0 passthru doctor MegaRAID
output_has 01:00.0
expect_exit 0 passthru doctor --json
check "the JSON is JSON" python3 -m json.tool "$LAB_OUTPUT" /dev/null
# The boot disk's controller is healthy, and in use: that is a no.
expect_exit 3 passthru doctor 0000:00:1f.2
output_has /boot
# Without libvirt everything else is still said.
stop_libvirt
expect_exit 3 passthru doctor
output_has "libvirt"
output_has "the kernel remaps interrupts"
