# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One boot: recover from the last cut, see what came of it, go on to the next place and cut the power there.
# boot1.sh learns how many places there are; `cuts` beside it says in how many steps they are walked through.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

attach='passthru attach cvm MegaRAID --yes --start --prove-timeout 0'
kept=/var/lib/libvirt/lab
cuts=$(cat "$PT_SCENARIO_DIR/cuts")

learn()
{
	mkdir -p $kept
	start_libvirt || exit 1
	define_cvm || exit 1
	host_state >$kept/before
	# once to begin with: making the journal's file has places of its own
	passthru attach cvm MegaRAID --yes >$WORDS 2>&1 && passthru undo --yes >$WORDS 2>&1 || { cat $WORDS; exit 1; }
	places_of $attach >$kept/places
	grep -q '^[0-9]*$' $kept/places || { cat $WORDS; exit 1; }
	host_state >$kept/after
	virsh -q destroy cvm
	passthru undo --yes --force-stop >$WORDS 2>&1 || { cat $WORDS; exit 1; }
	check "undo takes it back" test "$(which_state $kept)" = before || exit 1
	: >$kept/outcomes
	echo "$(cat $kept/places) places"
}

# what a boot unit runs before libvirt, then what one runs after it
recovered()
{
	left=$(which_state $kept)
	passthru recover --boot host >$WORDS 2>&1 || { cat $WORDS; fail "the host's part of recover"; exit 1; }
	cat $WORDS
	# the unit between the two parts, which binds what is reserved
	passthru boot >$WORDS 2>&1 || { cat $WORDS; fail "passthru boot"; exit 1; }
	driver=$(driver_of $hba)
	start_libvirt || exit 1
	settled $kept "cut at place $(cat $kept/place)" || exit 1
	# the host's part alone had put the device where it belongs
	[ "$driver" = "$(driver_of $hba)" ] || { fail "the device was with $driver, not $(driver_of $hba), when libvirt started"; exit 1; }
	echo "power cut at place $(cat $kept/place): it left $left, recover made it $outcome" | tee -a $kept/outcomes
	ok "cut at place $(cat $kept/place): $outcome"
	if [ "$outcome" = after ]; then
		passthru undo --yes >$WORDS 2>&1 || { cat $WORDS; fail "undo"; exit 1; }
		[ "$(which_state $kept)" = before ] || { fail "undo: before"; exit 1; }
	fi
}

if [ "$PT_BOOT" = 1 ]; then
	learn
else
	recovered
fi
if [ "$PT_BOOT" -gt "$cuts" ]; then
	check "the host has its disks" host_has_ssds
	cat $kept/outcomes
	echo "$(grep -c . $kept/outcomes) power cuts in $(cat $kept/places) places: $(grep -c 'made it before' $kept/outcomes) times before," \
		"$(grep -c 'made it after' $kept/outcomes) times after, never between"
	exit 0
fi
places=$(cat $kept/places)
# not the very last ones: how much SQLite tidies up at its end is not the same each time
place=$((1 + PT_BOOT * (places - 5) / (cuts + 1)))
echo $place >$kept/place
sync
stopped_at $place $attach || exit 1
power_cut
