# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The server has 4 GiB.  libvirt would start this VM without the device, since memory is
# given as it is used; with a device all of it is pinned at once.
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
define_cvm '' 8192 || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has memory
unchanged "nothing moved"
expect_exit 3 passthru attach cvm MegaRAID --dry-run
unchanged "nothing moved"
