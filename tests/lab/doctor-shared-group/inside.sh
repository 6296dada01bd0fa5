# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

check "the card's two functions share a group" test "$(group_of 0000:01:00.0)" = "0000:01:00.0 0000:01:00.1"
start_libvirt || exit 1
# Alone it cannot go.  What shares the group has to be named, and the command that gives the whole.
expect_exit 3 passthru doctor MegaRAID
output_has 01:00.1
output_has e1000e
output_has "functions of one card"
expect_exit 3 passthru doctor 0000:03:01.0
output_has 03:02.0
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has "passthru attach cvm 0000:01:00.0 0000:01:00.1"
unchanged "nothing changed"

# the advice is good: both functions go, the guest has them, and both come back
check "the whole group goes" passthru attach cvm 0000:01:00.0 0000:01:00.1 --yes --start
check "the guest comes up with the card" guest_ready cvm
check "the agent answers" agent_answers cvm
expect_exit 0 passthru verify cvm
output_has megaraid_sas
output_has e1000e
check "the guest has its first SSD behind the controller" guest_disk_is_on cvm S455NY0K100001 1000:0079
check "undo takes it back" passthru undo --yes
check "megaraid_sas holds the controller again" has_driver 0000:01:00.0 megaraid_sas
check "e1000e holds the other function again" has_driver 0000:01:00.1 e1000e
check "the host has its disks again" host_has_ssds
check "the VM is off, as it was" is_off cvm
