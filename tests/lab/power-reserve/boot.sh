# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One boot: recover from the last cut, see what came of it, and cut the power at the next place: by turns of a reserve and
# of a release.  boot1.sh learns how many places there are; `cuts` beside it says how often.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

reserve="passthru reserve $hba --yes"
release="passthru release $hba --yes"
kept=/var/lib/libvirt/lab
cuts=$(cat "$PT_SCENARIO_DIR/cuts")

learn()
{
	mkdir -p $kept
	# once to begin with: making the journal's file has places of its own
	$reserve >$WORDS 2>&1 && $release >$WORDS 2>&1 || { cat $WORDS; exit 1; }
	host_state >$kept/before
	places_of $reserve >$kept/places-1 || { cat $kept/places-1; exit 1; }
	host_state >$kept/after
	places_of $release >$kept/places-0 || { cat $kept/places-0; exit 1; }
	check "release takes it back" test "$(which_state $kept)" = before || exit 1
	: >$kept/outcomes
	echo "$(cat $kept/places-1) places of reserve, $(cat $kept/places-0) of release"
}

# what the boot's units run; udev has asked the rule already
recovered()
{
	at=$(cat $kept/at)
	left=$(which_state $kept)
	passthru recover --boot host >$WORDS 2>&1 || { cat $WORDS; fail "the host's part of recover"; exit 1; }
	cat $WORDS
	passthru boot >$WORDS 2>&1 || { cat $WORDS; fail "passthru boot"; exit 1; }
	settled $kept "cut at $at" || exit 1
	echo "power cut at $at: it left $left, recover made it $outcome" | tee -a $kept/outcomes
	ok "cut at $at: $outcome"
}

if [ "$PT_BOOT" = 1 ]; then
	learn
else
	recovered
fi
if [ "$PT_BOOT" -gt "$cuts" ]; then
	[ "$outcome" = before ] || $release >$WORDS 2>&1 || { cat $WORDS; fail "release"; exit 1; }
	check "the host has its disks" wait_for 60 host_has_ssds
	cat $kept/outcomes
	echo "$(grep -c . $kept/outcomes) power cuts in $(cat $kept/places-1) and $(cat $kept/places-0) places:" \
		"$(grep -c 'made it before' $kept/outcomes) times before, $(grep -c 'made it after' $kept/outcomes) times after, never between"
	exit 0
fi

turn=$((PT_BOOT % 2))
if [ $turn = 1 ]; then
	command=$reserve from=before back=$release
else
	command=$release from=after back=$reserve
fi
[ "$(which_state $kept)" = $from ] || $back >$WORDS 2>&1 || { cat $WORDS; fail "$back"; exit 1; }
places=$(cat $kept/places-$turn)
# each of them gets its way in as many steps as it has turns; not the very last places (cut.sh)
steps=$(((cuts + turn) / 2))
place=$((1 + (PT_BOOT - 1) / 2 * (places - 5) / (steps > 1 ? steps - 1 : 1)))
[ $steps -gt 1 ] || place=$((places / 2))
echo "place $place of $places of ${command#passthru }" >$kept/at
sync
stopped_at $place $command || exit 1
power_cut
