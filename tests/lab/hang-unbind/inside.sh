# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

looking='list show history doctor'

# seconds_of COMMAND; where it takes long, where it waits
seconds_of()
{
	start=$(date +%s)
	(sleep 15; for pid in $(pidof passthru); do echo "$pid:"; cat "/proc/$pid/wchan" "/proc/$pid/stack" "/proc/$pid/syscall"; done) >/run/lab/waits 2>&1 &
	watcher=$!
	[ "$1" = show ] && set -- show $hba
	passthru "$@" >/run/lab/answer 2>&1 </dev/null
	kill $watcher 2>/dev/null
	echo $(($(date +%s) - start))
}

start_libvirt || exit 1
define_cvm || exit 1
expect_exit 0 passthru attach cvm MegaRAID --yes
host_state >/run/lab/attached
for command in $looking; do
	eval "normal_$command=$(seconds_of "$command")"
done
group=$(basename "$(readlink /sys/bus/pci/devices/$hba/iommu_group)")

echo '== a program has it open: nothing is written that would hang'
python3 "$PT_SCENARIO_DIR/holder.py" "$group" $hba 0 >/run/lab/holder 2>&1 </dev/null &
holder=$!
check "a program has the device open" wait_for 60 grep -q '^held' /run/lab/holder || { cat /run/lab/holder; exit 1; }
expect_exit 1 passthru undo --yes
output_has "(pid $holder)"
output_has "everything is as it was"
kill "$holder"
wait "$holder"
host_state >/run/lab/now
same "all is as it was before the undo" /run/lab/attached /run/lab/now

echo '== it is opened where nobody sees it: the unbind hangs'
# shown again after the write began, some seconds on, and before it is given up, ten seconds after that
python3 "$PT_SCENARIO_DIR/holder.py" "$group" $hba 9 >/run/lab/holder 2>&1 </dev/null &
holder=$!
check "a program hides the open device" wait_for 60 grep -q '^hidden' /run/lab/holder
start=$(date +%s)
expect_exit 4 passthru undo --yes
echo "it took $(($(date +%s) - start)) seconds"
output_has "did not return within 10000 ms"
output_has "(pid $holder)"
output_has "passthru recover"
check "the definition is as before the undo" grep -q '<hostdev' /etc/libvirt/qemu/cvm.xml
check "the reservation is as before the undo" [ -e "/etc/passthru/reserved.d/$hba.conf" ]

for command in $looking; do
	took=$(seconds_of "$command")
	normal=$(eval "echo \$normal_$command")
	cat /run/lab/waits
	check "'$command' answers as fast as ever: in $took s, before in $normal s" [ "$took" -le $((normal + 10)) ]
done
expect_exit 0 passthru recover --dry-run
output_has "could not be taken back completely"

expect_exit 4 passthru recover
output_has "still hangs in the kernel"
output_has "(pid $holder)"
expect_exit 3 passthru detach cvm MegaRAID --yes
output_has "passthru recover"

kill "$holder"
wait "$holder"
expect_exit 0 passthru recover
host_state >/run/lab/now
same "all is as it was before the undo" /run/lab/attached /run/lab/now
expect_exit 0 passthru undo --yes
check "the controller is back with its driver" has_driver $hba megaraid_sas
check "the host has its disks" host_has_ssds
