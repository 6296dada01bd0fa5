# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One guest that runs through all of it.  It does not answer while its kernel has the hot-plug interrupt of ACPI masked.
. "$LAB/inside/lib.sh"

nic=0000:21:00.0

in_guest()
{
	agent a "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\",\"arg\":[\"-c\",\"$1\"]}}"
}

runs_with_nic()
{
	virsh -q dumpxml a | grep -q "<hostdev"
}

is_defined_with_nic()
{
	virsh -q dumpxml --inactive a | grep -q "<hostdev"
}

# where in the guest the device is, in what runs or in the definition
place()
{
	virsh -q dumpxml $1 a | sed -n '/<hostdev/,/<\/hostdev/p' | grep "<address type='pci'"
}

# the guest lists its devices once more; MARK tells this list from earlier ones
guest_lists()
{
	in_guest "(echo list $1; inventory; echo end $1) >/dev/console" && wait_for 30 console_has a "^end $1" || return 1
	console a | sed -n "/^list $1/,/^end $1/p" >"/run/lab/list-$1"
}

start_libvirt || exit 1
define_plain a <<'END'
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
END
expect_exit 3 passthru attach a $nic --live --yes
output_has "does not run, and --live is about one that does"
expect_exit 0 virsh -q start a
check "the guest comes up" guest_ready a
check "its agent answers" agent_answers a

remember
expect_exit 3 passthru attach a $nic 41:00.0 --live --yes
output_has "2 devices need as many free root ports"
output_has "1 of the 3"
unchanged "what does not fit touches nothing"

expect_exit 0 passthru attach a $nic --live --yes
output_has "1 of the 3 root ports"
output_has "the guest has 8086:10d3"
check "it runs with it" runs_with_nic
check "and is defined with it" is_defined_with_nic
place '' | tee /run/lab/place-now
place --inactive >/run/lab/place-then
same "in the same place of the guest after its next start" /run/lab/place-then /run/lab/place-now
guest_lists plugged
check "the guest's driver has it" grep -E "8086:10d3 .*driver=e1000e" /run/lab/list-plugged
check "the VM was never stopped" is_running a

expect_exit 0 passthru detach a $nic --live --yes
check_not "it runs without it" runs_with_nic
check_not "and is defined without it" is_defined_with_nic
check "the host's driver has it" wait_for 20 has_driver $nic e1000e
guest_lists taken
check_not "the guest does not see it" grep 8086:10d3 /run/lab/list-taken
unchanged "all is as before the attach"

expect_exit 0 passthru attach a $nic --live --managed no --yes
in_guest "echo mask >/sys/firmware/acpi/interrupts/gpe01"
sleep 1
remember
expect_exit 1 passthru detach a $nic --live --unplug-timeout 10 --yes
output_has "did not let go of $nic within 10 seconds"
output_has "everything is as it was"
unchanged "a guest that does not answer keeps it"
check "it runs with it" runs_with_nic
expect_exit 0 passthru recover
output_has "a guest still has what it was asked to let go of"

# killed while it waits
passthru detach a $nic --live --yes >/run/lab/killed.log 2>&1 &
pid=$!
expect_exit 0 wait_for 30 grep -q "1/.*let go" /run/lab/killed.log
sleep 2
kill -9 $pid
wait $pid
expect_exit 0 passthru recover
output_has "1 change settled"
unchanged "one that was killed while it waited is taken back"
check "it runs with it" runs_with_nic

in_guest "echo unmask >/sys/firmware/acpi/interrupts/gpe01"
gone()
{
	! runs_with_nic
}
check "the guest answers at last" wait_for 30 gone
expect_exit 0 passthru recover
output_has "settled"
check "and has its device back" runs_with_nic
unchanged "as before it was asked"

expect_exit 0 passthru undo --yes
check_not "undo asks the guest, too" runs_with_nic
check "the host has it" has_driver $nic e1000e
check "and the VM was never stopped" is_running a
