# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

check "the card's two functions share a group" test "$(group_of 0000:01:00.0)" = "0000:01:00.0 0000:01:00.1"
start_libvirt || exit 1
# What shares the group has to be named: the same card's other function may go along, other cards are in use here.
expect_exit 0 passthru doctor MegaRAID
output_has 01:00.1
output_has e1000e
expect_exit 3 passthru doctor 0000:03:01.0
output_has 03:02.0
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has 01:00.1
unchanged "nothing changed"
