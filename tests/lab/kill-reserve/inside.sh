# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The places are those of tests/lab/cut/cut.c.  Beside this script a file `every` may say: each N-th place.
# No libvirt runs: a change of devices alone needs none.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

reserve="passthru reserve $hba --yes"
release="passthru release $hba --yes"
mkdir -p /run/lab/reserving /run/lab/releasing

# cut_off_and_pulled: a reserve, killed when the controller is bound, and the card is gone then.
cut_off_and_pulled()
{
	place=$((places - 6))
	while [ $place -gt 0 ]; do
		killed_at $place $reserve || return 1
		echo 1 >/sys/bus/pci/devices/$hba/remove
		# the very end was reached where nothing has to be taken back any more
		passthru recover --dry-run | grep -q 'was cut off' && ! passthru recover >$WORDS 2>&1 && return 0
		cat $WORDS
		pushed_in && $release >$WORDS 2>&1
		place=$((place - 2))
	done
	return 1
}

pushed_in()
{
	echo 1 >/sys/bus/pci/rescan
	wait_for 60 has_driver $hba megaraid_sas && wait_for 60 host_has_ssds
}

# once to begin with: making the journal's file has places of its own
$reserve >$WORDS 2>&1 && $release >$WORDS 2>&1 || { cat $WORDS; exit 1; }
host_state >/run/lab/reserving/before
cp /run/lab/reserving/before /run/lab/releasing/after

places=$(places_of $reserve) || { echo "$places"; exit 1; }
host_state >/run/lab/reserving/after
cp /run/lab/reserving/after /run/lab/releasing/before
check "the reservation changes something" sh -c '! cmp -s /run/lab/reserving/before /run/lab/reserving/after'
places_back=$(places_of $release) || { echo "$places_back"; exit 1; }
check "the release takes it back" test "$(which_state /run/lab/reserving)" = before || exit 1

every=$(cat "$PT_SCENARIO_DIR/every" 2>/dev/null)
killed=0
before=0
after=0
killed_along /run/lab/reserving "$release" "$places" "${every:-$((places / 5))}" $reserve || exit 1
ok "$killed kills of reserve: $before times before, $after times after"
check "the host has its disks" host_has_ssds

$reserve >$WORDS 2>&1 || { cat $WORDS; exit 1; }
killed_along /run/lab/releasing "$reserve" "$places_back" "${every:-$((places_back / 4))}" $release || exit 1
$release >$WORDS 2>&1 || { cat $WORDS; exit 1; }
check "the host has its disks again" host_has_ssds
echo "$killed of $places and $places_back places: $before times before, $after times after, never between"
ok "$killed kills: $before times before, $after times after"

echo "== the card is pulled in the middle of a reserve"
check "it is stuck then" cut_off_and_pulled || exit 1
change=$(passthru recover --dry-run | sed -n 's/^change \([0-9]*\) .*/\1/p')
expect_exit 4 passthru recover
output_has "there is no PCI function $hba any more"
output_has "recover --give-up"
expect_exit 2 passthru recover --give-up "$change"
expect_exit 0 passthru recover --give-up "$change" --dry-run
output_has "bind $hba to vfio-pci"
check "a dry run leaves it stuck" sh -c 'passthru recover --dry-run | grep -q "could not be taken back"'
expect_exit 0 passthru recover --give-up "$change" --yes
output_has "there is no PCI function $hba any more"
expect_exit 0 passthru recover
output_has "nothing to recover"
check "nothing is reserved" sh -c '! ls /etc/passthru/reserved.d/*.conf /etc/udev/rules.d/*passthru* 2>/dev/null'
check "the card is the host's own when it is back" pushed_in
expect_exit 2 passthru recover --give-up "$change" --yes
output_has "is settled: it is failed"
