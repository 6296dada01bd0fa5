# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# libvirt goes on with what it was asked for when the one who asked is dead.  Beside this script a file `delays` may say
# how many seconds into a start it is killed, each in turn, and it is then killed in a shutdown too.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

# killed_in WORDS DELAY: attach, killed DELAY seconds after it said WORDS.
killed_in()
{
	passthru attach cvm MegaRAID --yes --start >$WORDS 2>&1 </dev/null &
	attach=$!
	wait_for 300 grep -q "$1" $WORDS || { cat $WORDS; return 1; }
	sleep "$2"
	kill -KILL $attach || { cat $WORDS; return 1; }
	wait $attach
	tail -n 1 $WORDS
}

# a guest that has not booted yet does not hear that it shall shut down: it is powered off after the time-out
before_again()
{
	expect_exit 0 passthru recover --stop-timeout 15 --force-stop
	host_state >/run/lab/now
	same "all is as before" /run/lab/before /run/lab/now
	check "the host has its disks" host_has_ssds
	expect_exit 0 passthru recover
	output_has "nothing to recover"
}

start_libvirt || exit 1
define_cvm || exit 1
host_state >/run/lab/before
for delay in $(cat "$PT_SCENARIO_DIR/delays" 2>/dev/null || echo 0.7); do
	echo "== killed $delay s into the start"
	check "it is killed while cvm starts" killed_in '\] start cvm' $delay
	before_again
	check "the VM is off, as before" is_off cvm
	echo "killed $delay s into the start: before"
done

[ -e "$PT_SCENARIO_DIR/delays" ] || exit 0
echo '== killed while the guest shuts down'
virsh -q start cvm
check "the VM comes up" guest_ready cvm
check "it is killed while cvm shuts down" killed_in '\] shut down cvm' 0.3
before_again
check "the VM runs, as before" is_running cvm
