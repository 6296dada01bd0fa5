# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # who sources this uses them
# For scenarios that end a program at an exact place (cut.c), and look at what that left behind.  After lib.sh:
#	. "$PT_SOURCE/tests/lab/cut/cut.sh"
cut_library=$PT_BUILD/tests/cut.so
hba=0000:01:00.0
MARK=/run/lab/cut-here
WORDS=/run/lab/cut-words

# places_of COMMAND…: how many places it has; it is run to its end, and must make a change.
places_of()
{
	PT_CUT_MARK=/run/lab/places LD_PRELOAD=$cut_library "$@" >$WORDS 2>&1 </dev/null
	grep -q '^change [0-9]* is made' $WORDS || { cat $WORDS; return 1; }
	cat /run/lab/places
}

# killed_at N COMMAND…: passes when SIGKILL ended it there.
killed_at()
{
	at=$1
	shift
	PT_CUT_AT=$at LD_PRELOAD=$cut_library "$@" >$WORDS 2>&1 </dev/null
	[ $? = 137 ] || { cat $WORDS; return 1; }
}

# stopped_at N COMMAND…: stands still there, in the background; $stopped is its number.
stopped_at()
{
	at=$1
	shift
	rm -f $MARK
	PT_CUT_AT=$at PT_CUT_HOW=stop PT_CUT_MARK=$MARK LD_PRELOAD=$cut_library "$@" >$WORDS 2>&1 </dev/null &
	stopped=$!
	wait_for 180 test -e $MARK || { cat $WORDS; return 1; }
}

# cvm_runs: without asking libvirt, which takes seconds here.
cvm_runs()
{
	[ -e /run/libvirt/qemu/cvm.pid ]
}

# host_state: all that a change of the controller changes, but for whether the VM runs.
host_state()
{
	echo "driver $(driver_of $hba)"
	echo "override $(cat /sys/bus/pci/devices/$hba/driver_override)"
	find /etc/udev/rules.d /etc/passthru/reserved.d -type f 2>/dev/null | sort
	grep -h '^driver=\|^vm=' /etc/passthru/reserved.d/* 2>/dev/null
	[ ! -e /etc/libvirt/qemu/cvm.xml ] || sed '/^<!--$/,/^-->$/d' /etc/libvirt/qemu/cvm.xml
}

# which_state DIRECTORY: before, after or between, by DIRECTORY/before and DIRECTORY/after.
which_state()
{
	host_state >/run/lab/state-now
	for side in before after; do
		cmp -s "$1/$side" /run/lab/state-now && echo $side && return
	done
	echo between
}

# settled DIRECTORY SENTENCE: recover ends it, and once more there is nothing to do; sets $outcome.
settled()
{
	passthru recover >$WORDS 2>&1 </dev/null || { cat $WORDS; fail "$2: recover exits with 0"; return 1; }
	outcome=$(which_state "$1")
	[ "$outcome" != between ] || { diff "$1/before" /run/lab/state-now; fail "$2: before or after"; return 1; }
	passthru recover 2>&1 </dev/null | grep -q 'nothing to recover' || { fail "$2: nothing is left to recover"; return 1; }
}

# killed_along DIRECTORY BACK PLACES EVERY COMMAND…: at each EVERY-th of PLACES, recovered, and, where recover finished
# it, taken back by BACK; counts into $killed, $before and $after.
killed_along()
{
	along=$1 back=$2 along_places=$3 along_every=$4
	shift 4
	place=1
	# not the very last ones: how much SQLite tidies up at its end is not the same each time
	while [ "$place" -le $((along_places - 4)) ]; do
		killed_at "$place" "$@" || { fail "place $place is reached: $*"; return 1; }
		killed=$((killed + 1))
		left=$(which_state "$along")
		settled "$along" "killed at place $place of $along_places" || return 1
		echo "killed at place $place of $along_places: it left $left, recover made it $outcome"
		eval "$outcome=\$(($outcome + 1))"
		if [ "$outcome" = after ]; then
			$back >$WORDS 2>&1 || { cat $WORDS; fail "$back after place $place"; return 1; }
			[ "$(which_state "$along")" = before ] || { fail "$back after place $place: before"; return 1; }
		fi
		place=$((place + along_every))
	done
}
