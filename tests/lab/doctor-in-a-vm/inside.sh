# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
expect_exit 3 passthru doctor
output_has "is itself a virtual machine"
output_has_not "in the firmware's set-up"
