# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
expect_exit 3 passthru doctor
output_has "interrupt remapping"
output_has allow_unsafe_interrupts
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has "interrupt remapping"
unchanged "nothing changed"
