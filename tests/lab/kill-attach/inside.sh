# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The places are those of tests/lab/cut/cut.c.  Beside this script a file `every` may say: each N-th place.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

attach='passthru attach cvm MegaRAID --yes'
states=/run/lab

start_libvirt || exit 1
define_cvm || exit 1
host_state >$states/before

# once to begin with: making the journal's file has places of its own
passthru attach cvm MegaRAID --yes >$WORDS 2>&1 && passthru undo --yes >$WORDS 2>&1 || { cat $WORDS; exit 1; }
check "an attach and its undo are nothing" test "$(which_state $states)" = before || exit 1

echo "# $attach --verbose"
places=$(places_of $attach --verbose) || { echo "$places"; exit 1; }
grep '^spent' $WORDS
host_state >$states/after
check "the attach changes something" sh -c "! cmp -s $states/before $states/after"
check "undo takes it back" passthru undo --yes
check "and then all is as before" test "$(which_state $states)" = before

every=$(cat "$PT_SCENARIO_DIR/every" 2>/dev/null || echo $((places / 6)))
killed=0
before=0
after=0
killed_along $states 'passthru undo --yes' "$places" "$every" $attach || exit 1
check "the host has its disks" host_has_ssds
echo "$killed of $places places: $before times before, $after times after, never between"
ok "$killed kills: $before times before, $after times after"
