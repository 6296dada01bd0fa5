# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The check the story's author leaves to the reader: "double check that the drive you
# select for your hypervisor boot is not connected to the HBA you wish to pass through".
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has /boot
unchanged "nothing changed"
expect_exit 3 passthru doctor MegaRAID
output_has /boot
