# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
define_plain vm1 </dev/null || exit 1
define_plain vm2 </dev/null || exit 1
expect_exit 0 passthru attach vm1 0000:01:00.0 --yes
expect_exit 0 passthru attach vm2 0000:02:00.0 --yes
check "the first reservation has its disks" grep -q '^behind=disk:S455NY0K100001$' /etc/passthru/reserved.d/0000:01:00.0.conf
check "the second reservation has its disk" grep -q '^behind=disk:S455NY0K200001$' /etc/passthru/reserved.d/0000:02:00.0.conf
sync
power_cut
