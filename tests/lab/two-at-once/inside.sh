# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

# the e1000e: found by its ids, since its address depends on how the buses are numbered
nic=$(cd /sys/bus/pci/devices && for f in *; do [ "$(cat "$f/device")" = 0x10d3 ] && echo "$f"; done)

# Places of cut.c: the lock is held there, and the journal's file was made at the first one's beginning.
start_libvirt || exit 1
define_cvm || exit 1
define_plain other </dev/null || exit 1

check "the first stands still in its middle" stopped_at 32 passthru attach cvm MegaRAID --yes || exit 1
start=$(date +%s)
expect_exit 0 passthru list
check "list does not wait" [ $(($(date +%s) - start)) -lt 15 ]
expect_exit 0 passthru history
output_has "attach $hba"

expect_exit 1 passthru attach other "$nic" --managed no --yes --wait 1
output_has "another change is being made by pid $stopped"
output_has "waited 1 s"
check "nothing was done for the one that gave up" has_driver "$nic" e1000e

passthru attach other "$nic" --managed no --yes >/run/lab/second 2>&1 </dev/null &
second=$!
check "another one says that it waits, and for whom" wait_for 60 grep -q "waiting for another change: pid $stopped" /run/lab/second
kill -CONT "$stopped"
check "the first ends right" wait "$stopped"
check "the second ends right" wait "$second"
cat $WORDS /run/lab/second
check "the controller is with vfio-pci" has_driver $hba vfio-pci
check "the NIC is with vfio-pci" has_driver "$nic" vfio-pci
check "cvm has the controller" sh -c "virsh -q dumpxml --inactive cvm | grep -q '<hostdev'"
check "the other VM has the NIC" sh -c "virsh -q dumpxml --inactive other | grep -q '<hostdev'"

echo '== the same device for two VMs'
expect_exit 0 passthru undo --yes
check "the NIC is back" has_driver "$nic" e1000e
check "one stands still with the NIC in its hands" stopped_at 25 passthru attach other "$nic" --managed no --yes || exit 1
passthru attach cvm "$nic" --managed no --yes >/run/lab/second 2>&1 </dev/null &
second=$!
check "the other one waits" wait_for 60 grep -q 'waiting for another change' /run/lab/second
kill -CONT "$stopped"
check "the first gets it" wait "$stopped"
check_not "the second does not" wait "$second"
cat /run/lab/second
check "it says why" grep -q "was made meanwhile, and .* is in it too" /run/lab/second
check_not "and cvm does not have it" sh -c "virsh -q dumpxml --inactive cvm | grep -q \"bus='0x${nic#*:}\""
